//! Memory shared with a driver or another process.

use std::fs::File;
use std::io;
use std::ptr::NonNull;
use std::sync::atomic::AtomicU64;

use rustix::fs::{
    FileType, MemfdFlags, SealFlags, fcntl_add_seals, fstat, ftruncate, memfd_create,
};
use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap, munmap};

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
        keep_out_of_core_dumps(start.as_ptr(), len);
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

/// Keeps the pages of this memory out of core dumps, in which camera frames would stay on disk.
pub fn keep_out_of_core_dumps(start: *mut u8, len: usize) {
    let before = start.addr() % rustix::param::page_size();
    let first = start.wrapping_sub(before);
    // SAFETY: it changes no byte of the memory, and pages that are not mapped are refused.
    if let Err(error) = unsafe { madvise(first.cast(), len + before, Advice::LinuxDontDump) } {
        tracing::debug!("frames will be in core dumps: {error}");
    }
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

#[cfg(test)]
pub mod tests {
    use super::*;

    /// Whether a core dump would hold the memory at this address (`dd` in `/proc/PID/smaps`).
    pub fn is_dumped(start: *mut u8) -> bool {
        let smaps = std::fs::read_to_string("/proc/self/smaps").unwrap();
        let holds = |line: &&str| {
            let range = line
                .split(' ')
                .next()
                .and_then(|range| range.split_once('-'));
            let bound = |text| usize::from_str_radix(text, 16).ok();
            range
                .and_then(|(first, end)| Some(bound(first)?..bound(end)?))
                .is_some_and(|range| range.contains(&start.addr()))
        };
        let mut lines = smaps.lines().skip_while(|line| !holds(line));
        let flags = lines.find_map(|line| line.strip_prefix("VmFlags:"));
        let flags = flags.expect("it is mapped");
        flags.split_whitespace().all(|flag| flag != "dd")
    }

    #[test]
    fn shared_memory_stays_out_of_core_dumps() {
        let memory = sealed_memfd("frames", 4096).unwrap();
        let writable = Mapping::new(&memory, 0, 4096).unwrap();
        let readable = Mapping::read_only(&memory, 4096).unwrap();
        assert!(!is_dumped(writable.start().as_ptr()));
        assert!(!is_dumped(readable.start().as_ptr()));
    }
}
