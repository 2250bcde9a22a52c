//! Memory shared with a driver or a worker.

use std::fs::File;
use std::io;
use std::ptr::NonNull;

use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

/// A shared mapping of a part of a file. Others may read or write the same memory at any time, so
/// bytes are copied in and out, and no reference to them is ever handed to code that keeps it.
#[derive(Debug)]
pub struct Mapping {
    start: NonNull<u8>,
    len: usize,
}

impl Mapping {
    /// Maps `len` bytes from `offset` on, to be read and written.
    pub fn new(file: &File, offset: u64, len: usize) -> io::Result<Self> {
        Self::with(file, offset, len, ProtFlags::READ | ProtFlags::WRITE)
    }

    /// Maps the first `len` bytes, to be read.
    pub fn read_only(file: &File, len: usize) -> io::Result<Self> {
        Self::with(file, 0, len, ProtFlags::READ)
    }

    fn with(file: &File, offset: u64, len: usize, access: ProtFlags) -> io::Result<Self> {
        // SAFETY: a fresh mapping at an address of the kernel's choice touches no other memory.
        let start = unsafe {
            mmap(
                std::ptr::null_mut(),
                len,
                access,
                MapFlags::SHARED,
                file,
                offset,
            )
        }?;
        let start = NonNull::new(start.cast()).ok_or(io::ErrorKind::Other)?;
        Ok(Self { start, len })
    }

    /// The bytes. They may change while they are read: copy, don't decide by them.
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: the mapping lives as long as `self`; bytes have no invalid value.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.len) }
    }

    /// The bytes, to be written; only for a mapping made by [`new`](Self::new).
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as above, and `&mut self` keeps this process's other references away.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.len) }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: nothing can refer to the mapping any more; its range is exactly what was mapped.
        let _ = unsafe { munmap(self.start.as_ptr().cast(), self.len) };
    }
}
