//! All that a relay can order.

use super::{FaultKind, Generation, OutputId, OutputSet, Time};

/// Which picture the placeholder is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Card {
    /// No client streams.
    Off,
    /// The camera is about to come.
    Starting,
    /// The camera is covered: by the user, by a locked screen, or because the machine will sleep.
    Paused,
    /// There is no picture, for this kind of reason.
    Failed(FaultKind),
}

impl Card {
    /// Every card there is.
    pub fn all() -> impl Iterator<Item = Self> {
        [Self::Off, Self::Starting, Self::Paused]
            .into_iter()
            .chain(FaultKind::ALL.map(Self::Failed))
    }
}

/// How a worker is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StopHow {
    /// End of stream, then close the camera in good order.
    Gracefully,
    /// SIGTERM.
    Terminate,
    /// SIGKILL.
    Kill,
}

/// Something to do. The only way out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Send [`Wake`](super::Event::Wake) at this time, and at no other; `None`: not at all.
    WakeAt(Option<Time>),
    /// Start a worker that warms up and opens no camera.
    Spawn(Generation),
    /// Tell the worker to open the camera.
    OpenCamera(Generation),
    /// Tell the worker to end.
    Stop(Generation, StopHow),
    /// Show this worker's frames on these outputs from now on, and on no others. No frame of the route
    /// before is shown once this is done.
    Route(Generation, OutputSet),
    /// Show a placeholder. If camera frames were shown since the last one, cover every buffer.
    Show(OutputId, Card),
    /// Keep frames coming at the nominal rate (a client streams), or stop it.
    Sustain(OutputId, bool),
    /// Look at once who has the device open.
    FindHolders(OutputId),
    /// Look whether these processes still have the device open.
    CheckHolders(OutputId, Vec<u32>),
    /// Set the outputs up again by the current settings: no client streams now.
    ReopenOutputs,
    /// Look for a source again.
    FindSource,
    /// The machine may sleep: the camera is closed.
    AllowSleep,
}
