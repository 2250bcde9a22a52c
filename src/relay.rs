//! The relay: one source bound to its outputs, as a state machine without side effects.
//!
//! [`step`](State::step) takes an [`Event`] and the time and answers with [`Command`]s; nothing here
//! knows GLib, GStreamer, a file or a clock, so every rule about when the camera is open can be
//! tested as a table or walked at random.

pub mod backoff;
mod command;
mod cover;
mod demand;
mod event;
mod fault;
mod outputs;
mod phase;
mod plan;
mod state;
mod status;
#[cfg(test)]
mod tests;
mod worker;

pub use command::{Card, Command, StopHow};
pub use cover::Cover;
pub use event::{Event, FrameCount, Holder};
pub use fault::{Fault, FaultKind};
pub use outputs::{OutputId, OutputSet};
pub use plan::{Plan, Watch};
pub use state::State;
pub use status::{Client, StateName, Stats, Status};

/// Monotonic time since an arbitrary origin that stays the same for the applet's life. It stands still
/// while the machine sleeps, and so do the waits that are made of it.
pub type Time = std::time::Duration;

/// Counts worker starts. What a worker of an older generation still reports is dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Generation(pub u64);
