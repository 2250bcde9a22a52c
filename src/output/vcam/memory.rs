//! Frames in memory that others can map, and that a driver can be given: memfd and udmabuf.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::sync::OnceLock;

use rustix::io::Errno;
use rustix::ioctl::{Ioctl, IoctlOutput, Opcode, ioctl, opcode};

use crate::mapping::{Mapping, sealed_memfd};
use crate::output::Slots;

/// What makes DMA-BUFs out of memfds.
pub const UDMABUF: &str = "/dev/udmabuf";

/// `UDMABUF_FLAGS_CLOEXEC`.
const CLOEXEC: u32 = 1;

/// `struct udmabuf_create` of `linux/udmabuf.h`, which is answered with a descriptor.
#[repr(C)]
#[derive(Clone, Copy)]
struct Create {
    memfd: u32,
    flags: u32,
    offset: u64,
    size: u64,
}

const _: () = assert!(size_of::<Create>() == 24);

// SAFETY: the number is built from the structure, whose layout is the kernel's; it only reads it.
unsafe impl Ioctl for Create {
    type Output = OwnedFd;

    const IS_MUTATING: bool = false;

    fn opcode(&self) -> Opcode {
        opcode::write::<Self>(b'u', 0x42)
    }

    fn as_ptr(&mut self) -> *mut std::ffi::c_void {
        std::ptr::from_mut(self).cast()
    }

    unsafe fn output_from_ptr(
        fd: IoctlOutput,
        _: *mut std::ffi::c_void,
    ) -> rustix::io::Result<OwnedFd> {
        if fd < 0 {
            return Err(Errno::BADF);
        }
        // SAFETY: the call succeeded, and it returns a new descriptor without an owner.
        Ok(unsafe { OwnedFd::from_raw_fd(fd) })
    }
}

/// A memfd cut into frames, each of which becomes a DMA-BUF when it is first needed.
#[derive(Debug)]
pub struct Memory {
    file: File,
    frame_len: usize,
    /// Bytes from one frame to the next; whole pages.
    stride: usize,
    buffers: Box<[OnceLock<OwnedFd>]>,
}

impl Memory {
    /// Fresh memory for this many frames.
    pub fn new(count: usize, frame_len: usize) -> io::Result<Self> {
        let stride = frame_len.next_multiple_of(rustix::param::page_size());
        // Pages that may vanish are refused by udmabuf.
        let file = sealed_memfd("lenscap-cards", count * stride)?;
        Ok(Self::with(file, count, frame_len, stride))
    }

    /// The slots of a worker.
    pub fn share(slots: &dyn Slots, frame_len: usize) -> io::Result<Self> {
        let (file, stride) = slots.memory();
        let len = usize::try_from(file.metadata()?.len()).map_err(io::Error::other)?;
        Ok(Self::with(
            file.try_clone()?,
            len / stride,
            frame_len,
            stride,
        ))
    }

    fn with(file: File, count: usize, frame_len: usize, stride: usize) -> Self {
        Self {
            file,
            frame_len,
            stride,
            buffers: (0..count).map(|_| OnceLock::new()).collect(),
        }
    }

    /// Bytes of a frame.
    pub fn frame_len(&self) -> usize {
        self.frame_len
    }

    /// A frame as a DMA-BUF. Its pages are allocated by then, so that asking late costs less.
    pub fn buffer(&self, index: usize) -> io::Result<BorrowedFd<'_>> {
        let place = self.buffers.get(index).ok_or(Errno::INVAL)?;
        if let Some(buffer) = place.get() {
            return Ok(buffer.as_fd());
        }
        let create = Create {
            memfd: self.file.as_raw_fd().cast_unsigned(),
            flags: CLOEXEC,
            offset: (index * self.stride) as u64,
            size: self.stride as u64,
        };
        // SAFETY: see `Create`; the memfd is open, and udmabuf checks the range.
        let buffer = unsafe { ioctl(&open()?, create) }?;
        Ok(place.get_or_init(|| buffer).as_fd())
    }

    /// Writes a frame.
    pub fn write(
        &self,
        index: usize,
        paint: impl FnOnce(&mut [u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        if index >= self.buffers.len() {
            return Err(Errno::INVAL.into());
        }
        let offset = (index * self.stride) as u64;
        let mut map = Mapping::new(&self.file, offset, self.stride)?;
        paint(&mut map.bytes_mut()[..self.frame_len])
    }
}

/// Opens the device. It is not kept open: it is used a dozen times an activation.
pub fn open() -> io::Result<File> {
    OpenOptions::new().read(true).write(true).open(UDMABUF)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_the_bytes_that_the_header_makes() {
        let create = Create {
            memfd: 8,
            flags: CLOEXEC,
            offset: 0x1c_3000,
            size: 0x1c_3000,
        };
        // SAFETY: three fields that leave no gap.
        let bytes: [u8; 24] = unsafe { std::mem::transmute(create) };
        let expected = [
            8, 0, 0, 0, 1, 0, 0, 0, 0, 0x30, 0x1c, 0, 0, 0, 0, 0, 0, 0x30, 0x1c, 0, 0, 0, 0, 0,
        ];
        assert_eq!(bytes, expected);
        assert_eq!(create.opcode(), 0x4018_7542);
    }

    #[test]
    fn frames_lie_apart_by_whole_pages_and_are_written_alone() {
        let memory = Memory::new(3, 5000).unwrap();
        let fill = |frame: &mut [u8]| {
            assert_eq!(frame.len(), 5000);
            frame.fill(7);
            Ok(())
        };
        memory.write(1, fill).unwrap();
        assert!(memory.write(3, fill).is_err());
        let shared = Memory::with(memory.file.try_clone().unwrap(), 3, 5000, 8192);
        let mut seen = Vec::new();
        for index in 0..3 {
            shared
                .write(index, |frame| {
                    seen.push(frame.iter().all(|byte| *byte == 7));
                    Ok(())
                })
                .unwrap();
        }
        assert_eq!(seen, [false, true, false]);
    }

    #[test]
    fn memory_cannot_shrink_below_what_a_driver_reads() {
        let memory = Memory::new(2, 4096).unwrap();
        assert!(rustix::fs::ftruncate(&memory.file, 4096).is_err());
    }
}
