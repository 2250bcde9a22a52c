//! The messages between the applet and its worker.
//!
//! One `SOCK_SEQPACKET` socketpair; the worker has it as standard input. Packets are fixed-size
//! messages of [`MESSAGE_LEN`] bytes; two kinds have JSON behind them in the same packet: the first
//! one, with the [`Job`] and the memfd of the slots and their [`Ledger`] attached (`SCM_RIGHTS`), and
//! [`FromWorker::Failed`]. Either side treats the other's end of the socket as its death.
//!
//! Every message carries the [`VERSION`] of the protocol. Either side refuses another one, before it
//! reads what is in the message.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recv, recvmsg, send, sendmsg,
};
use serde::{Deserialize, Serialize};

use super::ledger::Ledger;
use crate::relay::{Fault, FaultKind};
use crate::settings::{LONGEST_TEXT, n_};

/// Raised whenever a message, the job or the ledger changes.
pub const VERSION: u16 = 1;

/// Bytes of a message without text: kind (u16), version (u16), slot (u32), value (u64), in native byte
/// order.
pub const MESSAGE_LEN: usize = 16;

/// The longest packet: a job or a fault with long names in it.
const PACKET_LEN: usize = 16 * 1024;

/// Bytes of a fault's text, at most: no honest worker has more to report.
const MOST_TEXT: usize = 32 * LONGEST_TEXT;

/// What a worker is to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// The source as the user would write it; never `auto`.
    pub source: String,
    /// Pixels in a line.
    pub width: u32,
    /// Lines in a frame.
    pub height: u32,
    /// Frames a second.
    pub framerate: u32,
    /// The pixel format to deliver, by its GStreamer name.
    pub format: String,
    /// Buffers that `icamerasrc` keeps in flight.
    pub buffer_count: u32,
    /// How to turn the picture, by its name in the config file.
    pub transform: String,
    /// Slots in the memfd, each at the start of a page.
    pub slots: u32,
    /// Bytes of a frame.
    pub frame_len: usize,
    /// The applet's process id: if the parent is another, the applet is gone.
    pub parent: u32,
}

impl Job {
    /// Bytes from one slot to the next: a frame, rounded up to a page.
    pub fn slot_stride(&self) -> usize {
        self.frame_len.next_multiple_of(rustix::param::page_size())
    }

    /// Where the ledger lies: behind the slots.
    pub fn ledger_at(&self) -> usize {
        self.slots as usize * self.slot_stride()
    }

    /// Bytes of the slots and the ledger together.
    pub fn memory_len(&self) -> usize {
        self.ledger_at() + Ledger::LEN
    }
}

/// From the applet to the worker, after the job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToWorker {
    /// Open the camera and fill slots.
    Open,
    /// The [`Ledger`] has a slot that may be filled again: the worker requested one.
    Freed,
    /// Close the camera in good order and end. Gives back every slot but these (a bit each): the
    /// applet shows none of this worker's frames from here on, not even those that were sent
    /// before, and has covered those that a driver still reads.
    Stop(u64),
}

/// From the worker to the applet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FromWorker {
    /// A frame lies in this slot, which is the applet's until it is released in the [`Ledger`]. The time
    /// is the capture's, in nanoseconds of `CLOCK_MONOTONIC`; 0 if the source doesn't provide it.
    Filled(u32, u64),
    /// The worker can't go on.
    Failed(Fault),
}

const OPEN: u16 = 1;
const FREED: u16 = 2;
const STOP: u16 = 3;
const FILLED: u16 = 4;
const FAILED: u16 = 5;
const JOB: u16 = 6;

fn message(kind: u16, slot: u32, value: u64) -> [u8; MESSAGE_LEN] {
    let mut bytes = [0; MESSAGE_LEN];
    bytes[..2].copy_from_slice(&kind.to_ne_bytes());
    bytes[2..4].copy_from_slice(&VERSION.to_ne_bytes());
    bytes[4..8].copy_from_slice(&slot.to_ne_bytes());
    bytes[8..].copy_from_slice(&value.to_ne_bytes());
    bytes
}

/// Whether a message is of another version, so that nothing else in it can be read.
fn is_of_other_version(packet: &[u8]) -> bool {
    packet.len() >= MESSAGE_LEN && packet[2..4] != VERSION.to_ne_bytes()
}

/// Kind, slot, value and the text behind them; `None` for what is no message of this version.
fn fields(packet: &[u8]) -> Option<(u16, u32, u64, &[u8])> {
    if is_of_other_version(packet) {
        return None;
    }
    let (head, text) = packet.split_at_checked(MESSAGE_LEN)?;
    let kind = u16::from_ne_bytes(head[..2].try_into().ok()?);
    let slot = u32::from_ne_bytes(head[4..8].try_into().ok()?);
    let value = u64::from_ne_bytes(head[8..].try_into().ok()?);
    Some((kind, slot, value, text))
}

