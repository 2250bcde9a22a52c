//! The messages between the two ends of a preview. Both run on one machine: numbers are `u32` in
//! its byte order.

use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recv, recvmsg, send, sendmsg,
};

use crate::settings::{Geometry, PixelFormat};

/// The first word of the first packet; its digit is the protocol's version.
const MAGIC: u32 = u32::from_ne_bytes(*b"Lpv1");

/// Words of the first packet, and its bytes.
const HEADER_WORDS: usize = 6;
const HEADER_LEN: usize = HEADER_WORDS * 4;

/// What a reader must know before the first frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The shape of every frame; its lines are packed.
    pub geometry: Geometry,
    /// Slots in the memfd.
    pub slots: u32,
    /// Bytes from one slot to the next; a slot starts with its frame.
    pub stride: u32,
}

impl Header {
    /// Bytes of all slots together.
    pub fn memory_len(&self) -> usize {
        self.slots as usize * self.stride as usize
    }

    pub fn encode(&self) -> [u8; HEADER_LEN] {
        let Geometry {
            format,
            width,
            height,
        } = self.geometry;
        let words = [
            MAGIC,
            format.fourcc(),
            width,
            height,
            self.slots,
            self.stride,
        ];
        let mut bytes = [0; HEADER_LEN];
        for (chunk, word) in bytes.chunks_exact_mut(4).zip(words) {
            chunk.copy_from_slice(&word.to_ne_bytes());
        }
        bytes
    }

    /// The header in a packet; `None` for another version, or slots too short for the frames.
    pub fn decode(packet: &[u8]) -> Option<Self> {
        let bytes: &[u8; HEADER_LEN] = packet.try_into().ok()?;
        let mut words = [0; HEADER_WORDS];
        for (word, chunk) in words.iter_mut().zip(bytes.chunks_exact(4)) {
            *word = u32::from_ne_bytes([chunk[0], chunk[1], chunk[2], chunk[3]]);
        }
        let [magic, fourcc, width, height, slots, stride] = words;
        let format = PixelFormat::ALL
            .into_iter()
            .find(|format| format.fourcc() == fourcc)?;
        let geometry = Geometry {
            format,
            width,
            height,
        };
        let fits = stride as usize >= geometry.frame_len();
        (magic == MAGIC && width > 0 && height > 0 && fits).then_some(Self {
            geometry,
            slots,
            stride,
        })
    }
}

/// Opens the conversation. The socket is empty then, so this never waits.
pub fn send_header(
    socket: impl AsFd,
    header: &Header,
    memory: BorrowedFd<'_>,
) -> rustix::io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut rights = SendAncillaryBuffer::new(&mut space);
    let fds = [memory];
    rights.push(SendAncillaryMessage::ScmRights(&fds));
    let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
    sendmsg(
        socket,
        &[IoSlice::new(&header.encode())],
        &mut rights,
        flags,
    )
    .map(drop)
}

/// Reads the first packet, without waiting: it is there before the socket is handed out.
pub fn receive_header(socket: impl AsFd) -> rustix::io::Result<Option<(Header, OwnedFd)>> {
    let mut packet = [0; HEADER_LEN + 1]; // a longer packet is another version's
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut rights = RecvAncillaryBuffer::new(&mut space);
    let mut parts = [IoSliceMut::new(&mut packet)];
    let flags = RecvFlags::DONTWAIT | RecvFlags::CMSG_CLOEXEC;
    let len = recvmsg(socket, &mut parts, &mut rights, flags)?.bytes;
    let memory = rights.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut fds) => fds.next(),
        _ => None,
    });
    Ok(Header::decode(&packet[..len]).zip(memory))
}

/// Passes a slot to the other side, without waiting: there are fewer slots than the socket has room
/// for packets.
pub fn send_slot(socket: impl AsFd, slot: u32) -> rustix::io::Result<()> {
    let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
    send(socket, &slot.to_ne_bytes(), flags).map(drop)
}

/// What a read of the socket found.
#[derive(Debug, PartialEq, Eq)]
pub enum Received {
    /// This slot is ours now.
    Slot(u32),
    /// Nothing more for now.
    Nothing,
    /// The other side is gone, or talks nonsense.
    Closed,
}

/// Reads one packet after the first, without waiting for it.
pub fn receive_slot(socket: impl AsFd) -> Received {
    let mut packet = [0; 5]; // a longer packet is nonsense
    match recv(socket, &mut packet[..], RecvFlags::DONTWAIT) {
        Ok((4, _)) => Received::Slot(u32::from_ne_bytes([
            packet[0], packet[1], packet[2], packet[3],
        ])),
        Err(Errno::AGAIN | Errno::INTR) => Received::Nothing,
        _ => Received::Closed,
    }
}
