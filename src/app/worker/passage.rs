//! Frames that follow a frame, past the main loop.
//!
//! What the relay decides about a frame it would decide about the next one, until something else
//! happens. So when it had a frame shown, the main loop may step back: a thread waits for the worker
//! in its place and has the frames that follow shown in the same way. The main loop takes over again
//! before it handles an event; and whatever is no frame, or comes late, the thread leaves to it.
//!
//! The thread follows the worker from processor to processor. The frame is in that one's cache, and no
//! other has to be woken up: two wake-ups a frame, the worker's and the client's, are most of what a
//! relay costs.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use glib::{ControlFlow, IOCondition};
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::io::Errno;
use rustix::thread::{CpuSet, sched_setaffinity};

use super::lending::Lending;
use crate::capture::protocol::{FromWorker, Received};
use crate::descriptor::{self, Watched};
use crate::output::Followed;

/// Shows a frame as the one before it was shown.
pub type Follow = Box<dyn FnMut(&[u8]) -> Followed + Send>;

/// The way past the main loop. Its thread ends when it wakes up next.
pub struct Passage {
    /// Goes before the descriptor that it watches.
    _returned: Watched,
    shared: Arc<Shared>,
}

/// What passed while the way was open.
pub struct Passed {
    /// How many frames were shown.
    pub frames: u64,
    /// When the last one was, or the one before them all.
    pub last: Instant,
    /// What the worker said that is no frame.
    pub word: Option<FromWorker>,
}

struct Shared {
    /// The worker's.
    socket: Arc<OwnedFd>,
    state: Mutex<State>,
    changed: Condvar,
    /// Whether the main loop waits for the state: a thread that has its hands full must let go of it.
    closing: AtomicBool,
    /// Readable when the thread needs the main loop.
    returned: OwnedFd,
}

struct State {
    way: Way,
    passed: Passed,
}

enum Way {
    /// Frames are the main loop's.
    Closed,
    /// Frames go this way.
    Open(Open),
    /// There will be no more frames.
    Ended,
}

/// What frames need that go this way. The slots' memory stays no longer for it than it is open.
struct Open {
    lending: Arc<Lending>,
    follow: Follow,
    /// How far apart frames may be.
    patience: Duration,
}

impl Passage {
    /// A way for the frames of the worker behind this socket, closed at first. `returned` is called
    /// when the main loop has to take over.
    pub fn new(socket: &Arc<OwnedFd>, returned: impl Fn() + 'static) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            socket: socket.clone(),
            state: Mutex::new(State {
                way: Way::Closed,
                passed: Passed::nothing(),
            }),
            changed: Condvar::new(),
            closing: AtomicBool::new(false),
            returned: eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?,
        });
        let watched = descriptor::watch(&shared.returned, IOCondition::IN, {
            let shared = shared.clone();
            move || {
                let _ = rustix::io::read(&shared.returned, &mut [0; 8]); // empty by now, or it is
                returned();
                ControlFlow::Continue
            }
        });
        let passing = shared.clone();
        let thread = thread::Builder::new().name("frames".to_owned());
        thread.spawn(move || passing.run())?;
        Ok(Self {
            _returned: watched,
            shared,
        })
    }

    /// Lets frames pass that follow the one that was just shown, until one comes later than `patience`
    /// allows. The caller must not read the worker's socket until it has taken over.
    pub fn open(&self, lending: &Arc<Lending>, follow: Follow, patience: Duration) {
        let mut state = self.shared.lock();
        state.way = Way::Open(Open {
            lending: lending.clone(),
            follow,
            patience,
        });
        state.passed = Passed::nothing();
        self.shared.changed.notify_one();
    }

    /// Lets no more frames pass: when this returns, the last one has been shown. Waits for one copy at
    /// most, however fast frames come.
    pub fn close(&self) -> Passed {
        self.shared.closing.store(true, SeqCst);
        let mut state = self.shared.lock();
        self.shared.closing.store(false, SeqCst);
        state.way = Way::Closed;
        std::mem::replace(&mut state.passed, Passed::nothing())
    }
}

impl Drop for Passage {
    fn drop(&mut self) {
        self.shared.lock().way = Way::Ended;
        self.shared.changed.notify_one();
    }
}

impl Passed {
    fn nothing() -> Self {
        Self {
            frames: 0,
            last: Instant::now(),
            word: None,
        }
    }
}

impl Shared {
    /// The thread.
    fn run(&self) {
        let mut place = None;
        let mut state = self.lock();
        loop {
            let patience = match &state.way {
                Way::Open(open) if !self.closing.load(SeqCst) => open.patience,
                Way::Ended => return,
                Way::Open(_) | Way::Closed => {
                    let waited = self.changed.wait(state);
                    state = waited.unwrap_or_else(PoisonError::into_inner);
                    continue;
                }
            };
            drop(state);
            let came = self.wait(patience);
            state = self.lock();
            if !state.pass(came, &mut place) {
                state.way = Way::Closed;
                let _ = rustix::io::write(&self.returned, &1u64.to_ne_bytes()); // it has room
            }
        }
    }

    /// Waits for a word of the worker; false if none came.
    fn wait(&self, patience: Duration) -> bool {
        let mut fds = [PollFd::new(&*self.socket, PollFlags::IN)];
        let patience = Timespec::try_from(patience).ok();
        loop {
            match poll(&mut fds, patience.as_ref()) {
                Err(Errno::INTR) => {}
                came => return came != Ok(0),
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Every field is replaced as a whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Passes one frame on, if there is one, from the processor at `place`; false if the main loop has
    /// to take over.
    fn pass(&mut self, came: bool, place: &mut Option<usize>) -> bool {
        let Way::Open(Open {
            lending, follow, ..
        }) = &mut self.way
        else {
            return true; // it has
        };
        if !came {
            return false;
        }
        follow_to(lending.processor(), place);
        let followed = match lending.hear() {
            Received::Message(FromWorker::Filled(slot, _)) => {
                let followed = lending.pixels(slot).map_or(Followed::Refused, follow);
                lending.free(slot);
                followed
            }
            Received::Message(word) => {
                self.passed.word = Some(word);
                return false;
            }
            Received::Empty => return true, // the main loop had taken it, and stepped back again
            Received::Closed => return false,
        };
        if followed != Followed::Refused {
            self.passed.frames += 1;
            self.passed.last = Instant::now();
        }
        followed == Followed::Shown
    }
}

/// Moves this thread to a processor. Where it must not go there, it stays.
fn follow_to(processor: Option<usize>, place: &mut Option<usize>) {
    let Some(number) = processor.filter(|number| *number < CpuSet::MAX_CPU) else {
        return;
    };
    if place.replace(number) != processor {
        let mut one = CpuSet::new();
        one.set(number);
        if let Err(error) = sched_setaffinity(None, &one) {
            tracing::debug!("frames do not follow to processor {number}: {error}");
        }
    }
}

#[cfg(test)]
mod tests;
