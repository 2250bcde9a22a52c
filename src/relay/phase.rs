//! What the state machine is made of.

use super::{Card, Fault, Time};

/// Where the relay is between "no client streams" and "the camera's picture is shown".
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
    Live {
        since: Time,
    },
    Cooldown {
        since: Time,
        until: Time,
    },
    Failed {
        fault: Fault,
        retry_at: Time,
    },
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
    /// The camera's frames, or the card before them until the first one comes.
    Camera,
}

/// Whether the outputs have to be set up again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reopen {
    No,
    WhenUnused,
    /// A program that doesn't stream pins the format: after the next close.
    AfterClose,
}
