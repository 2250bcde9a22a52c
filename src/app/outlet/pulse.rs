//! The pulse of an output that somebody streams from: a picture at the nominal rate, whatever the
//! camera does.
//!
//! A driver could repeat the last frame by itself (`sustain_framerate`), but does so under the index
//! that a client may still hold: GStreamer takes that for a driver's bug and ends the stream.

use std::io;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::time::{Duration, Instant};

use glib::{ControlFlow, IOCondition};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};

use crate::descriptor::{self, Watched};

/// Fires at every frame time that nobody puts it off.
///
/// A timer of the kernel's, as it is put off at every frame: GLib would wake its main loop up each
/// time, to have it look at the clock.
pub struct Pulse {
    timer: Rc<OwnedFd>,
    frame_time: Duration,
    _watched: Watched,
}

impl Pulse {
    /// Calls `beat` at this rate, until it breaks.
    pub fn new(
        framerate: u32,
        mut beat: impl FnMut() -> ControlFlow + 'static,
    ) -> io::Result<Self> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let timer = Rc::new(timerfd_create(TimerfdClockId::Monotonic, flags)?);
        let watched = descriptor::watch(&*timer.clone(), IOCondition::IN, {
            let timer = timer.clone();
            move || match rustix::io::read(&*timer, &mut [0; 8]) {
                Ok(_) => beat(),
                // It was put off since.
                Err(_) => ControlFlow::Continue,
            }
        });
        let pulse = Self {
            timer,
            frame_time: Duration::from_secs(1) / framerate,
            _watched: watched,
        };
        pulse.after_card();
        Ok(pulse)
    }

    /// A camera frame was shown.
    pub fn after_frame(&self) {
        self.set(patience(self.frame_time));
    }

    /// Camera frames come without the main loop for a while.
    pub fn rest(&self) {
        self.set(Duration::ZERO);
    }

    /// A camera frame was shown then.
    pub fn after_frame_at(&self, then: Instant) {
        let left = patience(self.frame_time).saturating_sub(then.elapsed());
        self.set(left.max(Duration::from_nanos(1))); // zero would stop it
    }

    /// A placeholder was shown.
    pub fn after_card(&self) {
        self.set(self.frame_time);
    }

    fn set(&self, first: Duration) {
        let timer = Itimerspec {
            it_interval: timespec(self.frame_time),
            it_value: timespec(first),
        };
        // It fails only for times that are none.
        let _ = timerfd_settime(&*self.timer, TimerfdTimerFlags::empty(), &timer);
    }
}

/// How long to wait for a camera's next frame: twice its time and a little more. Sensors halve their
/// rate in the dark, and a repeat between would only get in their frames' way.
pub fn patience(frame_time: Duration) -> Duration {
    frame_time * 9 / 4
}

fn timespec(time: Duration) -> Timespec {
    Timespec {
        tv_sec: time.as_secs().cast_signed(),
        tv_nsec: time.subsec_nanos().into(),
    }
}
