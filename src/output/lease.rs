//! The right to read a worker's slot.

use std::fs::File;
use std::sync::Arc;

/// Slots of memory that a worker fills with frames.
pub trait Slots: Send + Sync {
    /// The frame in a slot. Only called for a slot that was leased.
    fn pixels(&self, slot: u32) -> &[u8];

    /// The memory of all slots, which can't shrink, and the bytes from one slot to the next (whole
    /// pages).
    fn memory(&self) -> (&File, usize);

    /// The worker may write into the slot again.
    fn release(&self, slot: u32);
}

/// A slot that the worker doesn't write into. Dropping it releases the slot, on any thread.
pub struct Lease {
    slots: Arc<dyn Slots>,
    slot: u32,
}

impl Lease {
    /// Leases a slot; only [`Slots`] themselves know which ones can be.
    pub fn new(slots: Arc<dyn Slots>, slot: u32) -> Self {
        Self { slots, slot }
    }

    /// The slot's number.
    pub fn slot(&self) -> u32 {
        self.slot
    }

    /// All slots, of which it is one.
    pub fn slots(&self) -> &Arc<dyn Slots> {
        &self.slots
    }

    /// The frame in it.
    pub fn pixels(&self) -> &[u8] {
        self.slots.pixels(self.slot)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.slots.release(self.slot);
    }
}

#[cfg(test)]
pub mod tests {
    use std::sync::Mutex;

    use rustix::fs::{MemfdFlags, ftruncate, memfd_create};

    use super::*;
    use crate::mapping::Mapping;

    /// Slots of a page each, whose frames have this length.
    pub struct TestSlots {
        memory: File,
        mapping: Mapping,
        frame_len: usize,
        pub released: Mutex<Vec<u32>>,
    }

    const STRIDE: usize = 4096;

    impl TestSlots {
        pub fn new(count: u32, frame_len: usize) -> Arc<Self> {
            let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
            let memory = File::from(memfd_create("slots", flags).unwrap());
            let len = count as usize * STRIDE;
            ftruncate(&memory, len as u64).unwrap();
            Arc::new(Self {
                mapping: Mapping::read_only(&memory, len).unwrap(),
                memory,
                frame_len,
                released: Mutex::default(),
            })
        }

        /// Fills a slot like a worker, and leases it.
        pub fn fill(self: &Arc<Self>, slot: u32, value: u8) -> Arc<Lease> {
            self.write(slot, value);
            Arc::new(Lease::new(self.clone(), slot))
        }

        /// Writes into a slot like a worker.
        pub fn write(&self, slot: u32, value: u8) {
            let pixels = vec![value; self.frame_len];
            rustix::io::pwrite(&self.memory, &pixels, u64::from(slot) * STRIDE as u64).unwrap();
        }
    }

    impl Slots for TestSlots {
        fn pixels(&self, slot: u32) -> &[u8] {
            &self.mapping.bytes()[slot as usize * STRIDE..][..self.frame_len]
        }

        fn memory(&self) -> (&File, usize) {
            (&self.memory, STRIDE)
        }

        fn release(&self, slot: u32) {
            self.released.lock().unwrap().push(slot);
        }
    }

    #[test]
    fn a_slot_is_released_with_the_last_use_of_its_lease() {
        let slots = TestSlots::new(2, 64);
        let lease = slots.fill(1, 7);
        let kept = lease.clone();
        assert_eq!(lease.pixels(), [7; 64]);
        drop(lease);
        assert!(slots.released.lock().unwrap().is_empty());
        drop(kept);
        assert_eq!(*slots.released.lock().unwrap(), [1]);
    }
}
