//! Where the picture goes: virtual cameras.
//!
//! An output is opened once and kept for the applet's life: a writer that closes its device ends
//! the calls of the applications that read from it.

mod find;
pub mod pipewire;
mod v4l2;
mod v4l2loopback;
mod vcam;

use std::io;
use std::path::Path;
use std::rc::Rc;

pub use find::{ADD, Capabilities, FoundOutput, LOAD};
pub use find::{capabilities, find_all, has_better, nodes, nodes_below, open};
pub use pipewire::Pipewire;
pub use v4l2::Device;
pub use v4l2loopback::{Followed, Follower, V4l2loopback};
pub use vcam::{CONTROL as VCAM, Control as VcamControl, KEPT_SLOTS, Slot, UDMABUF, Vcam};

use crate::i18n::gettext_f;
use crate::placeholder::Pictures;
use crate::relay::{Card, Generation};
use crate::settings::{Geometry, OutputKind};

/// A camera frame in a slot.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// Its pixels, in the output's geometry.
    pub pixels: &'a [u8],
    /// When it was captured, in nanoseconds of `CLOCK_MONOTONIC`; 0 if nobody knows.
    pub captured: u64,
    /// Where it lies.
    pub slot: Slot<'a>,
}

/// What became of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Submitted {
    /// It was copied: the slot is free.
    Copied,
    /// It is shown where it lies: the slot is free once [`Output::freed`] names it.
    Kept,
    /// It had to be left out, because it came so soon after the last one that a client may still be
    /// at the buffer it would go to. The slot is free.
    LeftOut,
}

/// A virtual camera that is open.
#[derive(Debug)]
pub enum Output {
    /// A device of the kernel module.
    V4l2loopback(V4l2loopback),
    /// A camera of the vcam driver.
    Vcam(Vcam),
    /// A stream of PipeWire.
    Pipewire(Pipewire),
}

impl Output {
    /// What it is.
    pub fn kind(&self) -> OutputKind {
        match self {
            Self::V4l2loopback(_) => OutputKind::V4l2loopback,
            Self::Vcam(_) => OutputKind::Vcam,
            Self::Pipewire(_) => OutputKind::Pipewire,
        }
    }

    /// The device behind it, where there is one.
    pub fn device(&self) -> Option<&Device> {
        match self {
            Self::V4l2loopback(output) => Some(output.device()),
            Self::Vcam(_) | Self::Pipewire(_) => None,
        }
    }

    /// A hand for a thread that shows frames, where one can go on.
    pub fn follower(&self) -> Option<Follower> {
        match self {
            Self::V4l2loopback(output) => output.follower(),
            Self::Vcam(_) | Self::Pipewire(_) => None,
        }
    }

    /// The camera behind it, where it is one of vcam.
    pub fn vcam(&self) -> Option<&Vcam> {
        match self {
            Self::Vcam(output) => Some(output),
            Self::V4l2loopback(_) | Self::Pipewire(_) => None,
        }
    }

    /// The device node that applications open, where there is one.
    pub fn node(&self) -> Option<&Path> {
        match self {
            Self::V4l2loopback(output) => Some(output.path()),
            Self::Vcam(output) => Some(output.path()),
            Self::Pipewire(_) => None,
        }
    }

    /// The stream behind it, where there is one.
    pub fn pipewire(&self) -> Option<&Pipewire> {
        match self {
            Self::V4l2loopback(_) | Self::Vcam(_) => None,
            Self::Pipewire(output) => Some(output),
        }
    }

    /// The device node, or the name that PipeWire knows it by.
    pub fn place(&self) -> String {
        match self {
            Self::V4l2loopback(output) => output.path().display().to_string(),
            Self::Vcam(output) => output.path().display().to_string(),
            Self::Pipewire(_) => pipewire::NODE.to_owned(),
        }
    }

    /// The name that applications list.
    pub fn name(&self) -> &str {
        match self {
            Self::V4l2loopback(output) => output.name(),
            Self::Vcam(output) => output.name(),
            Self::Pipewire(_) => pipewire::DESCRIPTION,
        }
    }

    /// The frames that clients see.
    pub fn geometry(&self) -> Geometry {
        match self {
            Self::V4l2loopback(output) => output.geometry(),
            Self::Vcam(output) => output.geometry(),
            Self::Pipewire(output) => output.geometry(),
        }
    }

    /// The nominal frame rate.
    pub fn framerate(&self) -> u32 {
        match self {
            Self::V4l2loopback(output) => output.framerate(),
            Self::Vcam(output) => output.framerate(),
            Self::Pipewire(output) => output.framerate(),
        }
    }

    /// The placeholder pictures.
    pub fn pictures(&self) -> &Pictures {
        match self {
            Self::V4l2loopback(output) => output.pictures(),
            Self::Vcam(output) => output.pictures(),
            Self::Pipewire(output) => output.pictures(),
        }
    }

    /// Takes other placeholder pictures, for the next [`show`](Self::show).
    pub fn set_pictures(&mut self, pictures: Rc<Pictures>) {
        match self {
            Self::V4l2loopback(output) => output.set_pictures(pictures),
            Self::Vcam(output) => output.set_pictures(pictures),
            Self::Pipewire(output) => output.set_pictures(pictures),
        }
    }

    /// Shows a camera frame.
    pub fn submit(&mut self, frame: &Frame<'_>) -> io::Result<Submitted> {
        let copied = match self {
            Self::V4l2loopback(output) => output.submit(frame.pixels)?,
            Self::Pipewire(output) => output.submit(frame)?,
            Self::Vcam(output) => {
                let kept = output.submit(frame.slot)?;
                return Ok(if kept {
                    Submitted::Kept
                } else {
                    Submitted::LeftOut
                });
            }
        };
        Ok(if copied {
            Submitted::Copied
        } else {
            Submitted::LeftOut
        })
    }

    /// The slots that were kept and are not any more, since the last call.
    pub fn freed(&mut self) -> Vec<(Generation, u32)> {
        match self {
            Self::Vcam(output) => output.freed(),
            Self::V4l2loopback(_) | Self::Pipewire(_) => Vec::new(),
        }
    }

    /// Shows a placeholder, anew if it is shown already. When it takes the place of camera frames,
    /// no buffer holds any of them afterwards.
    pub fn show(&mut self, card: Card) -> io::Result<()> {
        match self {
            Self::V4l2loopback(output) => output.show(card),
            Self::Vcam(output) => output.show(card),
            Self::Pipewire(output) => output.show(card),
        }
    }

    /// Shows what is up once more, in a buffer of its own.
    pub fn repeat(&mut self) -> io::Result<()> {
        match self {
            Self::V4l2loopback(output) => output.repeat(),
            Self::Vcam(output) => output.repeat(),
            Self::Pipewire(output) => output.repeat(),
        }
    }

    /// A client streams, or none any more.
    pub fn sustain(&mut self, on: bool) -> io::Result<()> {
        match self {
            Self::V4l2loopback(output) => {
                output.sustain(on);
                Ok(())
            }
            Self::Vcam(output) => output.look(), // its driver paces it
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
            Self::Vcam(output) => gettext_f(
                "{device} is gone: {error}; restart Lenscap",
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
