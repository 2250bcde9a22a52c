//! Handing filled slots to the applet, and taking them back.

use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gstreamer::{self as gst, prelude::*};
use gstreamer_video::{self as gst_video, prelude::*};
use rustix::io::Errno;

use super::pool::SlotPool;
use super::protocol::send_filled;
use super::slots::{Lease, Slots};
use crate::settings::Plane;

/// What keeps a slot from being written while the applet has it.
enum Held {
    /// A buffer from upstream, whose memory is the slot.
    Buffer(#[expect(dead_code, reason = "held, not read")] gst::Buffer),
    /// A slot that the frame was copied into.
    Lease(#[expect(dead_code, reason = "held, not read")] Lease),
}

/// What became of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivered {
    /// Its slot is the applet's.
    InPlace,
    /// It was copied into a slot, which is the applet's.
    Copied,
    /// No slot was free, or nobody wants frames any more.
    Dropped,
}

/// The worker's side of the lending: which slots the applet has.
pub struct Handover {
    socket: Arc<OwnedFd>,
    slots: Arc<Slots>,
    planes: Vec<Plane>,
    /// One entry a slot; `Some` while the applet has it.
    held: Mutex<Vec<Option<Held>>>,
    closed: AtomicBool,
}

impl Handover {
    /// Lends these slots through this socket.
    pub fn new(socket: Arc<OwnedFd>, slots: Arc<Slots>) -> Self {
        Self {
            planes: slots.geometry().planes(),
            held: Mutex::new((0..slots.count()).map(|_| None).collect()),
            closed: AtomicBool::new(false),
            socket,
            slots,
        }
    }

    /// The slots that are lent.
    pub fn slots(&self) -> &Arc<Slots> {
        &self.slots
    }

    /// Drops every frame from now on: the picture is cut, the camera still has to close.
    pub fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
    }

    /// Whether any frame would be dropped now, so that there is no use in converting it.
    pub fn refuses(&self) -> bool {
        self.closed.load(Ordering::Relaxed) || self.lock_held().iter().all(Option::is_some)
    }

    /// Hands a frame over; `info` says how it lies in the buffer, and `pool`, where upstream has one,
    /// may keep slots that nobody uses. Never waits. Fails if the applet doesn't read.
    pub fn deliver(
        &self,
        buffer: &gst::Buffer,
        info: &gst_video::VideoInfo,
        pool: Option<&SlotPool>,
        captured: u64,
    ) -> rustix::io::Result<Delivered> {
        if self.closed.load(Ordering::Relaxed) {
            return Ok(Delivered::Dropped);
        }
        if let Some(slot) = self.slot_in_place(buffer) {
            self.hand_over(slot, Held::Buffer(buffer.clone()), captured)?;
            return Ok(Delivered::InPlace);
        }
        let copied = match (self.slots.lease(), pool) {
            (Some(lease), _) => self.copy_to_lease(buffer, info, lease),
            (None, Some(pool)) => self.copy_to_pool(buffer, info, pool),
            (None, None) => None,
        };
        let Some((slot, held)) = copied else {
            return Ok(Delivered::Dropped);
        };
        self.hand_over(slot, held, captured)?;
        Ok(Delivered::Copied)
    }

    /// Takes a slot back.
    pub fn free(&self, slot: u32) {
        // Dropped only after the lock is gone: it wakes whoever waits in the pool.
        let held = self
            .lock_held()
            .get_mut(slot as usize)
            .and_then(Option::take);
        if held.is_none() {
            tracing::warn!("slot {slot} was given back, but was not lent");
        }
    }

    /// The slot that the whole frame already lies in, if the applet doesn't have it yet: some
    /// elements push one buffer twice.
    fn slot_in_place(&self, buffer: &gst::BufferRef) -> Option<u32> {
        if buffer.n_memory() != 1 || !self.is_packed(buffer) {
            return None;
        }
        let slot = self.slots.index_of(buffer.peek_memory(0))?;
        self.lock_held()[slot as usize].is_none().then_some(slot)
    }

