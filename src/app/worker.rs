//! The capture worker, as the applet holds it: a process, a socket, and slots of memory lent to it.

use std::cell::Cell;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Child, Command, Stdio};
use std::rc::Rc;

use glib::{ControlFlow, IOCondition};
use rustix::fs::{MemfdFlags, OFlags, SealFlags};
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use super::Events;
use super::drain::drain;
use crate::capture::protocol::{
    FromWorker, Job, Received, ToWorker, receive_from_worker, send_job, send_to_worker,
};
use crate::descriptor::{self, Watched};
use crate::output::{Frame, Mapping, Slot};
use crate::relay::{Event, Generation, StopHow};

/// GStreamer looks for new plugins at every start, which takes time that a client waits for. The
/// search for a source has just done it.
const REGISTRY_UPDATE: &str = "GST_REGISTRY_UPDATE";

/// Slots that are given back at once. Telling the worker of each would wake it once more a frame.
pub const FREED_AT_ONCE: u32 = 3;

/// Libraries that go to the network ask the desktop for its proxy. Its settings are kept in the home
/// directory, which is hidden from them, and a camera nearby needs no proxy.
const SETTINGS_BACKEND: &str = "GSETTINGS_BACKEND";

/// A running worker. Dropping it kills the process.
pub struct Worker {
    generation: Generation,
    /// Go before the descriptors that they watch.
    sources: Vec<Watched>,
    socket: Rc<OwnedFd>,
    pidfd: Rc<OwnedFd>,
    pid: u32,
    memory: File,
    slots: Mapping,
    stride: usize,
    /// When the frame in each slot was captured, in nanoseconds of `CLOCK_MONOTONIC`; 0 if nobody knows.
    captured: Rc<[Cell<u64>]>,
    /// Slots that are free again, before the worker is told; a bit each.
    freed: Cell<u64>,
    /// Whether the process has been reaped.
    ended: Rc<Cell<bool>>,
}

impl Worker {
    /// Starts a worker, which warms up and waits to be told to open the camera. Must be called on
    /// the main thread: the worker's death signal is tied to the thread that started it.
    pub fn spawn(generation: Generation, job: &Job, events: &Events) -> io::Result<Self> {
        let memfd = lend(job.slots as usize * job.slot_stride)?;
        let slots = Mapping::read_only(&memfd, job.slots as usize * job.slot_stride)?;
        let flags = SocketFlags::CLOEXEC;
        let (ours, theirs) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?;
        let mut command = Command::new(std::env::current_exe()?);
        if std::env::var_os(REGISTRY_UPDATE).is_none() {
            command.env(REGISTRY_UPDATE, "no");
        }
        let mut child = command
            .arg("capture")
            .env(SETTINGS_BACKEND, "memory")
            .stdin(theirs)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let pid = child.id();
        let pidfd = Pid::from_child(&child);
        let pidfd = Rc::new(pidfd_open(pidfd, PidfdFlags::empty())?);
        send_job(&ours, job, memfd.as_fd())?;
        let mut worker = Self {
            generation,
            sources: Vec::new(),
            socket: Rc::new(ours),
            pidfd,
            pid,
            memory: memfd,
            slots,
            stride: job.slot_stride,
            captured: (0..job.slots).map(|_| Cell::new(0)).collect(),
            freed: Cell::new(0),
            ended: Rc::default(),
        };
        if let Some(stderr) = child.stderr.take() {
            let pipe = OwnedFd::from(stderr);
            rustix::fs::fcntl_setfl(&pipe, OFlags::NONBLOCK)?;
            drain(pipe, "camera"); // ends by itself, when the last of the worker's children closed it
        }
        worker.watch(child, events);
        Ok(worker)
    }

    fn watch(&mut self, mut child: Child, events: &Events) {
        let generation = self.generation;
        let (socket, sender) = (self.socket.clone(), events.clone());
        let captured = self.captured.clone();
        let incoming = IOCondition::IN | IOCondition::HUP;
        let messages = descriptor::watch(&*self.socket, incoming, move || {
            match pass_on(&socket, generation, &captured, &sender) {
                Received::Closed => ControlFlow::Break,
                _ => ControlFlow::Continue,
            }
        });
        let (socket, sender) = (self.socket.clone(), events.clone());
        let (captured, ended) = (self.captured.clone(), self.ended.clone());
        let end = descriptor::watch(&*self.pidfd, IOCondition::IN, move || {
            // Its last words tell why.
            while let Received::Message(()) = pass_on(&socket, generation, &captured, &sender) {}
            match child.wait() {
                Ok(status) => tracing::debug!("worker {} ended: {status}", child.id()),
                Err(error) => tracing::error!("worker {}: {error}", child.id()),
            }
            ended.set(true);
            sender.send(Event::WorkerExited(generation));
            ControlFlow::Break
        });
        self.sources = vec![messages, end];
    }

    /// Which start this is.
    pub fn generation(&self) -> Generation {
        self.generation
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Tells it to open the camera.
    pub fn open_camera(&self) {
        self.tell(ToWorker::Open);
    }

    /// Lends it a slot again, together with others: it has enough until then.
    pub fn free(&self, slot: u32) {
        let freed = self.freed.get() | 1u64.checked_shl(slot).unwrap_or(0);
        if freed.count_ones() >= FREED_AT_ONCE {
            self.tell(ToWorker::Free(freed));
            self.freed.set(0);
        } else {
            self.freed.set(freed);
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
            captured: self.captured.get(slot as usize)?.get(),
            slot: Slot {
                generation: self.generation,
                slot,
                memory: &self.memory,
                stride: self.stride,
            },
        })
    }

    fn tell(&self, message: ToWorker) {
        // A worker that is gone or stuck shows it by its exit or its silence.
        if let Err(error) = send_to_worker(&*self.socket, message) {
            tracing::debug!("worker {} can't be told {message:?}: {error}", self.pid);
        }
    }

    fn signal(&self, signal: Signal) {
        if let Err(error) = pidfd_send_signal(&*self.pidfd, signal) {
            tracing::debug!("worker {}: {error}", self.pid);
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if !self.ended.get() {
            self.signal(Signal::KILL);
        }
    }
}

/// Turns one message of the worker into an event. One is the rule: asking for another would cost a
/// system call a frame.
fn pass_on(
    socket: &OwnedFd,
    generation: Generation,
    captured: &[Cell<u64>],
    events: &Events,
) -> Received<()> {
    let event = match receive_from_worker(socket) {
        Received::Message(FromWorker::Filled(slot, time)) => {
            if let Some(captured) = captured.get(slot as usize) {
                captured.set(time);
            }
            Event::Frame(generation, slot)
        }
        Received::Message(FromWorker::Failed(fault)) => Event::WorkerFailed(generation, fault),
        Received::Empty => return Received::Empty,
        Received::Closed => return Received::Closed,
    };
    events.send(event);
    Received::Message(())
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