impl ToWorker {
    fn encode(self) -> [u8; MESSAGE_LEN] {
        match self {
            Self::Open => message(OPEN, 0, 0),
            Self::Freed => message(FREED, 0, 0),
            Self::Stop(kept) => message(STOP, 0, kept),
        }
    }

    fn decode(packet: &[u8]) -> Option<Self> {
        match fields(packet)? {
            (OPEN, ..) => Some(Self::Open),
            (FREED, ..) => Some(Self::Freed),
            (STOP, _, kept, _) => Some(Self::Stop(kept)),
            _ => None,
        }
    }
}

impl FromWorker {
    fn encode(&self) -> Vec<u8> {
        match self {
            Self::Filled(slot, timestamp) => message(FILLED, *slot, *timestamp).to_vec(),
            Self::Failed(fault) => {
                let mut packet = message(FAILED, 0, 0).to_vec();
                packet.extend(encode_fault(fault));
                packet
            }
        }
    }

    fn decode(packet: &[u8]) -> Option<Self> {
        if is_of_other_version(packet) {
            return Some(Self::Failed(other_version()));
        }
        match fields(packet)? {
            (FILLED, slot, timestamp, _) => Some(Self::Filled(slot, timestamp)),
            (FAILED, _, _, text) => Some(Self::Failed(decode_fault(text))),
            _ => None,
        }
    }
}

/// A fault that fits into a packet: the longest of its values are cut off if need be.
fn encode_fault(fault: &Fault) -> Vec<u8> {
    let room = PACKET_LEN - MESSAGE_LEN;
    let cut = |most| Fault::new(fault.kind, fault.message.one_line(most));
    let mut tries = [LONGEST_TEXT, 50].into_iter();
    let encoded = tries.find_map(|most| {
        let bytes = serde_json::to_vec(&cut(most)).ok()?;
        (bytes.len() <= room).then_some(bytes)
    });
    encoded.unwrap_or_default()
}

/// The fault in a packet of the worker's, which may be hostile.
fn decode_fault(text: &[u8]) -> Fault {
    let fault = serde_json::from_slice::<Fault>(text).ok();
    let fault = fault.map(Fault::one_line);
    let plain = fault.filter(|fault| fault.message.longest_text() <= MOST_TEXT);
    plain.unwrap_or_else(without_reason)
}

/// The fault of a worker that broke the protocol.
pub fn without_reason() -> Fault {
    let text = n_("the camera failed without a reason; trying again");
    Fault::new(FaultKind::Other, text)
}

/// The fault of applet and worker that are not from the same program.
fn other_version() -> Fault {
    let text = n_("the camera's process is another version of Lenscap: restart Lenscap");
    Fault::new(FaultKind::Other, text)
}

/// What a read of the socket found.
#[derive(Debug, PartialEq, Eq)]
pub enum Received<M> {
    /// A message.
    Message(M),
    /// Nothing more for now.
    Empty,
    /// A packet that is no message.
    Invalid,
    /// The other side is gone.
    Closed,
}

fn receive<M>(
    socket: impl AsFd,
    flags: RecvFlags,
    decode: impl Fn(&[u8]) -> Option<M>,
) -> Received<M> {
    let mut packet = [0; PACKET_LEN];
    loop {
        return match recv(&socket, &mut packet[..], flags) {
            Ok((0, _)) => Received::Closed,
            Ok((len, _)) => decode(&packet[..len]).map_or(Received::Invalid, Received::Message),
            Err(Errno::INTR) => continue,
            Err(Errno::AGAIN) => Received::Empty,
            Err(_) => Received::Closed,
        };
    }
}

/// Reads a message of the applet, without waiting for one.
pub fn receive_from_applet(socket: impl AsFd) -> Received<ToWorker> {
    receive(socket, RecvFlags::DONTWAIT, ToWorker::decode)
}

/// Reads a message of the worker, without waiting for one.
pub fn receive_from_worker(socket: impl AsFd) -> Received<FromWorker> {
    receive(socket, RecvFlags::DONTWAIT, FromWorker::decode)
}

/// Waits for a message of the worker, no longer than the socket's timeout.
pub fn wait_for_worker(socket: impl AsFd) -> Received<FromWorker> {
    receive(socket, RecvFlags::empty(), FromWorker::decode)
}

/// Tells the worker something. A worker that is gone or doesn't read gets an error.
pub fn send_to_worker(socket: impl AsFd, message: ToWorker) -> rustix::io::Result<()> {
    send(
        socket,
        &message.encode(),
        SendFlags::DONTWAIT | SendFlags::NOSIGNAL,
    )
    .map(drop)
}

/// Tells the applet something; waits while the socket is full.
pub fn send_to_applet(socket: impl AsFd, message: &FromWorker) -> rustix::io::Result<()> {
    send(socket, &message.encode(), SendFlags::NOSIGNAL).map(drop)
}

