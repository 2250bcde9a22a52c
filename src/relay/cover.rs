//! What covers the camera, whatever clients stream.

use serde::{Deserialize, Serialize};

use super::worker::Worker;
use super::{Command, Plan};

/// What covers the camera without the user's asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cover {
    /// The screen is locked, and the user wants no picture meanwhile.
    Lock,
    /// The machine is about to sleep, or sleeps.
    Sleep,
}

impl Cover {
    /// The name in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Lock => "lock",
            Self::Sleep => "sleep",
        }
    }
}

/// Everything that covers the camera. One doesn't end with the other.
#[derive(Clone, Debug)]
pub(super) struct Covers {
    /// Whether the user did.
    pub paused: bool,
    /// Whether the screen is locked, which counts if the settings want that.
    pub locked: bool,
    sleep: Sleep,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sleep {
    Awake,
    /// The machine waits until the camera is closed.
    Awaited,
    /// The machine may sleep, and sleeps.
    Allowed,
}

impl Covers {
    /// Nothing but perhaps a pause.
    pub fn new(paused: bool) -> Self {
        Self {
            paused,
            locked: false,
            sleep: Sleep::Awake,
        }
    }

    /// Whether anything covers the camera.
    pub fn any(&self, plan: &Plan) -> bool {
        self.paused || self.automatic(plan).is_some()
    }

    /// What covers the camera beside a pause, which may be on, too.
    pub fn automatic(&self, plan: &Plan) -> Option<Cover> {
        let locked = self.locked && plan.cover_when_locked;
        match self.sleep {
            Sleep::Awaited | Sleep::Allowed => Some(Cover::Sleep),
            Sleep::Awake => locked.then_some(Cover::Lock),
        }
    }

    /// The machine waits for us, to sleep.
    pub fn prepare_for_sleep(&mut self) {
        if self.sleep == Sleep::Awake {
            self.sleep = Sleep::Awaited;
        }
    }

    /// The machine is awake, whether it has slept or not.
    pub fn wake_up(&mut self) {
        self.sleep = Sleep::Awake;
    }

    /// Lets the machine sleep, once, when there is no worker any more.
    pub fn allow_sleep(&mut self, worker: Worker) -> Option<Command> {
        if self.sleep != Sleep::Awaited || worker != Worker::None {
            return None;
        }
        self.sleep = Sleep::Allowed;
        Some(Command::AllowSleep)
    }
}
