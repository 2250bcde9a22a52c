//! The applet's end of a preview.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{SealFlags, fcntl_add_seals};
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};

use super::protocol::{Header, Received, receive_slot, send_header, send_slot};
use crate::mapping::{Mapping, sealed_memfd};
use crate::placeholder::Pictures;
use crate::relay::Card;
use crate::settings::Geometry;

/// One that the reader shows, one that waits for it, and one to fill.
const SLOTS: u32 = 3;

/// A preview's memory and who has which part of it.
pub struct Writer {
    socket: OwnedFd,
    memory: Mapping,
    geometry: Geometry,
    /// Bytes from one slot to the next.
    stride: usize,
    /// Slots that are the reader's.
    leased: [bool; SLOTS as usize],
    /// Whether a card is up that the reader doesn't know of: it had every slot.
    owes_card: bool,
    /// Whether a camera frame lies in a slot.
    exposed: bool,
}

impl Writer {
    /// Makes a preview of frames of this geometry, and the reader's end of it.
    pub fn new(geometry: Geometry) -> io::Result<(Self, OwnedFd)> {
        let stride = geometry
            .frame_len()
            .next_multiple_of(rustix::param::page_size());
        let header = Header {
            geometry,
            slots: SLOTS,
            stride: u32::try_from(stride).map_err(io::Error::other)?,
        };
        let memfd = sealed_memfd("lenscap-preview", header.memory_len())?;
        let memory = Mapping::new(&memfd, 0, header.memory_len())?;
        // Our mapping stays writable; no other can be made.
        fcntl_add_seals(&memfd, SealFlags::FUTURE_WRITE | SealFlags::SEAL)?;
        let flags = SocketFlags::CLOEXEC;
        let (socket, theirs) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?;
        send_header(&socket, &header, memfd.as_fd())?;
        let writer = Self {
            socket,
            memory,
            geometry,
            stride,
            leased: [false; SLOTS as usize],
            owes_card: false,
            exposed: false,
        };
        Ok((writer, theirs))
    }

    /// The shape of the frames.
    pub fn geometry(&self) -> Geometry {
        self.geometry
    }

    /// Shows a camera frame, unless the reader has every slot.
    pub fn submit(&mut self, frame: &[u8]) {
        self.owes_card = false; // the card is down
        let Some(slot) = self.free_slot() else {
            return;
        };
        let start = slot as usize * self.stride;
        let len = frame.len().min(self.geometry.frame_len());
        self.exposed = true;
        self.memory.bytes_mut()[start..start + len].copy_from_slice(&frame[..len]);
        self.lease(slot);
    }

    /// Shows a placeholder. No slot holds anything else afterwards, not even those that the reader
    /// has: a camera frame that it maps is gone as well.
    pub fn show(&mut self, card: Card, pictures: &Pictures) {
        let (first, others) = self.memory.bytes_mut().split_at_mut(self.stride);
        if let Err(error) = pictures.paint(card, first) {
            tracing::warn!("a preview shows black instead of a card: {error}");
            self.geometry.fill_black(first);
        }
        for other in others.chunks_exact_mut(first.len()) {
            other.copy_from_slice(first);
        }
        self.exposed = false;
        self.owes_card = !self.free_slot().is_some_and(|slot| self.lease(slot));
    }

    /// Reclaims a slot that the reader has released; false when it is gone or breaks the rules.
    pub fn reclaim(&mut self) -> bool {
        let slot = match receive_slot(&self.socket) {
            Received::Slot(slot) => slot,
            Received::Nothing => return true,
            Received::Closed => return false,
        };
        let leased = self.leased.get_mut(slot as usize);
        if !leased.is_some_and(std::mem::take) {
            return false;
        }
        if self.owes_card {
            self.owes_card = !self.lease(slot);
        }
        true
    }

    fn free_slot(&self) -> Option<u32> {
        (0..SLOTS).find(|slot| !self.leased[*slot as usize])
    }

    /// Leases the slot to the reader; one that is gone shows by the socket's end.
    fn lease(&mut self, slot: u32) -> bool {
        let leased = send_slot(&self.socket, slot).is_ok();
        self.leased[slot as usize] = leased;
        leased
    }
}

impl AsFd for Writer {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl Drop for Writer {
    /// The reader may keep its mapping for as long as it likes.
    fn drop(&mut self) {
        if self.exposed {
            for slot in self.memory.bytes_mut().chunks_exact_mut(self.stride) {
                self.geometry.fill_black(slot);
            }
        }
    }
}
