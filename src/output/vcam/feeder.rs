//! Hands pictures to the driver, on a thread of its own.
//!
//! The driver's calls may wait for a client (see [`uapi`](super::uapi)), which must not stop the
//! applet: the main loop leaves orders, and covers what the driver has by writing to the memory.
//! While no client streams, every place holds the placeholder and the thread sleeps.

use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use super::memory::Memory;
use super::uapi::{Control, Dequeued};
use crate::output::Lease;

/// Places for frames that are requested from the driver. While idle all of them are filled, and a client
/// gets that many placeholders as fast as it takes them: few, but enough for one that wants all its
/// buffers filled before it reads the first.
pub const PLACES: u32 = 4;
/// Frames that wait for a slow client; each one more is a frame time of delay.
const MOST_WAITING: usize = 2;
/// Slots that a camera's worker has to do without: those that wait, the newest one, and one on its
/// way to the thread.
pub const KEPT_SLOTS: u32 = 2 + 1 + 1;

/// A frame to be shown.
pub struct Picture {
    /// Where it lies.
    pub memory: Arc<Memory>,
    /// Which frame of the memory.
    pub index: usize,
    /// The slot that it lies in; `None` for a placeholder.
    pub lease: Option<Arc<Lease>>,
}

/// What the driver does for the feeder; see [`Control`].
pub trait Driver: Send + 'static {
    /// Puts a picture into a place; false if that is taken.
    fn queue(&self, place: u32, picture: &Picture) -> io::Result<bool>;
    /// Takes a place back.
    fn dequeue(&self) -> io::Result<Dequeued>;
    /// Turns the driver on, which gives all places back; false if that can't be now.
    fn turn_on(&self) -> io::Result<bool>;
    /// Whether a client streams.
    fn is_streaming(&self) -> io::Result<bool>;
}

/// The driver, and the node of our camera.
#[derive(Clone)]
pub struct Node(pub Arc<Control>, pub PathBuf);

impl Driver for Node {
    fn queue(&self, place: u32, picture: &Picture) -> io::Result<bool> {
        let memory = &picture.memory;
        let buffer = memory.buffer(picture.index)?;
        self.0.queue(place, buffer, memory.frame_len())
    }

    fn dequeue(&self) -> io::Result<Dequeued> {
        self.0.dequeue()
    }

    fn turn_on(&self) -> io::Result<bool> {
        self.0.turn_on(&self.1)
    }

    fn is_streaming(&self) -> io::Result<bool> {
        self.0.is_streaming()
    }
}

/// What is where in the driver, as far as we know: a client that leaves and one that comes at once
/// may empty it without our noticing.
struct Ring<D> {
    driver: D,
    /// Places that are taken, oldest first.
    taken: VecDeque<(u32, Arc<Picture>)>,
    /// What is to be seen now.
    newest: Option<Arc<Picture>>,
}

impl<D: Driver> Ring<D> {
    fn new(driver: D) -> Self {
        Self {
            driver,
            taken: VecDeque::new(),
            newest: None,
        }
    }

    /// Shows the newest picture, anew if it was shown before.
    fn show(&mut self) -> io::Result<()> {
        let is_off = self.reclaim()?;
        let streaming = self.driver.is_streaming()?;
        if is_off && !streaming && self.driver.turn_on()? {
            self.reclaim()?;
        }
        let Some(newest) = self.newest.clone() else {
            return Ok(());
        };
        if streaming {
            self.queue_one(newest)
        } else if newest.lease.is_some() {
            // No client streams: the next one would start with a camera frame from now.
            self.newest = None;
            Ok(())
        } else {
            self.fill(&newest)
        }
    }

    /// Takes every place back that is free again; whether the driver is off.
    fn reclaim(&mut self) -> io::Result<bool> {
        loop {
            match self.driver.dequeue()? {
                Dequeued::Place(place) => self.taken.retain(|(taken, _)| *taken != place),
                Dequeued::Nothing => return Ok(false),
                Dequeued::Off => return Ok(true),
            }
        }
    }

    fn queue_one(&mut self, picture: Arc<Picture>) -> io::Result<()> {
        let is_free = |place: &u32| self.taken.iter().all(|(taken, _)| taken != place);
        let free = (0..PLACES)
            .find(is_free)
            .filter(|_| self.taken.len() < MOST_WAITING);
        if let Some(place) = free {
            if self.driver.queue(place, &picture)? {
                self.taken.push_back((place, picture));
            }
        } else if let Some((oldest, _)) = self.taken.front() {
            // Full, unless the driver was emptied in the meantime: then it takes the frame.
            let place = *oldest;
            if self.driver.queue(place, &picture)? {
                self.taken.pop_front();
                // The slots behind it may have been queued since, and stay leased.
                self.taken.retain(|(_, picture)| picture.lease.is_some());
                self.taken.push_back((place, picture));
            }
        }
        Ok(())
    }

