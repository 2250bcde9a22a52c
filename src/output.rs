//! Where the picture goes: virtual cameras, one folder for each backend.
//!
//! A [`Backend`] finds and opens an [`Output`], which shows placeholders, watches its clients and gives
//! the frame pump a [`Sink`]. Nothing outside a backend's folder knows more of it than these traits:
//! another one is a folder here and a line in [`backends`].
//!
//! No fault of a camera closes an output: a writer that closes its device ends the calls of the
//! applications that read from it.

mod choice;
mod found;
mod guarded;
mod lease;
mod node_watch;
pub mod pipewire;
#[cfg(test)]
pub mod tests;
mod v4l2;
mod v4l2loopback;
mod vcam;

use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

pub use choice::{has_better, open};
pub use found::{FoundOutput, find_all};
pub use lease::{Lease, Slots};
pub use v4l2loopback::{Capabilities, capabilities, nodes_below};
pub use vcam::{CONTROL as VCAM, UDMABUF};

use crate::descriptor::Watched;
use crate::placeholder::Pictures;
use crate::relay::{Card, Fault, Holder, Watch};
use crate::settings::{Geometry, OutputKind, OutputSpec, Settings};

/// Every backend, in the order in which `auto` prefers them.
pub fn backends() -> Vec<Box<dyn Backend>> {
    vec![
        Box::new(v4l2loopback::Loopback),
        Box::new(vcam::Driver),
        Box::new(pipewire::Server::default()),
    ]
}

/// A way to make virtual cameras.
pub trait Backend {
    /// Its kind.
    fn kind(&self) -> OutputKind;

    /// Whether `auto` must not fall back to the next kind: applications have one of its cameras open or
    /// listed, which can't be made anew.
    fn forbids_fallback(&self) -> bool {
        false
    }

    /// Whether a machine without it lacks something that users should install.
    fn is_common(&self) -> bool {
        true
    }

    /// Opens a virtual camera that shows black, and watches its clients from then on.
    fn open(
        &self,
        device: Option<&Path>,
        settings: &Settings,
        notify: Notify,
    ) -> Result<Box<dyn Output>, Fault>;

    /// Whether [`open`](Self::open) would succeed, as far as can be checked without opening.
    fn can_open(&self, settings: &Settings) -> bool;

    /// Every virtual camera there is or could be, without claiming any.
    fn find(&self) -> Vec<FoundOutput>;

    /// Watches for everything that may make an [`open`](Self::open) succeed that has just failed. What
    /// happened between the two counts: `retry` is called on the main loop, never from within this.
    fn wait(&self, spec: &OutputSpec, settings: &Settings, retry: Rc<dyn Fn()>) -> Vec<Watched>;
}

/// A virtual camera that is open. Dropping it gives it back.
pub trait Output {
    /// What others may know of it. It doesn't change while the output is open.
    fn info(&self) -> &OutputInfo;

    /// The placeholder pictures.
    fn pictures(&self) -> Arc<Pictures>;

    /// Takes other placeholder pictures, and shows the new one if a placeholder is up.
    fn set_pictures(&mut self, pictures: Arc<Pictures>) -> io::Result<()>;

    /// Shows a placeholder, anew if it is shown already. When it takes the place of camera frames,
    /// no buffer that a client can reach holds any of them afterwards. The output must be off the
    /// frame pump's route.
    fn show(&mut self, card: Card) -> io::Result<Streams>;

    /// Shows what is up once more, in a buffer of its own.
    fn repeat(&mut self) -> io::Result<Streams>;

    /// A client streams, or none any more.
    fn sustain(&mut self, on: bool) -> io::Result<()>;

    /// Shows camera frames, for the frame pump's thread.
    fn sink(&self) -> Arc<dyn Sink>;

    /// Slots of a worker that the output may keep beyond the call of [`Sink::show`], at most.
    fn kept_slots(&self) -> u32 {
        0
    }

    /// Device nodes have come, gone, or changed their permissions.
    fn nodes_changed(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// Why it is gone, and what to do.
    fn lost(&self, error: &io::Error) -> Fault;
}

/// What an output is.
#[derive(Clone, Debug)]
pub struct OutputInfo {
    /// The kind of its backend.
    pub kind: OutputKind,
    /// How its clients are noticed.
    pub watch: Watch,
    /// The device node that applications open, where there is one.
    pub node: Option<PathBuf>,
    /// The name that applications list.
    pub name: String,
    /// The frames that clients see.
    pub geometry: Geometry,
    /// The nominal frame rate.
    pub framerate: u32,
}

impl OutputInfo {
    /// The device node, or the name that PipeWire knows it by.
    pub fn place(&self) -> String {
        let node = self.node.as_ref().map(|node| node.display().to_string());
        node.unwrap_or_else(|| pipewire::NODE.to_owned())
    }
}

/// Shows camera frames on one output. It may outlive the output, and shows nothing then.
pub trait Sink: Send + Sync {
    /// Shows a frame, copied or under its lease.
    fn show(&self, frame: &Frame<'_>) -> io::Result<Shown>;
}

/// A camera frame in a worker's slot.
#[derive(Clone, Copy)]
pub struct Frame<'a> {
    /// The slot. A sink that shows the frame without a copy keeps the lease for as long.
    pub lease: &'a Arc<Lease>,
    /// When it was captured, in nanoseconds of `CLOCK_MONOTONIC`; 0 if unknown.
    pub captured: u64,
}

impl Frame<'_> {
    /// Its pixels, in the outputs' geometry and without padding.
    pub fn pixels(&self) -> &[u8] {
        self.lease.pixels()
    }
}

/// What became of a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// False if it was left out, because it came so soon after the last one that a client may still be
    /// reading the buffer it would go to.
    pub accepted: bool,
    /// What the driver reported meanwhile.
    pub streams: Streams,
}

/// How many clients stream (some drivers: just 0 or 1), where the driver reported a change.
pub type Streams = Option<u32>;

/// What an output reports of its clients and of itself.
#[derive(Debug)]
pub enum OutputEvent {
    /// This many clients stream (some drivers: just 0 or 1).
    Streams(u32),
    /// The device was opened (+1) or closed (-1) this often.
    Opens(i32),
    /// These processes stream.
    Holders(Vec<Holder>),
    /// The output is gone.
    Lost(Fault),
}

/// Receives an output's events, on the main loop. The output may be dropped within the call.
pub type Notify = Rc<dyn Fn(OutputEvent)>;

/// What a sink answers that has outlived its output.
fn is_gone() -> io::Error {
    io::Error::other("the output was closed")
}
