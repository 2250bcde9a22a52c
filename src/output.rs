//! Where the picture goes: virtual cameras.
//!
//! An output is opened once and kept for the applet's life: a writer that closes its device ends
//! the calls of the applications that read from it.

mod find;
mod mapping;
pub mod pipewire;
mod v4l2;
mod v4l2loopback;

use std::io;
use std::rc::Rc;

pub use find::{Capabilities, FoundOutput, LOAD};
pub use find::{capabilities, find_all, nodes, nodes_below, open};
pub use mapping::Mapping;
pub use pipewire::Pipewire;
pub use v4l2::Device;
pub use v4l2loopback::V4l2loopback;

use crate::i18n::gettext_f;
use crate::placeholder::Pictures;
use crate::relay::Card;
use crate::settings::{Geometry, OutputKind};

/// A camera frame.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// Its pixels, in the output's geometry.
    pub pixels: &'a [u8],
    /// When it was captured, in nanoseconds of `CLOCK_MONOTONIC`; 0 if nobody knows.
    pub captured: u64,
}

/// A virtual camera that is open.
#[derive(Debug)]
pub enum Output {
    /// A device of the kernel module.
    V4l2loopback(V4l2loopback),
    /// A stream of PipeWire.
    Pipewire(Pipewire),
}

impl Output {
    /// What it is.
    pub fn kind(&self) -> OutputKind {
        match self {
            Self::V4l2loopback(_) => OutputKind::V4l2loopback,
            Self::Pipewire(_) => OutputKind::Pipewire,
        }
    }

    /// The device behind it, where there is one.
    pub fn device(&self) -> Option<&Device> {
        match self {
            Self::V4l2loopback(output) => Some(output.device()),
            Self::Pipewire(_) => None,
        }
    }

    /// The stream behind it, where there is one.
    pub fn pipewire(&self) -> Option<&Pipewire> {
        match self {
            Self::V4l2loopback(_) => None,
            Self::Pipewire(output) => Some(output),
        }
    }

    /// The device node, or the name that PipeWire knows it by.
    pub fn place(&self) -> String {
        match self {
            Self::V4l2loopback(output) => output.path().display().to_string(),
            Self::Pipewire(_) => pipewire::NODE.to_owned(),
        }
    }

    /// The name that applications list.
    pub fn name(&self) -> &str {
        match self {
            Self::V4l2loopback(output) => output.name(),
            Self::Pipewire(_) => pipewire::DESCRIPTION,
        }
    }

    /// The frames that clients see.
    pub fn geometry(&self) -> Geometry {
        match self {
            Self::V4l2loopback(output) => output.geometry(),
            Self::Pipewire(output) => output.geometry(),
        }
    }

    /// The nominal frame rate.
    pub fn framerate(&self) -> u32 {
        match self {
            Self::V4l2loopback(output) => output.framerate(),
            Self::Pipewire(output) => output.framerate(),
        }
    }

    /// The placeholder pictures.
    pub fn pictures(&self) -> &Pictures {
        match self {
            Self::V4l2loopback(output) => output.pictures(),
            Self::Pipewire(output) => output.pictures(),
        }
    }

    /// Takes other placeholder pictures, for the next [`show`](Self::show).
    pub fn set_pictures(&mut self, pictures: Rc<Pictures>) {
        match self {
            Self::V4l2loopback(output) => output.set_pictures(pictures),
            Self::Pipewire(output) => output.set_pictures(pictures),
        }
    }

    /// Shows a camera frame, at the cost of one copy. False if it had to be left out, because it
    /// came so soon after the last one that a client may still be at the buffer it would go to.
    pub fn submit(&mut self, frame: Frame) -> io::Result<bool> {
        match self {
            Self::V4l2loopback(output) => output.submit(frame.pixels),
            Self::Pipewire(output) => output.submit(frame),
        }
    }

    /// Shows a placeholder, anew if it is shown already. When it takes the place of camera frames,
    /// no buffer holds any of them afterwards.
    pub fn show(&mut self, card: Card) -> io::Result<()> {
        match self {
            Self::V4l2loopback(output) => output.show(card),
            Self::Pipewire(output) => output.show(card),
        }
    }

    /// Shows what is up once more, in a buffer of its own.
    pub fn repeat(&mut self) -> io::Result<()> {
        match self {
            Self::V4l2loopback(output) => output.repeat(),
            Self::Pipewire(output) => output.repeat(),
        }
    }

    /// A client streams, or none any more.
    pub fn sustain(&mut self, on: bool) -> io::Result<()> {
        match self {
            Self::V4l2loopback(output) => output.sustain(on),
            Self::Pipewire(output) => output.sustain(on),
        }
    }

    /// What to say when it is gone: the reason, and what to do.
    pub fn obituary(&self, error: &io::Error) -> String {
        let error = error.to_string();
        match self {
            Self::V4l2loopback(output) => gettext_f(
                "{device} is gone: {error}; load v4l2loopback again",
                &[
                    ("device", &output.path().display().to_string()),
                    ("error", &error),
                ],
            ),
            Self::Pipewire(_) => gettext_f(
                "PipeWire is gone: {error}; start it with: {command}",
                &[("error", &error), ("command", pipewire::START)],
            ),
        }
    }
}