    /// Fills every place that the driver has free; what one holds still is covered in its memory.
    fn fill(&mut self, picture: &Arc<Picture>) -> io::Result<()> {
        for place in 0..PLACES {
            if self.driver.queue(place, picture)? {
                self.taken.retain(|(taken, _)| *taken != place);
                self.taken.push_back((place, picture.clone()));
            }
        }
        Ok(())
    }
}

enum Order {
    Feed(Picture),
    Sustain(bool),
    Check,
}

/// The feeding thread, which ends with this and its sustain handles.
pub struct Feeder {
    orders: Sender<Order>,
    /// Pictures that the thread has not seen yet.
    waiting: Arc<AtomicUsize>,
    failure: Arc<Mutex<Failure>>,
}

/// How the thread ended.
#[derive(Default)]
struct Failure {
    /// Not reported yet.
    error: Option<io::Error>,
    /// What the driver still has: those slots stay leased, so that they can be covered.
    _taken: VecDeque<(u32, Arc<Picture>)>,
}

impl Feeder {
    /// Starts feeding a driver. While frames are to be kept coming, the newest is shown again
    /// whenever none came for one and a half frame times.
    pub fn start(driver: impl Driver, framerate: u32) -> io::Result<Self> {
        let (feeder, mut work) = Self::new(driver);
        let timeout = Duration::from_secs(3) / (2 * framerate);
        thread::Builder::new()
            .name("vcam-feeder".to_owned())
            .spawn(move || while work.carry_out(timeout) {})?;
        Ok(feeder)
    }

    /// One whose work is not done by a thread.
    pub fn new<D: Driver>(driver: D) -> (Self, Work<D>) {
        let (orders, incoming) = mpsc::channel();
        let feeder = Self {
            orders,
            waiting: Arc::default(),
            failure: Arc::default(),
        };
        let work = Work {
            ring: Ring::new(driver),
            orders: incoming,
            waiting: feeder.waiting.clone(),
            failure: feeder.failure.clone(),
            sustained: false,
        };
        (feeder, work)
    }

    /// Whether the thread has yet to handle the last picture.
    pub fn is_busy(&self) -> bool {
        self.waiting.load(Ordering::Acquire) > 0
    }

    /// Shows a picture from now on.
    pub fn feed(&self, picture: Picture) -> io::Result<()> {
        self.waiting.fetch_add(1, Ordering::AcqRel);
        self.order(Order::Feed(picture))
    }

    /// Keeps frames coming while it is set. The thread lives as long as this handle does, too.
    pub fn sustain_handle(&self) -> impl Fn(bool) + Send + use<> {
        let orders = self.orders.clone();
        move |on| {
            // A thread that failed reports it to the next call of `feed`.
            let _ = orders.send(Order::Sustain(on));
        }
    }

    /// Checks the driver now that a program has closed the camera, or it can be opened.
    pub fn check(&self) -> io::Result<()> {
        self.order(Order::Check)
    }

    fn order(&self, order: Order) -> io::Result<()> {
        self.orders.send(order).map_err(|_| {
            let error = lock(&self.failure).error.take();
            error.unwrap_or_else(|| io::Error::other("the driver failed before"))
        })
    }
}

/// What the thread does.
pub struct Work<D> {
    ring: Ring<D>,
    orders: Receiver<Order>,
    waiting: Arc<AtomicUsize>,
    failure: Arc<Mutex<Failure>>,
    sustained: bool,
}

impl<D: Driver> Work<D> {
    /// Waits for orders and carries them out; false when no sender is left or the driver failed.
    pub fn carry_out(&mut self, timeout: Duration) -> bool {
        let first = if self.sustained && self.ring.newest.is_some() {
            self.orders.recv_timeout(timeout)
        } else {
            let first = self.orders.recv();
            first.map_err(|_| RecvTimeoutError::Disconnected)
        };
        let first = match first {
            Ok(order) => Some(order),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => return false,
        };
        for order in first.into_iter().chain(self.orders.try_iter()) {
            match order {
                Order::Feed(picture) => {
                    self.waiting.fetch_sub(1, Ordering::AcqRel);
                    self.ring.newest = Some(Arc::new(picture));
                }
                Order::Sustain(on) => self.sustained = on,
                Order::Check => {}
            }
        }
        self.ring.show().map_err(|error| self.fail(error)).is_ok()
    }

    fn fail(&mut self, error: io::Error) {
        *lock(&self.failure) = Failure {
            error: Some(error),
            _taken: std::mem::take(&mut self.ring.taken),
        };
    }
}

fn lock(failure: &Mutex<Failure>) -> MutexGuard<'_, Failure> {
    // It is replaced as a whole.
    failure.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
pub mod tests;
