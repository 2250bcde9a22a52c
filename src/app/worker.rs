//! The capture worker, as the applet holds it: a process, a socket, and slots of memory lent to it.

mod process;

use std::cell::{Cell, RefCell};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::process::Child;
use std::rc::Rc;

use glib::{ControlFlow, IOCondition};
use rustix::fs::{MemfdFlags, SealFlags};
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use rustix::process::Signal;

use self::process::{Process, program};
use super::{Events, spawner};
use crate::capture::ledger::Ledger;
use crate::capture::protocol::{
    FromWorker, Job, Received, ToWorker, receive_from_worker, send_job, send_to_worker,
};
use crate::descriptor::{self, Watched};
use crate::i18n::gettext_f;
use crate::mapping::Mapping;
use crate::output::{Frame, Slot};
use crate::relay::{Event, Fault, FaultKind, Generation, StopHow};

/// A worker. Dropping it kills the process.
pub struct Worker {
    link: Rc<Link>,
    _messages: Watched,
    /// Not there until it is started, and again when it has ended.
    process: Rc<RefCell<Option<Process>>>,
    memory: File,
    slots: Mapping,
    ledger: Ledger,
    stride: usize,
}

impl Worker {
    /// Starts a worker, which warms up and waits to be told to open the camera. It can be told
    /// everything at once; `started` is called when there is a process.
    pub fn spawn(
        generation: Generation,
        job: &Job,
        events: &Events,
        started: impl FnOnce() + 'static,
    ) -> io::Result<Self> {
        let memory = lend(job.memory_len())?;
        let slots = Mapping::read_only(&memory, job.ledger_at())?;
        let ledger = Ledger::map(&memory, job.ledger_at())?;
        let flags = SocketFlags::CLOEXEC;
        let (ours, theirs) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?;
        send_job(&ours, job, memory.as_fd())?;
        let link = Rc::new(Link {
            generation,
            socket: ours,
            captured: (0..job.slots).map(|_| Cell::new(0)).collect(),
            events: events.clone(),
        });
        let process = Rc::default();
        adopt(spawner::start(program(theirs)?), &link, &process, started);
        Ok(Self {
            _messages: link.watch(),
            link,
            process,
            memory,
            slots,
            ledger,
            stride: job.slot_stride,
        })
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
        self.tell(ToWorker::Open);
    }

    /// Lends it a slot again.
    pub fn free(&self, slot: u32) {
        if self.ledger.give_back(slot) {
            self.tell(ToWorker::Freed);
        }
    }

    /// Tells it to end. It must not write into `kept` slots any more, a bit each.
    pub fn stop(&self, how: StopHow, kept: u64) {
        let (signal, name) = match how {
            StopHow::Gracefully => return self.tell(ToWorker::Stop(kept)),
            StopHow::Terminate => (Signal::TERM, "SIGTERM"),
            StopHow::Kill => (Signal::KILL, "SIGKILL"),
        };
        tracing::warn!("the camera's software does not end; sending it {name}");
        self.signal(signal);
    }

    /// The frame in a slot; `None` for a slot that doesn't exist.
    pub fn frame(&self, slot: u32, len: usize) -> Option<Frame<'_>> {
        let start = (slot as usize).checked_mul(self.stride)?;
        Some(Frame {
            pixels: self.slots.bytes().get(start..start.checked_add(len)?)?,
            captured: self.link.captured.get(slot as usize)?.get(),
            slot: Slot {
                generation: self.link.generation,
                slot,
                memory: &self.memory,
                stride: self.stride,
            },
        })
    }

    fn tell(&self, message: ToWorker) {
        // A worker that is gone or stuck shows it by its exit or its silence.
        if let Err(error) = send_to_worker(&self.link.socket, message) {
            tracing::debug!("the worker can't be told {message:?}: {error}");
        }
    }

    fn signal(&self, signal: Signal) {
        if let Some(process) = &*self.process.borrow() {
            process.signal(signal);
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

/// What a worker says.
struct Link {
    generation: Generation,
    socket: OwnedFd,
    /// When the frame in each slot was captured, in nanoseconds of `CLOCK_MONOTONIC`; 0 if nobody knows.
    captured: Box<[Cell<u64>]>,
    events: Events,
}

impl Link {
    fn watch(self: &Rc<Self>) -> Watched {
        let link = self.clone();
        descriptor::watch(
            &self.socket,
            IOCondition::IN | IOCondition::HUP,
            move || match link.pass_on() {
                Received::Closed => ControlFlow::Break,
                _ => ControlFlow::Continue,
            },
        )
    }

    /// Turns one message of the worker into an event. One is the rule: asking for another would cost a
    /// system call a frame.
    fn pass_on(&self) -> Received<()> {
        let event = match receive_from_worker(&self.socket) {
            Received::Message(FromWorker::Filled(slot, time)) => {
                if let Some(captured) = self.captured.get(slot as usize) {
                    captured.set(time);
                }
                Event::Frame(self.generation, slot)
            }
            Received::Message(FromWorker::Failed(fault)) => {
                Event::WorkerFailed(self.generation, fault)
            }
            Received::Empty => return Received::Empty,
            Received::Closed => return Received::Closed,
        };
        self.events.send(event);
        Received::Message(())
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
        let (whose, vacated) = (link.clone(), place.clone());
        let ended = move || {
            // Its last words tell why.
            while let Received::Message(()) = whose.pass_on() {}
            if let Some(place) = vacated.upgrade() {
                place.take();
            }
            whose.events.send(Event::WorkerExited(whose.generation));
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

/// Fresh memory that neither side can shrink under the other. Fresh, so that no frame of an earlier
/// activation is in it; and it goes with this one.
fn lend(len: usize) -> io::Result<File> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let memfd = rustix::fs::memfd_create("lenscap-slots", flags)?;
    rustix::fs::ftruncate(&memfd, len as u64)?;
    rustix::fs::fcntl_add_seals(
        &memfd,
        SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL,
    )?;
    Ok(File::from(memfd))
}
