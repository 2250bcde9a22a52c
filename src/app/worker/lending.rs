//! What the applet shares with a worker: slots of memory, the ledger of them, and a socket.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use rustix::fs::{MemfdFlags, SealFlags};
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};

use crate::capture::ledger::Ledger;
use crate::capture::protocol::{
    FromWorker, Job, Received, ToWorker, receive_from_worker, send_job, send_to_worker,
};
use crate::mapping::Mapping;

/// The applet's side of it, for whichever thread passes the frames on.
pub struct Lending {
    socket: Arc<OwnedFd>,
    memory: File,
    slots: Mapping,
    ledger: Ledger,
    stride: usize,
    /// Bytes of a frame.
    frame_len: usize,
}

impl Lending {
    /// Lends the slots for a job; with them comes the worker's end of the socket, where its job awaits it.
    pub fn new(job: &Job) -> io::Result<(Self, OwnedFd)> {
        let memory = fresh_memory(job.memory_len())?;
        let flags = SocketFlags::CLOEXEC;
        let (socket, theirs) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?;
        send_job(&socket, job, memory.as_fd())?;
        let lending = Self {
            slots: Mapping::read_only(&memory, job.ledger_at())?,
            ledger: Ledger::map(&memory, job.ledger_at())?,
            memory,
            socket: Arc::new(socket),
            stride: job.slot_stride(),
            frame_len: job.frame_len,
        };
        Ok((lending, theirs))
    }

    /// Readable when the worker says something.
    pub fn socket(&self) -> &Arc<OwnedFd> {
        &self.socket
    }

    /// The memory of all slots, and the bytes from one to the next.
    pub fn memory(&self) -> (&File, usize) {
        (&self.memory, self.stride)
    }

    /// The frame in a slot; `None` for a slot that doesn't exist.
    pub fn pixels(&self, slot: u32) -> Option<&[u8]> {
        let start = (slot as usize).checked_mul(self.stride)?;
        let end = start.checked_add(self.frame_len)?;
        self.slots.bytes().get(start..end)
    }

    /// Lends a slot again.
    pub fn free(&self, slot: u32) {
        if self.ledger.give_back(slot) {
            self.tell(ToWorker::Freed);
        }
    }

    /// Tells the worker something.
    pub fn tell(&self, message: ToWorker) {
        // A worker that is gone or stuck shows it by its exit or its silence.
        if let Err(error) = send_to_worker(&self.socket, message) {
            tracing::debug!("the worker can't be told {message:?}: {error}");
        }
    }

    /// What the worker says next, without waiting for it.
    pub fn hear(&self) -> Received<FromWorker> {
        receive_from_worker(&self.socket)
    }

    /// The processor on which the worker handed over its newest frame.
    pub fn processor(&self) -> Option<usize> {
        self.ledger.processor()
    }
}

/// Memory that neither side can shrink under the other. Fresh, so that no frame of an earlier
/// activation is in it; and it goes with this one.
fn fresh_memory(len: usize) -> io::Result<File> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let memfd = rustix::fs::memfd_create("lenscap-slots", flags)?;
    rustix::fs::ftruncate(&memfd, len as u64)?;
    rustix::fs::fcntl_add_seals(
        &memfd,
        SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL,
    )?;
    Ok(File::from(memfd))
}
