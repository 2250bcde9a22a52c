//! The pools in which threads wait for a slot.

use std::sync::{Mutex, MutexGuard, PoisonError};

use gstreamer::{self as gst, prelude::*};

/// Pools with threads that wait in them, once a thread.
#[derive(Default)]
pub struct WaitingPools(Mutex<Vec<gst::BufferPool>>);

impl WaitingPools {
    pub fn add(&self, pool: &gst::BufferPool) {
        self.lock().push(pool.clone());
    }

    pub fn remove(&self, pool: &gst::BufferPool) {
        let mut pools = self.lock();
        if let Some(at) = pools.iter().position(|other| other == pool) {
            pools.swap_remove(at);
        }
    }

    pub fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// Wakes the threads while slots have no lease. A pool only notices buffers that come back to it, so
    /// it gets those made of such slots.
    pub fn offer_leases(&self) {
        // The lock is gone by then: a pool may wake a thread that removes it.
        let pools = self.lock().clone();
        for pool in pools {
            let acquire = || pool.acquire_buffer(Some(&without_waiting())).ok();
            let buffers: Vec<_> = std::iter::from_fn(acquire).collect();
            drop(buffers);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<gst::BufferPool>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// For a buffer that is there now, or none.
pub fn without_waiting() -> gst::BufferPoolAcquireParams {
    gst::BufferPoolAcquireParams::with_flags(gst::BufferPoolAcquireFlags::DONTWAIT)
}
