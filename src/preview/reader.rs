//! The reader's end of a preview.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{SealFlags, fcntl_get_seals};

use super::protocol::{Header, Received, receive_header, receive_slot, send_slot};
use crate::mapping::Mapping;
use crate::settings::Geometry;

/// A preview as its reader has it. Its descriptor is readable when there is a frame, or no more to
/// come.
pub struct Reader {
    socket: OwnedFd,
    memory: Mapping,
    header: Header,
}

impl Reader {
    /// Starts to read from the descriptor that `OpenPreview` returned.
    pub fn new(socket: OwnedFd) -> io::Result<Self> {
        let unusable = || io::Error::new(ErrorKind::InvalidData, "no preview that we understand");
        let (header, memory) = receive_header(&socket)?.ok_or_else(unusable)?;
        // Touching a page behind the end of the file would kill the process (SIGBUS).
        let memory = File::from(memory);
        let is_whole = memory.metadata()?.len() >= header.memory_len() as u64;
        if !is_whole || !fcntl_get_seals(&memory)?.contains(SealFlags::SHRINK) {
            return Err(unusable());
        }
        Ok(Self {
            socket,
            memory: Mapping::read_only(&memory, header.memory_len())?,
            header,
        })
    }

    /// The shape of every frame.
    pub fn geometry(&self) -> Geometry {
        self.header.geometry
    }

    /// The newest frame, if there is one that was not seen yet. An error is the end of the preview.
    pub fn newest(&mut self) -> io::Result<Option<Frame<'_>>> {
        let mut newest = None;
        loop {
            match receive_slot(&self.socket) {
                Received::Slot(slot) if slot < self.header.slots => {
                    // An older frame is released unseen.
                    newest = Some(Frame { reader: self, slot });
                }
                Received::Nothing => return Ok(newest),
                _ => return Err(ErrorKind::UnexpectedEof.into()),
            }
        }
    }
}

impl AsFd for Reader {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// A frame, until it is released by dropping it.
pub struct Frame<'a> {
    reader: &'a Reader,
    slot: u32,
}

impl Frame<'_> {
    /// The pixels. A frame that is covered meanwhile changes under the reader's eyes.
    pub fn bytes(&self) -> &[u8] {
        let Header {
            geometry, stride, ..
        } = self.reader.header;
        let start = self.slot as usize * stride as usize;
        &self.reader.memory.bytes()[start..start + geometry.frame_len()]
    }
}

impl Drop for Frame<'_> {
    fn drop(&mut self) {
        // An applet that is gone shows it by the socket's end.
        let _ = send_slot(&self.reader.socket, self.slot);
    }
}
