//! All that can happen to a relay.

use super::{Client, Fault, Generation, OutputId, Plan, Watch};

/// A process that has an output's device open, or a stream from it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Holder {
    /// Process id; 0 for one in a sandbox whose id is unknown.
    pub pid: u32,
    /// What a person would call it: a Flatpak or Snap application id, else the process's name.
    pub name: String,
    /// Whether it is the applet or a child of the applet: no client, whatever it opens.
    pub ours: bool,
    /// Whether it has the output's frame buffers mapped: it streams, or is about to.
    pub mapped: bool,
}

/// Frames that a worker delivered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FrameCount {
    /// Shown on at least one output.
    pub shown: u64,
    /// Delivered while no output was on the route, or refused by every output on it.
    pub dropped: u64,
}

/// Something that happened. The only way in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A time ordered by [`WakeAt`](super::Command::WakeAt) has come.
    Wake,
    /// An output is open and shows a placeholder; its clients are noticed in this way.
    OutputReady(OutputId, Watch),
    /// An output is not there, for this reason.
    OutputLost(OutputId, Fault),
    /// An output is wanted no more.
    OutputDropped(OutputId),
    /// The outputs could not be set up by new settings, because a program pins the present ones.
    OutputPinned,
    /// What an output only stands in for may be there now.
    BetterOutput,
    /// There is a source to open.
    SourceReady,
    /// There is no source to open, for this reason.
    SourceMissing(Fault),
    /// The driver reports how many clients stream from an output (some drivers: just 0 or 1).
    Usage(OutputId, u32),
    /// The device was opened (+1) or closed (−1) this often since the last such event.
    Opens(OutputId, i32),
    /// These processes have the device open, our own included; `None` where /proc can't be read.
    Holders(OutputId, Option<Vec<Holder>>),
    /// These processes show a preview.
    Previews(Vec<Client>),
    /// The first frame of this worker went along its route.
    FirstFrame(Generation),
    /// Frames of any worker since the last such event.
    Frames(FrameCount),
    /// No frame came from this worker for the time that [`Plan::silence`] allows after its last one.
    Silent(Generation),
    /// The worker of this generation reports that it can't go on.
    WorkerFailed(Generation, Fault),
    /// The worker of this generation is gone, whatever the reason.
    WorkerExited(Generation),
    /// The user covers the camera.
    Pause,
    /// The user allows the camera again.
    Resume,
    /// The screen is locked.
    Lock,
    /// The screen is unlocked.
    Unlock,
    /// The machine is about to sleep, and waits for [`AllowSleep`](super::Command::AllowSleep).
    Sleep,
    /// The machine is awake again.
    Awake,
    /// The settings changed; `output` if the outputs must be set up anew, `source`
    /// that the worker must be.
    SettingsChanged {
        /// How to time things from now on.
        plan: Plan,
        /// The virtual cameras' own settings changed (which, device, size, rate, format).
        output: bool,
        /// The real camera's settings changed.
        source: bool,
    },
}
