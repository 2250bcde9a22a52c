//! What the state machine is made of.

use super::{Card, Fault, Plan, Time};

/// Where the relay is between "nobody looks" and "the camera's picture is shown".
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Idle,
    Arming,
    Starting {
        /// When the start is given up.
        deadline: Time,
        /// When to give up because the client went meanwhile.
        leave_at: Option<Time>,
    },
    Live(Live),
    Cooldown {
        live: Live,
        until: Time,
    },
    Failed {
        fault: Fault,
        retry_at: Time,
    },
}

/// What is known of a camera that delivers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Live {
    pub since: Time,
    pub last_frame: Time,
    /// When to look whether the camera fell silent. Not moved by every frame: the timer would be.
    pub check_at: Time,
}

/// Whether there is a camera to open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Source {
    Searching,
    Ready,
    Missing(Fault),
}

/// What an output shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    Nothing,
    Card(Card),
    Camera,
}

/// Whether the outputs have to be set up again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reopen {
    No,
    WhenUnwatched,
    /// Somebody who doesn't stream pins the format: after the next close.
    AfterClose,
}

impl Phase {
    /// The camera gave a frame.
    pub fn saw_frame(&mut self, at: Time) {
        if let Self::Live(live) | Self::Cooldown { live, .. } = self {
            live.last_frame = at;
        }
    }
}

impl Live {
    /// A camera whose first frame is there.
    pub fn begin(plan: &Plan, now: Time) -> Self {
        Self {
            since: now,
            last_frame: now,
            check_at: now + plan.silence,
        }
    }

    pub fn is_silent(&self, plan: &Plan, now: Time) -> bool {
        now >= self.last_frame + plan.silence
    }

    /// Sets the next check if the present one has come.
    pub fn recheck(&mut self, plan: &Plan, now: Time) {
        if now >= self.check_at {
            self.check_at = self.last_frame + plan.silence;
        }
    }
}
