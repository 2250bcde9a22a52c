//! The frame pump: a thread for each worker that carries its frames along the route.
//!
//! The relay decides where frames go; the pump shows each of them there as soon as it comes, and
//! reports to the main loop what is no routine: the first frame, silence, a fault, an output that is
//! lost or has news of its clients. No frame wakes the main loop.
//!
//! One lock keeps the one rule: a frame is shown while the route's lock is held, so when
//! [`set_route`](Pump::set_route) returns, no frame of the old route will be shown.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use super::channel::Channel;
use crate::capture::protocol::{FromWorker, Received, without_reason};
use crate::output::{Frame, Lease, Sink};
use crate::relay::{Fault, FrameCount, OutputId};
use async_channel::{Receiver, Sender};

/// What the pump reports.
#[derive(Debug)]
pub enum Report {
    /// The first frame went along the route.
    FirstFrame,
    /// No frame came for the time that was allowed.
    Silent,
    /// The worker can't go on.
    Failed(Fault),
    /// This many clients stream from an output, by its driver.
    Streams(OutputId, u32),
    /// An output refused a frame for good; it is off the route.
    Lost(OutputId, io::Error),
    /// There will be no more reports, after [`Pump::end`].
    Ended,
}

/// Where frames go.
#[derive(Default)]
pub struct Route {
    /// Outputs.
    pub outputs: Vec<(OutputId, Arc<dyn Sink>)>,
    /// What shows the same frames beside them; a frame counts as shown by the outputs alone.
    pub previews: Option<Arc<dyn Sink>>,
}

/// The pump. Dropping it cuts the route and ends the thread.
pub struct Pump {
    shared: Arc<Shared>,
}

struct Shared {
    channel: Arc<Channel>,
    route: Mutex<Route>,
    /// Whether the main loop waits for the route's lock: it goes before the next frame.
    is_wanted: AtomicBool,
    changed: Condvar,
    shown: AtomicU64,
    dropped: AtomicU64,
    /// Whether the worker's process has ended, or is of no interest any more.
    is_over: AtomicBool,
    reports: Sender<Report>,
}

impl Pump {
    /// Starts to carry frames from this channel, along no route at first. After the first one, each may
    /// be `silence` after the one before.
    pub fn start(channel: Arc<Channel>, silence: Duration) -> io::Result<(Self, Receiver<Report>)> {
        let (reports, receiver) = async_channel::unbounded();
        let shared = Arc::new(Shared {
            channel,
            route: Mutex::default(),
            is_wanted: AtomicBool::new(false),
            changed: Condvar::new(),
            shown: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            is_over: AtomicBool::new(false),
            reports,
        });
        let running = shared.clone();
        let thread = thread::Builder::new().name("frame-pump".to_owned());
        thread.spawn(move || running.run(silence))?;
        Ok((Self { shared }, receiver))
    }

    /// Shows the frames that come from now on along another route. When this returns, no frame of the
    /// old one will be shown. Waits for one frame at most, however fast they come.
    pub fn set_route(&self, route: Route) {
        let shared = &self.shared;
        shared.is_wanted.store(true, Ordering::SeqCst);
        let mut current = shared.lock();
        shared.is_wanted.store(false, Ordering::SeqCst);
        shared.changed.notify_one();
        let old = std::mem::replace(&mut *current, route);
        drop(current);
        drop(old);
    }

    /// The frames since the last call.
    pub fn count(&self) -> FrameCount {
        FrameCount {
            shown: self.shared.shown.swap(0, Ordering::Relaxed),
            dropped: self.shared.dropped.swap(0, Ordering::Relaxed),
        }
    }

    /// Ends the thread once it has read what the worker has sent by now, of which no frame is shown.
    pub fn end(&self) {
        self.shared.is_over.store(true, Ordering::SeqCst);
        self.set_route(Route::default()); // which wakes the thread
        self.shared.channel.close();
    }
}

impl Drop for Pump {
    fn drop(&mut self) {
        self.end();
    }
}

impl Shared {
    /// The thread.
    fn run(self: Arc<Self>, silence: Duration) {
        let mut is_flowing = false;
        loop {
            match self.channel.receive() {
                Received::Message(FromWorker::Filled(slot, captured)) => {
                    let Some(lease) = self.channel.lease(slot) else {
                        break self.report(Report::Failed(without_reason()));
                    };
                    if self.show(lease, captured) && !is_flowing {
                        is_flowing = true;
                        self.channel.set_timeout(Some(silence));
                        self.report(Report::FirstFrame);
                    }
                }
                Received::Message(FromWorker::Failed(fault)) => {
                    break self.report(Report::Failed(fault));
                }
                Received::Invalid => break self.report(Report::Failed(without_reason())),
                Received::Empty => {
                    is_flowing = false;
                    self.channel.set_timeout(None);
                    self.report(Report::Silent);
                }
                Received::Closed => break self.wait_for_end(silence),
            }
        }
        self.wait_for_end(Duration::MAX);
        self.report(Report::Ended);
    }

    /// A worker that sends nothing more has yet to end. One that doesn't is silent for good.
    fn wait_for_end(&self, timeout: Duration) {
        let is_on = |_: &mut Route| !self.is_over.load(Ordering::SeqCst);
        let waited = self.changed.wait_timeout_while(self.lock(), timeout, is_on);
        let (_route, result) = waited.unwrap_or_else(PoisonError::into_inner);
        if result.timed_out() {
            self.report(Report::Silent);
        }
    }

    /// Shows a frame along the route; whether there was an output on it. One may leave a frame out, as
    /// for a client that blocks its driver: the camera works all the same.
    fn show(&self, lease: Lease, captured: u64) -> bool {
        let lease = Arc::new(lease);
        let frame = Frame {
            lease: &lease,
            captured,
        };
        let mut route = self.lock_for_frame();
        let is_shown = self.show_along(&mut route, &frame);
        let counter = if is_shown { &self.shown } else { &self.dropped };
        counter.fetch_add(1, Ordering::Relaxed);
        !route.outputs.is_empty()
    }

    /// Whether an output took the frame.
    fn show_along(&self, route: &mut Route, frame: &Frame<'_>) -> bool {
        let mut is_shown = false;
        route.outputs.retain(|(id, sink)| match sink.show(frame) {
            Ok(shown) => {
                is_shown |= shown.accepted;
                if let Some(count) = shown.streams {
                    self.report(Report::Streams(*id, count));
                }
                true
            }
            Err(error) => {
                self.report(Report::Lost(*id, error));
                false
            }
        });
        if let Some(previews) = &route.previews {
            let _ = previews.show(frame); // they report their own end
        }
        is_shown
    }

    fn report(&self, report: Report) {
        let _ = self.reports.try_send(report); // the main loop may have dropped its end
    }

    fn lock(&self) -> MutexGuard<'_, Route> {
        // Sinks are replaced and removed as a whole.
        self.route.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The lock, unless the main loop wants it: a mutex alone would let fast frames starve it.
    fn lock_for_frame(&self) -> MutexGuard<'_, Route> {
        let mut route = self.lock();
        while self.is_wanted.load(Ordering::SeqCst) {
            let waited = self.changed.wait(route);
            route = waited.unwrap_or_else(PoisonError::into_inner);
        }
        route
    }
}

#[cfg(test)]
mod tests;
