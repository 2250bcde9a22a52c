//! A hand on a device's ring for another thread, which can do nothing but go on as before.

use std::sync::{Mutex, Weak};

use super::lock;
use super::ring::Ring;

/// Shows frames that follow a frame. The device stays open for it no longer than it shows one.
pub struct Follower {
    pub(super) ring: Weak<Mutex<Ring>>,
}

/// What became of a frame that follows another. Where there are several outputs, the greatest counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Followed {
    /// It was shown.
    Shown,
    /// It was shown, and the driver has something to tell.
    Last,
    /// It was not shown: it follows no frame, or there is no way to show it.
    Refused,
}

impl Follower {
    /// Shows a frame, if it was a frame that was shown last.
    pub fn follow(&self, frame: &[u8]) -> Followed {
        let Some(ring) = self.ring.upgrade() else {
            return Followed::Refused;
        };
        let mut ring = lock(&ring);
        match ring.follow(frame) {
            Ok(true) if ring.device().has_event() => Followed::Last,
            Ok(true) => Followed::Shown,
            Ok(false) | Err(_) => Followed::Refused,
        }
    }
}
