//! A GStreamer buffer pool over the slots, so that elements upstream write straight into them.

use std::sync::Arc;

use gstreamer as gst;

use super::handover::Handover;
use super::waiting::without_waiting;

glib::wrapper! {
    /// A pool whose buffers are slots. It takes leases as it needs buffers, so several pools can
    /// share the slots, one after the other.
    pub struct SlotPool(ObjectSubclass<imp::SlotPool>) @extends gst::BufferPool, gst::Object;
}

impl SlotPool {
    /// A pool over all slots that are handed over here.
    pub fn new(handover: &Arc<Handover>) -> Self {
        let pool: Self = glib::Object::new();
        imp::SlotPool::bind(&pool, handover);
        pool
    }
}

mod imp {
    use std::sync::{OnceLock, Weak};

    use gstreamer::{self as gst, prelude::*, subclass::prelude::*};

    use super::{Arc, Handover, without_waiting};

    #[derive(Default)]
    pub struct SlotPool {
        /// It may hold our buffers, so we don't hold it.
        handover: OnceLock<Weak<Handover>>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for SlotPool {
        const NAME: &'static str = "LenscapSlotPool";
        type Type = super::SlotPool;
        type ParentType = gst::BufferPool;
    }

    impl ObjectImpl for SlotPool {}
    impl GstObjectImpl for SlotPool {}

    impl SlotPool {
        pub fn bind(pool: &super::SlotPool, handover: &Arc<Handover>) {
            // Called once, by the constructor.
            let _ = Self::from_obj(pool).handover.set(Arc::downgrade(handover));
        }

        fn handover(&self) -> Option<Arc<Handover>> {
            self.handover.get()?.upgrade()
        }
    }

    impl BufferPoolImpl for SlotPool {
        /// Holds the configuration to what the slots can give. As the contract of pools has it, a
        /// configuration that had to be changed is refused, and upstream takes the changed one or
        /// makes a pool of its own.
        fn set_config(&self, config: &mut gst::BufferPoolConfigRef) -> bool {
            let (Some(handover), Some((caps, size, min, max))) = (self.handover(), config.params())
            else {
                return false;
            };
            let slots = handover.slots();
            let frame_len = u32::try_from(slots.geometry().frame_len()).unwrap_or(u32::MAX);
            let count = slots.count();
            let fits = size == frame_len && min <= count;
            let most = if max == 0 { count } else { max.min(count) };
            config.set_params(caps.as_ref(), frame_len, min.min(count), most);
            self.parent_set_config(config) && fits
        }

        /// Gives a buffer out. Where there is none and upstream wants to wait for one, the applet has
        /// to know.
        fn acquire_buffer(
            &self,
            params: Option<&gst::BufferPoolAcquireParams>,
        ) -> Result<gst::Buffer, gst::FlowError> {
            let handover = self.handover().ok_or(gst::FlowError::Flushing)?;
            handover.reclaim();
            let dont_wait = gst::BufferPoolAcquireFlags::DONTWAIT;
            let waits = !params.is_some_and(|params| params.flags().contains(dont_wait));
            let pool = self.obj().clone().upcast();
            match self.parent_acquire_buffer(Some(&without_waiting())) {
                Err(gst::FlowError::Eos) if waits => handover.begin_wait(&pool),
                answer => return answer,
            }
            drop(handover); // a thread that waits must not keep it beyond the pipeline
            let acquired = self.parent_acquire_buffer(params);
            if let Some(handover) = self.handover() {
                handover.end_wait(&pool);
            }
            acquired
        }

        /// Makes a buffer of a free slot. With none free, `Eos` means "not now": the caller then
        /// waits for a buffer to be released, or gets that answer, as it wished.
        fn alloc_buffer(
            &self,
            _params: Option<&gst::BufferPoolAcquireParams>,
        ) -> Result<gst::Buffer, gst::FlowError> {
            let handover = self.handover().ok_or(gst::FlowError::NotSupported)?;
            let lease = handover.slots().lease().ok_or(gst::FlowError::Eos)?;
            let mut buffer = gst::Buffer::new();
            buffer
                .get_mut()
                .ok_or(gst::FlowError::Error)?
                .append_memory(lease.into_memory());
            Ok(buffer)
        }
    }
}

#[cfg(test)]
mod tests {
    use gstreamer::prelude::*;

    use super::*;
    use crate::capture::handover::tests::{Bench, packed};
    use crate::settings::PixelFormat;

