//! The capture worker, as the applet holds it: a process, a socket, and slots of memory lent to it.

mod lending;
mod passage;
mod process;

use std::cell::{Cell, OnceCell, RefCell};
use std::io;
use std::process::Child;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use glib::{ControlFlow, IOCondition};
use rustix::process::Signal;

use self::lending::Lending;
pub use self::passage::Follow;
use self::passage::{Passage, Passed};
use self::process::{Process, program};
use super::{Events, spawner};
use crate::capture::protocol::{FromWorker, Job, Received, ToWorker};
use crate::descriptor::{self, Watched};
use crate::i18n::gettext_f;
use crate::output::{Frame, Slot};
use crate::relay::{Event, Fault, FaultKind, Generation, StopHow};

/// A worker. Dropping it kills the process.
pub struct Worker {
    link: Rc<Link>,
    /// Not there until it is started, and again when it has ended.
    process: Rc<RefCell<Option<Process>>>,
}

impl Worker {
    /// Starts a worker, which warms up and waits to be told to open the camera. It can be told
    /// everything at once; `started` is called when there is a process, `returned` when frames need
    /// the main loop again after [`step_back`](Self::step_back).
    pub fn spawn(
        generation: Generation,
        job: &Job,
        events: &Events,
        started: impl FnOnce() + 'static,
        returned: impl Fn() + 'static,
    ) -> io::Result<Self> {
        let (lending, theirs) = Lending::new(job)?;
        let link = Rc::new(Link {
            generation,
            lending: Arc::new(lending),
            captured: (0..job.slots).map(|_| Cell::new(0)).collect(),
            events: events.clone(),
            watched: RefCell::default(),
            passage: OnceCell::new(),
            returned: Rc::new(returned),
        });
        link.watch();
        let process = Rc::default();
        adopt(spawner::start(program(theirs)?), &link, &process, started);
        Ok(Self { link, process })
    }

    /// Which start this is.
    pub fn generation(&self) -> Generation {
        self.link.generation
    }

    /// Its process id, while there is a process.
    pub fn pid(&self) -> Option<u32> {
        Some(self.process.borrow().as_ref()?.pid)
    }

    /// Tells it to open the camera.
    pub fn open_camera(&self) {
        self.link.lending.tell(ToWorker::Open);
    }

    /// Lends it a slot again.
    pub fn free(&self, slot: u32) {
        self.link.lending.free(slot);
    }

    /// Tells it to end. It must not write into `kept` slots any more, a bit each.
    pub fn stop(&self, how: StopHow, kept: u64) {
        let (signal, name) = match how {
            StopHow::Gracefully => return self.link.lending.tell(ToWorker::Stop(kept)),
            StopHow::Terminate => (Signal::TERM, "SIGTERM"),
            StopHow::Kill => (Signal::KILL, "SIGKILL"),
        };
        tracing::warn!("the camera's software does not end; sending it {name}");
        if let Some(process) = &*self.process.borrow() {
            process.signal(signal);
        }
    }

    /// The frame in a slot; `None` for a slot that doesn't exist.
    pub fn frame(&self, slot: u32) -> Option<Frame<'_>> {
        let (memory, stride) = self.link.lending.memory();
        Some(Frame {
            pixels: self.link.lending.pixels(slot)?,
            captured: self.link.captured.get(slot as usize)?.get(),
            slot: Slot {
                generation: self.link.generation,
                slot,
                memory,
                stride,
            },
        })
    }

    /// Lets the frames that follow go past the main loop.
    pub fn step_back(&self, follow: Follow, patience: Duration) -> io::Result<()> {
        self.link.step_back(follow, patience)
    }

    /// Whether they do.
    pub fn has_stepped_back(&self) -> bool {
        self.link.watched.borrow().is_none()
    }

    /// Lets them come to the main loop again, and tells what it missed; `None` if they did anyway.
    pub fn take_over(&self) -> Option<Missed> {
        if self.has_stepped_back() {
            self.link.take_over()
        } else {
            None
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if let Some(process) = self.process.take() {
            process.signal(Signal::KILL);
        }
    }
}

/// What the main loop missed while frames went past it.
pub struct Missed {
    /// How many went.
    pub frames: Event,
    /// When the last one was shown, or the one before them all.
    pub last: Instant,
    /// What the worker said after them.
    pub word: Option<Event>,
}