    /// Whether the frame's lines lie as the applet expects them. What says nothing lies so: pools
    /// over slots are only offered where that is GStreamer's own layout.
    fn is_packed(&self, buffer: &gst::BufferRef) -> bool {
        let whole = buffer.size() == self.slots.geometry().frame_len();
        whole
            && buffer
                .meta::<gst_video::VideoMeta>()
                .is_none_or(|meta| same_layout(&self.planes, meta.offset(), meta.stride()))
    }

    fn copy_to_lease(
        &self,
        buffer: &gst::BufferRef,
        info: &gst_video::VideoInfo,
        mut lease: Lease,
    ) -> Option<(u32, Held)> {
        copy_frame(buffer, info, &self.planes, lease.as_mut())?;
        Some((lease.index(), Held::Lease(lease)))
    }

    fn copy_to_pool(
        &self,
        buffer: &gst::BufferRef,
        info: &gst_video::VideoInfo,
        pool: &SlotPool,
    ) -> Option<(u32, Held)> {
        if !pool.is_active() {
            return None;
        }
        let now = gst::BufferPoolAcquireParams::with_flags(gst::BufferPoolAcquireFlags::DONTWAIT);
        let mut target = pool.acquire_buffer(Some(&now)).ok()?;
        let slot = self.slots.index_of(target.peek_memory(0))?;
        {
            let mut map = target.get_mut()?.map_writable().ok()?;
            copy_frame(buffer, info, &self.planes, &mut map)?;
        }
        Some((slot, Held::Buffer(target)))
    }

    /// One `send`, no allocation. The slot counts as lent before the applet can answer.
    fn hand_over(&self, slot: u32, held: Held, captured: u64) -> rustix::io::Result<()> {
        self.lock_held()[slot as usize] = Some(held);
        match send_filled(&*self.socket, slot, captured) {
            // An applet that is gone is the main loop's business, which then stops in good order.
            Ok(()) | Err(Errno::PIPE | Errno::CONNRESET | Errno::NOTCONN) => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn lock_held(&self) -> MutexGuard<'_, Vec<Option<Held>>> {
        // Each entry is replaced as a whole, so a panic elsewhere leaves nothing half done.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether these offsets and strides are those of the packed planes.
pub fn same_layout(planes: &[Plane], offsets: &[usize], strides: &[i32]) -> bool {
    planes.len() == offsets.len()
        && planes
            .iter()
            .zip(offsets)
            .zip(strides)
            .all(|((plane, &offset), &stride)| {
                plane.offset == offset && usize::try_from(stride) == Ok(plane.stride)
            })
}

/// Copies a frame to where it lies without padding; `None` if the buffer is no such frame.
fn copy_frame(
    buffer: &gst::BufferRef,
    info: &gst_video::VideoInfo,
    planes: &[Plane],
    target: &mut [u8],
) -> Option<()> {
    let frame = gst_video::VideoFrameRef::from_buffer_ref_readable(buffer, info).ok()?;
    for (index, plane) in (0..).zip(planes) {
        let source = frame.plane_data(index).ok()?;
        // Negative for pictures that lie upside down, which no raw format of ours does.
        let stride = usize::try_from(frame.plane_stride()[index as usize]).ok()?;
        let len = plane.stride * plane.rows;
        let target = target.get_mut(plane.offset..plane.offset + len)?;
        copy_plane(source, stride, plane.stride, target)?;
    }
    Some(())
}

/// Copies lines of `row` bytes that lie `stride` bytes apart; `None` if there are too few.
fn copy_plane(source: &[u8], stride: usize, row: usize, target: &mut [u8]) -> Option<()> {
    if stride == row {
        target.copy_from_slice(source.get(..target.len())?);
        return Some(());
    }
    let mut from = 0;
    for line in target.chunks_exact_mut(row) {
        line.copy_from_slice(source.get(from..from + row)?);
        from += stride;
    }
    Some(())
}
