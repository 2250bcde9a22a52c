//! What the core knows of its worker process.

use std::time::Duration;

use super::{Command, Generation, StopHow, Time};

/// How long a worker may take to end its stream and close the camera in good order. An unclean stop
/// can wedge a MIPI sensor until reboot, so it gets most of the five seconds.
const GRACE: Duration = Duration::from_secs(3);
/// How long it may take after SIGTERM.
const TERM_GRACE: Duration = Duration::from_secs(1);

/// The worker of the newest generation. There is never more than one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Worker {
    /// No process.
    None,
    /// Started, camera closed.
    Warm(Generation),
    /// Ordered to open the camera, at this time.
    Open(Generation, Time),
    /// Ordered to end.
    Stopping {
        generation: Generation,
        /// Whether it was ever ordered to open the camera.
        opened: bool,
        how: StopHow,
        /// When to escalate; never once it was killed.
        next_at: Option<Time>,
    },
}

impl Worker {
    pub fn generation(self) -> Option<Generation> {
        match self {
            Self::None => None,
            Self::Warm(generation)
            | Self::Open(generation, _)
            | Self::Stopping { generation, .. } => Some(generation),
        }
    }

    pub fn camera_open(self) -> bool {
        matches!(self, Self::Open(..) | Self::Stopping { opened: true, .. })
    }

    /// Whether there is one that was not ordered to end.
    pub fn is_wanted(self) -> bool {
        matches!(self, Self::Warm(_) | Self::Open(..))
    }

    pub fn is_stopping(self) -> bool {
        matches!(self, Self::Stopping { .. })
    }

    /// Orders the worker to end, unless it was ordered before.
    pub fn stop(&mut self, now: Time) -> Option<Command> {
        let generation = self.generation().filter(|_| !self.is_stopping())?;
        *self = Self::Stopping {
            generation,
            opened: self.camera_open(),
            how: StopHow::Gracefully,
            next_at: Some(now + GRACE),
        };
        Some(Command::Stop(generation, StopHow::Gracefully))
    }

    /// Escalates when the time has come.
    pub fn escalate(&mut self, now: Time) -> Option<Command> {
        let Self::Stopping {
            generation,
            how,
            next_at,
            ..
        } = self
        else {
            return None;
        };
        next_at.filter(|at| now >= *at)?;
        (*how, *next_at) = match how {
            StopHow::Gracefully => (StopHow::Terminate, Some(now + TERM_GRACE)),
            StopHow::Terminate | StopHow::Kill => (StopHow::Kill, None),
        };
        Some(Command::Stop(*generation, *how))
    }

    /// When to [`escalate`](Self::escalate) next.
    pub fn deadline(self) -> Option<Time> {
        match self {
            Self::Stopping { next_at, .. } => next_at,
            _ => None,
        }
    }
}
