//! What the relay is doing, as a plain snapshot.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Cover, Fault};

/// The state's name, as the D-Bus API has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StateName {
    /// No client streams; the camera is off.
    Idle,
    /// A client streams; a worker warms up, the camera is off until the delay has passed.
    Arming,
    /// The camera is opening.
    Starting,
    /// The camera's picture is shown.
    Live,
    /// No client streams any more; the camera stays on for a while.
    Cooldown,
    /// The camera is covered: by the user, by a locked screen, or because the machine will sleep.
    Paused,
    /// There is no picture, and a reason.
    Failed,
}

impl StateName {
    /// The name in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Arming => "arming",
            Self::Starting => "starting",
            Self::Live => "live",
            Self::Cooldown => "cooldown",
            Self::Paused => "paused",
            Self::Failed => "failed",
        }
    }
}

/// An application that streams.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Client {
    /// Process id; 0 for one in a sandbox whose id is unknown.
    pub pid: u32,
    /// What a person would call it.
    pub name: String,
}

impl Client {
    /// Whether both are one application, whatever it is called at each output.
    pub fn is(&self, other: &Self) -> bool {
        self.pid == other.pid && (self.pid != 0 || self.name == other.name)
    }
}

/// What the relay is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// The state.
    pub state: StateName,
    /// Whether the user covered the camera.
    pub paused: bool,
    /// What else covers it.
    pub covered_by: Option<Cover>,
    /// Whether a worker that was ordered to open the camera still lives.
    pub camera_open: bool,
    /// Whether clients stream, also while their processes are not known.
    pub has_clients: bool,
    /// The clients.
    pub clients: Vec<Client>,
    /// Applications that have the device open beside them without getting a stream.
    pub waiting: Vec<Client>,
    /// Why there is no picture.
    pub error: Option<Fault>,
}

/// What the relay has done since it started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// How often the camera was opened.
    pub activations: u64,
    /// Camera frames shown.
    pub frames: u64,
    /// Camera frames that came too late to be shown.
    pub dropped: u64,
    /// From opening the camera to its first frame, the last time.
    pub start: Option<Duration>,
}