    fn configure(pool: &SlotPool, size: u32, min: u32, max: u32) -> bool {
        let mut config = pool.config();
        config.set_params(None, size, min, max);
        pool.set_config(config).is_ok()
    }

    /// A pool over the slots, in use.
    fn active(bench: &Bench) -> SlotPool {
        let pool = SlotPool::new(&bench.handover);
        let frame_len = bench.handover.slots().geometry().frame_len();
        assert!(configure(&pool, frame_len.try_into().unwrap(), 0, 0));
        pool.set_active(true).unwrap();
        pool
    }

    fn acquire(pool: &SlotPool) -> Result<gst::Buffer, gst::FlowError> {
        pool.acquire_buffer(Some(&without_waiting()))
    }

    #[test]
    fn buffers_are_slots_and_come_back() {
        let bench = Bench::new(2, PixelFormat::Yuy2);
        let (slots, pool) = (bench.handover.slots(), active(&bench));
        let (first, second) = (acquire(&pool).unwrap(), acquire(&pool).unwrap());
        let index = |buffer: &gst::Buffer| slots.index_of(buffer.peek_memory(0));
        assert_eq!([index(&first), index(&second)], [Some(0), Some(1)]);
        assert_eq!(acquire(&pool).err(), Some(gst::FlowError::Eos));
        drop(first);
        assert_eq!(index(&acquire(&pool).unwrap()), Some(0));
    }

    #[test]
    fn more_than_there_is_gets_refused() {
        let bench = Bench::new(2, PixelFormat::Yuy2);
        let pool = SlotPool::new(&bench.handover);
        assert!(!configure(&pool, 64, 3, 0));
        assert!(!configure(&pool, 128, 0, 0));
        assert!(configure(&pool, 64, 2, 9));
        let (_, size, min, max) = pool.config().params().unwrap();
        assert_eq!((size, min, max), (64, 2, 2));
    }

    #[test]
    fn a_second_pool_takes_over() {
        let bench = Bench::new(1, PixelFormat::Yuy2);
        let [old, new] = [(); 2].map(|()| active(&bench));
        let buffer = acquire(&old).unwrap();
        assert_eq!(acquire(&new).err(), Some(gst::FlowError::Eos));
        old.set_active(false).unwrap();
        drop(buffer);
        assert!(acquire(&new).is_ok());
    }

    /// Rounds in which so many wait for a slot each, and all slots are released meanwhile.
    fn wait_for_slots(count: u32, rounds: u32) {
        let bench = Bench::new(count, PixelFormat::Yuy2);
        let pool = active(&bench);
        for _ in 0..rounds {
            let slots: Vec<_> = (0..count).map(|_| acquire(&pool).unwrap()).collect();
            for slot in slots {
                bench.deliver(&slot);
            }
            wait_while_released(&bench, &pool);
        }
    }

    /// Lets a thread wait in the pool for each slot, all of which the applet has, and releases them.
    fn wait_while_released(bench: &Bench, pool: &SlotPool) {
        let count = bench.handover.slots().count();
        let mut handed: Vec<_> = (0..count).map(|_| bench.filled().unwrap()).collect();
        handed.sort_unstable();
        assert_eq!(handed, (0..count).collect::<Vec<_>>());
        let waiting: Vec<_> = (0..count)
            .map(|_| {
                let pool = pool.clone();
                std::thread::spawn(move || pool.acquire_buffer(None))
            })
            .collect();
        // Whether they wait by now or are about to.
        for slot in handed {
            if bench.ledger.release(slot) {
                bench.handover.slot_released();
            }
        }
        for thread in waiting {
            thread.join().unwrap().unwrap();
        }
    }

    #[test]
    fn every_thread_that_waits_for_a_slot_gets_one() {
        wait_for_slots(2, 500);
    }

    #[test]
    fn a_thread_that_waits_gets_the_next_slot() {
        wait_for_slots(1, 1000);
    }

    /// Slots with copies in them are in no pool yet.
    #[test]
    fn a_thread_that_waits_gets_a_slot_that_had_a_copy() {
        let bench = Bench::new(2, PixelFormat::Nv12);
        for _ in 0..300 {
            let pool = active(&bench);
            for _ in 0..2 {
                bench.deliver(&packed());
            }
            wait_while_released(&bench, &pool);
            pool.set_active(false).unwrap();
        }
    }
}