/// What a worker says.
struct Link {
    generation: Generation,
    lending: Arc<Lending>,
    /// When the frame in each slot was captured, in nanoseconds of `CLOCK_MONOTONIC`; 0 if nobody knows.
    captured: Box<[Cell<u64>]>,
    events: Events,
    /// Not while frames go past the main loop.
    watched: RefCell<Option<Watched>>,
    /// Made when the first frames go there.
    passage: OnceCell<Passage>,
    returned: Rc<dyn Fn()>,
}

impl Link {
    fn watch(self: &Rc<Self>) {
        let link = Rc::downgrade(self);
        let heard = move || match link.upgrade().map(|link| link.hear()) {
            Some(Received::Message(()) | Received::Empty) => ControlFlow::Continue,
            Some(Received::Closed) | None => ControlFlow::Break,
        };
        let socket = &**self.lending.socket();
        let watched = descriptor::watch(socket, IOCondition::IN | IOCondition::HUP, heard);
        self.watched.replace(Some(watched));
    }

    /// Turns one message of the worker into an event. One is the rule: asking for another would cost a
    /// system call a frame.
    fn hear(&self) -> Received<()> {
        match self.lending.hear() {
            Received::Message(word) => {
                self.events.send(self.event(word));
                Received::Message(())
            }
            Received::Empty => Received::Empty,
            Received::Closed => Received::Closed,
        }
    }

    /// Its last words tell why it ended. They are heard before any of them is answered: the answer to a
    /// frame may be to leave the rest to others.
    fn hear_last_words(&self) {
        (self.returned)();
        let mut words = Vec::new();
        while let Received::Message(word) = self.lending.hear() {
            words.push(word);
        }
        for word in words {
            self.events.send(self.event(word));
        }
    }

    fn event(&self, word: FromWorker) -> Event {
        match word {
            FromWorker::Filled(slot, time) => {
                if let Some(captured) = self.captured.get(slot as usize) {
                    captured.set(time);
                }
                Event::Frame(self.generation, slot)
            }
            FromWorker::Failed(fault) => Event::WorkerFailed(self.generation, fault),
        }
    }

    fn step_back(&self, follow: Follow, patience: Duration) -> io::Result<()> {
        if self.passage.get().is_none() {
            let returned = self.returned.clone();
            let passage = Passage::new(self.lending.socket(), move || returned())?;
            let _ = self.passage.set(passage); // it was empty
        }
        if let Some(passage) = self.passage.get() {
            self.watched.take();
            passage.open(&self.lending, follow, patience);
        }
        Ok(())
    }

    fn take_over(self: &Rc<Self>) -> Option<Missed> {
        let Passed { frames, last, word } = self.passage.get()?.close();
        self.watch();
        Some(Missed {
            frames: Event::Passed(self.generation, frames),
            last,
            word: word.map(|word| self.event(word)),
        })
    }
}

/// Watches over a worker's process from its start to its end, of which the relay is told.
fn adopt(
    order: impl Future<Output = io::Result<Child>> + 'static,
    link: &Rc<Link>,
    place: &Rc<RefCell<Option<Process>>>,
    started: impl FnOnce() + 'static,
) {
    let (link, place) = (link.clone(), Rc::downgrade(place));
    glib::spawn_future_local(async move {
        let (whose, vacated) = (Rc::downgrade(&link), place.clone());
        let (events, generation) = (link.events.clone(), link.generation);
        let ended = move || {
            if let Some(link) = whose.upgrade() {
                link.hear_last_words();
            }
            if let Some(place) = vacated.upgrade() {
                place.take();
            }
            events.send(Event::WorkerExited(generation));
        };
        let process = order.await.and_then(|child| Process::new(child, ended));
        match (process, place.upgrade()) {
            (Ok(process), Some(place)) => {
                place.replace(Some(process));
                started();
            }
            (Ok(process), None) => process.signal(Signal::KILL),
            (Err(error), _) => could_not_start(&link.events, link.generation, &error),
        }
    });
}

/// Tells the relay that there will be no worker.
pub fn could_not_start(events: &Events, generation: Generation, error: &io::Error) {
    let text = gettext_f(
        "cannot start the camera's process: {error}",
        &[("error", &error.to_string())],
    );
    let fault = Fault::new(FaultKind::Other, text);
    events.send(Event::WorkerFailed(generation, fault));
    events.send(Event::WorkerExited(generation));
}
