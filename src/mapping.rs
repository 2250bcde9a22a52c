//! Memory shared with a driver or another process.

use std::fs::File;
use std::io;
use std::ptr::NonNull;
use std::sync::atomic::AtomicU64;

use rustix::fs::{
    FileType, MemfdFlags, SealFlags, fcntl_add_seals, fstat, ftruncate, memfd_create,
};
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

/// A shared mapping of part of a file. Other processes may change the memory at any time, so copy
/// bytes in and out, and never keep a reference to them.
#[derive(Debug)]
pub struct Mapping {
    start: NonNull<u8>,
    len: usize,
}

// SAFETY: plain memory that belongs to no thread, unmapped as a whole.
unsafe impl Send for Mapping {}
// SAFETY: as above. A shared reference only allows reading, or raw access through `start`.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Maps `len` bytes from `offset` for reading and writing.
    pub fn new(file: &File, offset: u64, len: usize) -> io::Result<Self> {
        Self::with(file, offset, len, ProtFlags::READ | ProtFlags::WRITE)
    }

    /// Maps the first `len` bytes for reading.
    pub fn read_only(file: &File, len: usize) -> io::Result<Self> {
        Self::with(file, 0, len, ProtFlags::READ)
    }

    fn with(file: &File, offset: u64, len: usize, access: ProtFlags) -> io::Result<Self> {
        ensure_within(file, offset, len)?;
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

    /// The address. The caller must ensure that no part is written by two threads.
    pub fn start(&self) -> NonNull<u8> {
        self.start
    }

    /// A 64-bit word, shared with other processes. Only for a mapping made by [`new`](Self::new).
    /// Panics if the number is out of range.
    pub fn word(&self, number: usize) -> &AtomicU64 {
        assert!(number < self.len / size_of::<AtomicU64>());
        // SAFETY: it lies within the mapping, which is page-aligned and lives as long as `self`.
        unsafe { AtomicU64::from_ptr(self.start.cast().add(number).as_ptr()) }
    }

    /// The bytes, which may change during reading: copy before checking them.
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: the mapping lives as long as `self`; bytes have no invalid value.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.len) }
    }

    /// The bytes for writing. Only for a mapping made by [`new`](Self::new).
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as above, and `&mut self` keeps this process's other references away.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.len) }
    }
}

/// Fresh memory to be shared, which neither side can shrink or grow under the other.
pub fn sealed_memfd(name: &str, len: usize) -> io::Result<File> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let memfd = memfd_create(name, flags)?;
    ftruncate(&memfd, len as u64)?;
    let seals = SealFlags::SHRINK | SealFlags::GROW;
    fcntl_add_seals(&memfd, seals)?;
    Ok(memfd.into())
}

/// Access beyond the end of a file would kill the process (`SIGBUS`). Devices have no end.
fn ensure_within(file: &File, offset: u64, len: usize) -> io::Result<()> {
    let stat = fstat(file)?;
    let has_end = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
    let end = offset.checked_add(len as u64);
    if has_end && end.is_none_or(|end| end > stat.st_size.cast_unsigned()) {
        let text = "the file is too short to be mapped";
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, text));
    }
    Ok(())
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: nothing can refer to the mapping any more; its range is exactly what was mapped.
        let _ = unsafe { munmap(self.start.as_ptr().cast(), self.len) };
    }
}
