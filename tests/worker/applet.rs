//! The applet's side of a worker.

use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use lenscap::capture::ledger::Ledger;
use lenscap::capture::protocol::{
    FromWorker, Job, Received, ToWorker, receive_from_worker, send_job, send_to_worker,
};
use lenscap::relay::Fault;
use lenscap::settings::Geometry;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, ftruncate, memfd_create};
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};

/// Timeout on a busy machine.
pub const WAIT_TIMEOUT: Duration = Duration::from_secs(20);
/// Timeout for a fault without a device: loading plugins, and a few frames.
const FAULT_LIMIT: Duration = Duration::from_secs(8);
pub const SLOTS: u32 = 4;

/// The applet's mapping of the slots.
pub struct Memory {
    pub file: File,
    ledger: Ledger,
    start: *mut u8,
    len: usize,
    stride: usize,
}

impl Memory {
    pub fn new(job: &Job) -> Self {
        let len = job.ledger_at();
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        let file = File::from(memfd_create("slots", flags).unwrap());
        ftruncate(&file, job.memory_len() as u64).unwrap();
        let seals = SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL;
        fcntl_add_seals(&file, seals).unwrap();
        let (protection, flags) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::SHARED);
        // SAFETY: a new mapping at an address of the kernel's choice.
        let start =
            unsafe { mmap(std::ptr::null_mut(), len, protection, flags, &file, 0) }.unwrap();
        Self {
            ledger: Ledger::map(&file, len).unwrap(),
            file,
            start: start.cast(),
            len,
            stride: job.slot_stride(),
        }
    }

    pub fn frame(&self, slot: u32, geometry: Geometry) -> Vec<u8> {
        let mut frame = vec![0; geometry.frame_len()];
        // SAFETY: the slot is within the mapping; the copy is bytewise, so a worker that writes at the
        // wrong time only causes wrong content.
        unsafe {
            let slot = self.start.add(slot as usize * self.stride);
            slot.copy_to(frame.as_mut_ptr(), frame.len());
        }
        frame
    }

    pub fn wipe(&self, slot: u32) {
        // SAFETY: as above.
        unsafe {
            self.start
                .add(slot as usize * self.stride)
                .write_bytes(0, self.stride);
        }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: our own mapping, used no more.
        unsafe { munmap(self.start.cast(), self.len) }.unwrap();
    }
}

/// The applet's side of one activation. Kills the worker on drop.
pub struct WorkerPeer {
    pub socket: OwnedFd,
    pub worker: Child,
    pub memory: Memory,
    pub geometry: Geometry,
    /// Slots that the worker may write to.
    lent: Vec<bool>,
}

impl Drop for WorkerPeer {
    fn drop(&mut self) {
        let _ = self.worker.kill();
        let _ = self.worker.wait();
    }
}

pub fn sockets() -> (OwnedFd, OwnedFd) {
    let flags = SocketFlags::CLOEXEC;
    socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None).unwrap()
}

pub fn worker() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lenscap"));
    // GStreamer's critical warnings are bugs of ours.
    command.arg("capture").env("G_DEBUG", "fatal-criticals");
    // As the applet does it.
    command.env("GSETTINGS_BACKEND", "memory");
    command
}

pub fn job(source: &str, geometry: Geometry) -> Job {
    Job {
        source: source.to_owned(),
        width: geometry.width,
        height: geometry.height,
        framerate: 30,
        format: geometry.format.name().to_owned(),
        buffer_count: 4,
        transform: "none".to_owned(),
        slots: SLOTS,
        frame_len: geometry.frame_len(),
        parent: std::process::id(),
    }
}

impl WorkerPeer {
    pub fn new(source: &str, geometry: Geometry) -> Self {
        Self::with_job(source, geometry, |_| {})
    }

    pub fn with_job(source: &str, geometry: Geometry, change: impl FnOnce(&mut Job)) -> Self {
        Self::start(worker(), source, geometry, change)
    }

    pub fn start(
        mut worker: Command,
        source: &str,
        geometry: Geometry,
        change: impl FnOnce(&mut Job),
    ) -> Self {
        let (socket, theirs) = sockets();
        let worker = worker.stdin(Stdio::from(theirs)).spawn().unwrap();
        let mut job = job(source, geometry);
        let memory = Memory::new(&job);
        change(&mut job);
        let _ = send_job(&socket, &job, memory.file.as_fd());
        Self {
            socket,
            worker,
            memory,
            geometry,
            lent: vec![true; SLOTS as usize],
        }
    }

    pub fn send(&self, message: ToWorker) {
        send_to_worker(&self.socket, message).unwrap();
    }

    /// Waits for a message, at most this long; `Empty` if none came.
    pub fn receive_within(&self, limit: Duration) -> Received<FromWorker> {
        let mut fds = [PollFd::new(&self.socket, PollFlags::IN)];
        let limit = Timespec::try_from(limit).unwrap();
        poll(&mut fds, Some(&limit)).unwrap();
        receive_from_worker(&self.socket)
    }

    /// The next filled slot and its timestamp; checks that the worker had a lease for it.
    pub fn filled(&mut self) -> (u32, u64) {
        match self.receive_within(WAIT_TIMEOUT) {
            Received::Message(FromWorker::Filled(slot, captured)) => {
                let lent = std::mem::replace(&mut self.lent[slot as usize], false);
                assert!(lent, "slot {slot} was filled while it was the applet's");
                (slot, captured)
            }
            other => panic!("no frame but {other:?}"),
        }
    }

    pub fn free(&mut self, slot: u32) {
        self.lent[slot as usize] = true;
        self.give_back(slot);
    }

    pub fn give_back(&self, slot: u32) {
        if self.memory.ledger.release(slot) {
            self.send(ToWorker::Freed);
        }
    }

    /// The next frame; its slot is cleared and released.
    pub fn frame(&mut self) -> Vec<u8> {
        let (slot, _) = self.filled();
        let frame = self.memory.frame(slot, self.geometry);
        self.memory.wipe(slot);
        self.free(slot);
        frame
    }

    /// The fault that ends the worker, after any number of frames.
    pub fn fault(&mut self) -> Fault {
        let deadline = Instant::now() + FAULT_LIMIT;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "no fault within {FAULT_LIMIT:?}");
            match self.receive_within(left) {
                Received::Message(FromWorker::Failed(fault)) => return fault,
                Received::Message(FromWorker::Filled(slot, _)) => {
                    self.give_back(slot);
                }
                other => panic!("no fault but {other:?}"),
            }
        }
    }

    /// Waits until the worker has closed its socket, after any number of frames.
    pub fn ended_within(&mut self, limit: Duration) -> ExitStatus {
        let deadline = Instant::now() + limit;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.receive_within(left) {
                Received::Invalid => panic!("the worker sent no message"),
                Received::Closed => return self.worker.wait().unwrap(),
                Received::Message(_) => {}
                Received::Empty => panic!("the worker lives longer than {limit:?}"),
            }
        }
    }
}