/// Tells the applet that a frame lies in this slot, as [`FromWorker::Filled`] does, but without
/// allocating and without waiting: it runs once a frame, in the camera's own thread. A full socket
/// (`EAGAIN`) means that the applet stopped reading long ago.
pub fn send_filled(socket: impl AsFd, slot: u32, captured: u64) -> rustix::io::Result<()> {
    send(
        socket,
        &message(FILLED, slot, captured),
        SendFlags::DONTWAIT | SendFlags::NOSIGNAL,
    )
    .map(drop)
}

/// Hands the worker its job and the memory of its slots.
pub fn send_job(socket: impl AsFd, job: &Job, slots: BorrowedFd<'_>) -> rustix::io::Result<()> {
    let head = message(JOB, 0, 0);
    let text = serde_json::to_vec(job).expect("a job is plain data");
    let mut space = [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut rights = SendAncillaryBuffer::new(&mut space);
    let fds = [slots];
    rights.push(SendAncillaryMessage::ScmRights(&fds));
    let packet = [&head[..], &text].map(std::io::IoSlice::new);
    sendmsg(socket, &packet, &mut rights, SendFlags::NOSIGNAL).map(drop)
}

/// The job and the memory of its slots, or the fault to report to an applet of another version.
pub type ReceivedJob = Result<(Job, OwnedFd), Fault>;

/// Waits for the job; `None` if the applet is gone or the packet is no job.
pub fn receive_job(socket: impl AsFd) -> Option<ReceivedJob> {
    let mut packet = vec![0; PACKET_LEN];
    let mut space = [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut rights = RecvAncillaryBuffer::new(&mut space);
    let len = recvmsg(
        socket,
        &mut [std::io::IoSliceMut::new(&mut packet)],
        &mut rights,
        RecvFlags::CMSG_CLOEXEC,
    )
    .ok()?
    .bytes;
    let packet = &packet[..len];
    if is_of_other_version(packet) {
        return Some(Err(other_version()));
    }
    let (JOB, _, _, text) = fields(packet)? else {
        return None;
    };
    let job = serde_json::from_slice(text).ok()?;
    let slots = rights.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut fds) => fds.next(),
        _ => None,
    })?;
    Some(Ok((job, slots)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Message;

    fn sent(fault: &Fault) -> Option<FromWorker> {
        let packet = FromWorker::Failed(fault.clone()).encode();
        assert!(packet.len() <= PACKET_LEN, "{}", packet.len());
        FromWorker::decode(&packet)
    }

    fn received(json: &str) -> Option<FromWorker> {
        let packet = [&message(FAILED, 0, 0)[..], json.as_bytes()].concat();
        FromWorker::decode(&packet)
    }

    #[test]
    fn a_fault_arrives_as_it_was_sent() {
        let fault = Fault::new(
            FaultKind::Busy,
            Message::verbatim("cannot open {device}: {error}"),
        )
        .with("device", "/dev/video0");
        let lines = fault.clone().with("error", "two\nlines");
        let line = fault.with("error", "two lines");
        assert_eq!(sent(&lines), Some(FromWorker::Failed(line)));
    }

    #[test]
    fn a_message_of_another_version_is_refused_unread() {
        for kind in [FILLED, FAILED, JOB] {
            let mut packet = message(kind, 0, 0);
            packet[2..4].copy_from_slice(&(VERSION + 1).to_ne_bytes());
            let refused = Some(FromWorker::Failed(other_version()));
            assert_eq!(FromWorker::decode(&packet), refused);
            assert_eq!(ToWorker::decode(&packet), None);
        }
    }

    #[test]
    fn long_values_are_cut_off() {
        for text in ["x", "\"", "𝄞"].map(|letter| letter.repeat(PACKET_LEN)) {
            let fault = Fault::new(
                FaultKind::Busy,
                Message::verbatim("cannot open {device}: {error}"),
            );
            let fault = fault.with("device", &text).with("error", &text);
            let Some(FromWorker::Failed(arrived)) = sent(&fault) else {
                panic!("not a fault");
            };
            let start: String = text.chars().take(50).collect();
            let wanted = format!("cannot open {start}");
            assert!(arrived.to_string().starts_with(&wanted), "{arrived}");
        }
    }

    #[test]
    fn a_fault_that_makes_no_sense_has_a_reason_too() {
        // Each sentence fits into a packet, and the text of all would be 27 MB long.
        let many = "{a}".repeat(300);
        let inner = format!(r#"{{"text":"{many}","values":[["a","{many}"]]}}"#);
        let nested = format!(r#"{{"kind":"busy","text":"{many}","values":[["a",{inner}]]}}"#);
        let none = Fault::new(
            FaultKind::Other,
            Message::verbatim("the camera failed without a reason; trying again"),
        );
        for json in ["", "{}", "null", &nested] {
            assert_eq!(
                received(json),
                Some(FromWorker::Failed(none.clone())),
                "{json}"
            );
        }
    }
}
