//! The frame slots, and which of them are leased within the worker.

use std::fs::File;
use std::io;
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::mapping::Mapping;
use crate::settings::Geometry;
use gstreamer as gst;

/// The slots of one activation. Writing into one takes a [`Lease`].
pub struct Slots {
    memory: Mapping,
    geometry: Geometry,
    /// Bytes from one slot to the next.
    stride: usize,
    /// Slots without a lease. The last one freed is the first one taken: its lines are still cached.
    free: Mutex<Vec<u32>>,
    /// The GStreamer memory that wraps each slot, if there is one; only ever compared.
    memories: Box<[AtomicPtr<gst::ffi::GstMemory>]>,
}

impl Slots {
    /// Maps `count` slots, `stride` bytes apart, of frames of this geometry. Fails if the memory is
    /// too small for them.
    pub fn map(
        memory: &File,
        count: u32,
        stride: usize,
        geometry: Geometry,
    ) -> io::Result<Arc<Self>> {
        if stride < geometry.frame_len() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let len = stride.checked_mul(count as usize);
        let len = len.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(Arc::new(Self {
            memory: Mapping::new(memory, 0, len)?,
            geometry,
            stride,
            free: Mutex::new((0..count).rev().collect()),
            memories: (0..count).map(|_| AtomicPtr::default()).collect(),
        }))
    }

    /// How many slots there are.
    pub fn count(&self) -> u32 {
        // It came as a u32.
        u32::try_from(self.memories.len()).unwrap_or(u32::MAX)
    }

    /// The shape of the frames; they lie in the slots without padding.
    pub fn geometry(&self) -> Geometry {
        self.geometry
    }

    /// Leases a free slot; `None` if there is none.
    pub fn lease(self: &Arc<Self>) -> Option<Lease> {
        let index = self.lock_free().pop()?;
        Some(Lease {
            slots: Arc::clone(self),
            index,
        })
    }

    /// The slot that this memory wraps: the very object that [`Lease::into_memory`] made, not a part
    /// or a copy of it.
    pub fn index_of(&self, memory: &gst::MemoryRef) -> Option<u32> {
        let wanted = memory.as_ptr().cast_mut();
        let index = self
            .memories
            .iter()
            .position(|known| known.load(Ordering::Acquire) == wanted)?;
        u32::try_from(index).ok()
    }

    fn lock_free(&self) -> std::sync::MutexGuard<'_, Vec<u32>> {
        // A list of numbers is whole whenever a panic could strike.
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The sole right to write into a slot; released when dropped.
pub struct Lease {
    slots: Arc<Slots>,
    index: u32,
}

impl Lease {
    /// The slot's number.
    pub fn index(&self) -> u32 {
        self.index
    }

    /// The slot as memory that GStreamer elements can write into. The lease ends with it.
    pub fn into_memory(self) -> gst::Memory {
        let slots = Arc::clone(&self.slots);
        let index = self.index as usize;
        let memory = gst::Memory::from_mut_slice(self);
        slots.memories[index].store(memory.as_ptr().cast_mut(), Ordering::Release);
        memory
    }
}

impl AsMut<[u8]> for Lease {
    /// The frame's bytes, without the padding up to the next slot.
    fn as_mut(&mut self) -> &mut [u8] {
        let slots = &self.slots;
        // SAFETY: `map` checked that every slot lies within the mapping and holds a frame; a slot
        // has one lease, which is borrowed mutably.
        unsafe {
            let start = slots.memory.start().add(self.index as usize * slots.stride);
            std::slice::from_raw_parts_mut(start.as_ptr(), slots.geometry.frame_len())
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.slots.memories[self.index as usize].store(ptr::null_mut(), Ordering::Release);
        self.slots.lock_free().push(self.index);
    }
}

#[cfg(test)]
pub(super) mod tests {
    use rustix::fs::{MemfdFlags, ftruncate, memfd_create};

    use super::*;
    use crate::settings::PixelFormat;

    fn memory(len: u64) -> File {
        let memory = memfd_create("slots", MemfdFlags::CLOEXEC).unwrap();
        ftruncate(&memory, len).unwrap();
        memory.into()
    }

    /// Slots of 16×2 pixels in this format.
    pub(in crate::capture) fn small(count: u32, format: PixelFormat) -> Arc<Slots> {
        gst::init().unwrap();
        let geometry = Geometry {
            format,
            width: 16,
            height: 2,
        };
        let memory = memory(u64::from(count) * 4096);
        Slots::map(&memory, count, 4096, geometry).unwrap()
    }

    #[test]
    fn a_slot_has_one_lease() {
        let slots = small(2, PixelFormat::Yuy2);
        let (first, second) = (slots.lease().unwrap(), slots.lease().unwrap());
        assert_ne!(first.index(), second.index());
        assert!(slots.lease().is_none());
        drop(first);
        assert!(slots.lease().is_some());
    }

    #[test]
    fn a_lease_lives_as_long_as_the_memory_around_it() {
        let slots = small(1, PixelFormat::Yuy2);
        let memory = slots.lease().unwrap().into_memory();
        assert_eq!(memory.size(), 64);
        assert_eq!(slots.index_of(&memory), Some(0));
        assert_eq!(slots.index_of(&memory.share(0..4)), None);
        let part = memory.share(0..4);
        drop(memory);
        assert!(slots.lease().is_none());
        drop(part);
        assert!(slots.lease().is_some());
    }

    #[test]
    fn memory_that_is_too_small_is_refused() {
        let slots = small(1, PixelFormat::Yuy2);
        let geometry = slots.geometry();
        let memory = memory(4096);
        assert!(Slots::map(&memory, 1, 4096, geometry).is_ok());
        assert!(Slots::map(&memory, 2, 4096, geometry).is_err());
        assert!(Slots::map(&memory, 1, 60, geometry).is_err());
        assert!(Slots::map(&memory, 0, 4096, geometry).is_err());
        assert!(Slots::map(&memory, u32::MAX, usize::MAX, geometry).is_err());
    }
}
