//! What the applet shares with a worker: slots of memory, the ledger of them, and a socket.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustix::fs::{SealFlags, fcntl_add_seals};
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{AddressFamily, Shutdown, SocketFlags, SocketType, shutdown, socketpair};

use crate::capture::ledger::Ledger;
use crate::capture::protocol::{
    FromWorker, Job, Received, ToWorker, send_job, send_to_worker, wait_for_worker,
};
use crate::mapping::{Mapping, sealed_memfd};
use crate::output::{Lease, Slots};

/// The applet's side of it.
pub struct Channel {
    socket: OwnedFd,
    memory: File,
    slots: Mapping,
    ledger: Ledger,
    /// Bytes from one slot to the next.
    stride: usize,
    /// Bytes of a frame.
    frame_len: usize,
    count: u32,
    /// Slots that the applet has, a bit each.
    leased: AtomicU64,
}

impl Channel {
    /// Makes the slots for a job; with them comes the worker's end of the socket, on which its job
    /// waits. The memory is fresh, so that no frame of an earlier activation is in it.
    pub fn new(job: &Job) -> io::Result<(Arc<Self>, OwnedFd)> {
        let memory = sealed_memfd("lenscap-slots", job.memory_len())?;
        fcntl_add_seals(&memory, SealFlags::SEAL)?;
        let flags = SocketFlags::CLOEXEC;
        let (socket, theirs) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?;
        send_job(&socket, job, memory.as_fd())?;
        let channel = Self {
            slots: Mapping::read_only(&memory, job.ledger_at())?,
            ledger: Ledger::map(&memory, job.ledger_at())?,
            memory,
            socket,
            stride: job.slot_stride(),
            frame_len: job.frame_len,
            count: job.slots.min(u64::BITS),
            leased: AtomicU64::new(0),
        };
        Ok((Arc::new(channel), theirs))
    }

    /// Leases a slot that the worker filled. `None` for one that it doesn't have: no such slot, or one
    /// that was leased before.
    pub fn lease(self: &Arc<Self>, slot: u32) -> Option<Lease> {
        let bit = (slot < self.count).then(|| 1 << slot)?;
        let is_new = self.leased.fetch_or(bit, Ordering::AcqRel) & bit == 0;
        is_new.then(|| Lease::new(self.clone(), slot))
    }

    /// The slots that are leased, a bit each.
    pub fn leased(&self) -> u64 {
        self.leased.load(Ordering::Acquire)
    }

    /// Sends the worker a message. One that is gone or hangs shows it by its exit or its silence.
    pub fn send(&self, message: ToWorker) {
        if let Err(error) = send_to_worker(&self.socket, message) {
            tracing::debug!("{message:?} did not reach the worker: {error}");
        }
    }

    /// Waits for the worker's next message, no longer than the timeout.
    pub fn receive(&self) -> Received<FromWorker> {
        wait_for_worker(&self.socket)
    }

    /// Sets how long to wait for a message; at first as long as it takes.
    pub fn set_timeout(&self, timeout: Option<Duration>) {
        // It fails only for times that are none.
        let _ = set_socket_timeout(&self.socket, Timeout::Recv, timeout);
    }

    /// Receives nothing more than what was sent by now, and wakes a thread that waits.
    pub fn close(&self) {
        let _ = shutdown(&self.socket, Shutdown::Read); // it is connected
    }
}

impl Slots for Channel {
    fn pixels(&self, slot: u32) -> &[u8] {
        // A lease has one of `count` slots, all of which are mapped.
        &self.slots.bytes()[slot as usize * self.stride..][..self.frame_len]
    }

    fn memory(&self) -> (&File, usize) {
        (&self.memory, self.stride)
    }

    fn release(&self, slot: u32) {
        self.leased.fetch_and(!(1 << slot), Ordering::AcqRel);
        if self.ledger.release(slot) {
            self.send(ToWorker::Freed);
        }
    }
}
