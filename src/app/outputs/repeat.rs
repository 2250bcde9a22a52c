//! Keeps frames coming to clients that stream: a picture at the nominal rate, whatever the camera does.
//!
//! A driver could repeat the last frame by itself (`sustain_framerate`), but does so under the index
//! that a client may still hold: GStreamer takes that for a driver's bug and ends the stream.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use glib::{ControlFlow, IOCondition};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};

use crate::descriptor::{self, Watched};
use crate::output::{Frame, Shown, Sink};

/// Fires at every frame time at which no picture was shown.
///
/// A timer of the kernel's, because the frame pump puts it off at every frame: a timer of GLib's could
/// only be moved by the main loop's thread.
pub struct RepeatTimer {
    shared: Arc<Timer>,
    _watched: Watched,
}

struct Timer {
    fd: OwnedFd,
    frame_time: Duration,
    is_on: AtomicBool,
}

impl RepeatTimer {
    /// A timer for this rate, which is off. It calls `repeat` until that breaks.
    pub fn new(
        framerate: u32,
        mut repeat: impl FnMut() -> ControlFlow + 'static,
    ) -> io::Result<Self> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let shared = Arc::new(Timer {
            fd: timerfd_create(TimerfdClockId::Monotonic, flags)?,
            frame_time: Duration::from_secs(1) / framerate,
            is_on: AtomicBool::new(false),
        });
        let ready = move |timer: &mut Watching| match rustix::io::read(&timer.0.fd, &mut [0; 8]) {
            Ok(_) => repeat(),
            // It was put off since.
            Err(_) => ControlFlow::Continue,
        };
        let watched = descriptor::watch(Watching(shared.clone()), IOCondition::IN, ready);
        Ok(Self {
            shared,
            _watched: watched,
        })
    }

    /// Turns it on or off.
    pub fn set(&self, on: bool) {
        self.shared.is_on.store(on, Ordering::SeqCst);
        let first = if on {
            self.shared.frame_time
        } else {
            Duration::ZERO
        };
        self.shared.set(first);
    }

    /// A placeholder was shown.
    pub fn after_card(&self) {
        self.shared.put_off(self.shared.frame_time);
    }

    /// The same sink, which puts the timer off whenever a frame is shown.
    pub fn wrap(&self, sink: Arc<dyn Sink>) -> Arc<dyn Sink> {
        Arc::new(Repeated {
            sink,
            timer: self.shared.clone(),
        })
    }
}

struct Watching(Arc<Timer>);

impl AsFd for Watching {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.fd.as_fd()
    }
}

impl Timer {
    fn put_off(&self, first: Duration) {
        if self.is_on.load(Ordering::SeqCst) {
            self.set(first);
        }
    }

    fn set(&self, first: Duration) {
        let timer = Itimerspec {
            it_interval: timespec(self.frame_time),
            it_value: timespec(first),
        };
        // It fails only for times that are none.
        let _ = timerfd_settime(&self.fd, TimerfdTimerFlags::empty(), &timer);
    }
}

struct Repeated {
    sink: Arc<dyn Sink>,
    timer: Arc<Timer>,
}

impl Sink for Repeated {
    fn show(&self, frame: &Frame<'_>) -> io::Result<Shown> {
        self.timer.put_off(frame_timeout(self.timer.frame_time));
        self.sink.show(frame)
    }
}

/// How long to wait for a camera's next frame: twice its time and a little more. Sensors halve their
/// rate in the dark, and a repeat between would only delay their frames.
fn frame_timeout(frame_time: Duration) -> Duration {
    frame_time * 9 / 4
}

fn timespec(time: Duration) -> Timespec {
    Timespec {
        tv_sec: time.as_secs().cast_signed(),
        tv_nsec: time.subsec_nanos().into(),
    }
}
