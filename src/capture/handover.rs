//! Handing filled slots to the applet, and reclaiming them.

use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gstreamer::{self as gst, prelude::*};
use gstreamer_video::{self as gst_video, prelude::*};
use rustix::io::Errno;

use super::ledger::Ledger;
use super::protocol::send_filled;
use super::slots::{Lease, Slots};
use super::waiting::{WaitingPools, without_waiting};
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
    /// No slot was free, or no frames are wanted any more.
    Dropped,
}

/// The worker's side of the slots: which of them the applet has.
pub struct Handover {
    socket: Arc<OwnedFd>,
    ledger: Ledger,
    slots: Arc<Slots>,
    planes: Vec<Plane>,
    /// One entry a slot; `Some` while the applet has it.
    held: Mutex<Vec<Option<Held>>>,
    closed: AtomicBool,
    waiting: WaitingPools,
}

impl Handover {
    /// Hands these slots over through this socket, and reclaims them as the ledger shows.
    pub fn new(socket: Arc<OwnedFd>, slots: Arc<Slots>, ledger: Ledger) -> Self {
        Self {
            planes: slots.geometry().planes(),
            held: Mutex::new((0..slots.count()).map(|_| None).collect()),
            closed: AtomicBool::new(false),
            waiting: WaitingPools::default(),
            socket,
            ledger,
            slots,
        }
    }

    /// All slots.
    pub fn slots(&self) -> &Arc<Slots> {
        &self.slots
    }

    /// Drops every frame from now on: the picture is cut, the camera still has to close.
    pub fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
    }

    /// Whether any frame would be dropped now, so that there is no use in converting it.
    pub fn refuses(&self) -> bool {
        self.reclaim();
        self.closed.load(Ordering::Relaxed) || self.lock_held().iter().all(Option::is_some)
    }

    /// Takes every slot back but these (a bit each), since the applet will read none of them again.
    /// Elements that wait for one go on, and can end their stream in good order.
    pub fn reclaim_all_but(&self, kept: u64) {
        let is_kept = |slot: usize| u32::try_from(slot).is_ok_and(|slot| is_in(kept, slot));
        // Dropped only after the lock is gone, as below.
        let held: Vec<_> = self
            .lock_held()
            .iter_mut()
            .enumerate()
            .filter(|(slot, _)| !is_kept(*slot))
            .map(|(_, held)| held.take())
            .collect();
        drop(held);
        self.waiting.offer_leases();
    }

    /// Hands a frame over; `info` says how it lies in the buffer, and `pool`, where upstream has one,
    /// may keep unused slots. Never waits. Fails if the applet doesn't read.
    pub fn deliver(
        &self,
        buffer: &gst::Buffer,
        info: &gst_video::VideoInfo,
        pool: Option<&gst::BufferPool>,
        captured: u64,
    ) -> rustix::io::Result<Delivered> {
        if self.closed.load(Ordering::Relaxed) {
            return Ok(Delivered::Dropped);
        }
        self.reclaim();
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

    /// Takes back the slots that the applet has released.
    pub fn reclaim(&self) {
        let slots = self.ledger.drain();
        (0..u64::BITS)
            .filter(|slot| is_in(slots, *slot))
            .for_each(|slot| self.free(slot));
    }

    /// A thread is about to wait in this pool for a slot: requests a message for the next one that is
    /// released, if none was until now.
    pub fn begin_wait(&self, pool: &gst::BufferPool) {
        self.waiting.add(pool);
        self.request_slot();
    }

    /// A thread waits no longer.
    pub fn end_wait(&self, pool: &gst::BufferPool) {
        self.waiting.remove(pool);
    }

    /// The applet has reported that a slot was released. Others may still wait after it is taken.
    pub fn slot_released(&self) {
        self.reclaim();
        if !self.waiting.is_empty() {
            self.request_slot();
        }
    }

    fn request_slot(&self) {
        self.ledger.request_wakeup();
        self.reclaim();
    }

    fn free(&self, slot: u32) {
        // Dropped only after the lock is gone: it wakes threads that wait in the pool.
        let held = self
            .lock_held()
            .get_mut(slot as usize)
            .and_then(Option::take);
        // After the stop all were taken back, and the applet may not know it yet.
        if held.is_none() && !self.closed.load(Ordering::Relaxed) {
            tracing::warn!("slot {slot} was released, but the applet didn't have it");
        }
        if matches!(held, Some(Held::Lease(_))) {
            drop(held);
            self.waiting.offer_leases();
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

    /// Whether the frame's lines lie as the applet expects them. Without a description it does: pools
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
        pool: &gst::BufferPool,
    ) -> Option<(u32, Held)> {
        if !pool.is_active() {
            return None;
        }
        let mut target = pool.acquire_buffer(Some(&without_waiting())).ok()?;
        let slot = self.slots.index_of(target.peek_memory(0))?;
        {
            let mut map = target.get_mut()?.map_writable().ok()?;
            copy_frame(buffer, info, &self.planes, &mut map)?;
        }
        Some((slot, Held::Buffer(target)))
    }

    /// One `send`, no allocation. The slot counts as the applet's before that can answer.
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

/// Whether a set of slots, a bit each, has this one.
fn is_in(slots: u64, slot: u32) -> bool {
    slots.checked_shr(slot).is_some_and(|rest| rest & 1 == 1)
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

#[cfg(test)]
pub(super) mod tests {
    use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};

    use super::*;
    use crate::capture::ledger::tests::both;
    use crate::capture::pool::SlotPool;
    use crate::capture::protocol::{FromWorker, Received, receive_from_worker};
    use crate::capture::slots::tests::small;
    use crate::settings::PixelFormat;

    /// A handover of frames of 16×2 pixels, with the applet's ends of what they share.
    pub(in crate::capture) struct Bench {
        pub handover: Arc<Handover>,
        applet: OwnedFd,
        pub ledger: Ledger,
        info: gst_video::VideoInfo,
    }

    impl Bench {
        pub fn new(slots: u32, format: PixelFormat) -> Self {
            let (applet, socket) = socketpair(
                AddressFamily::UNIX,
                SocketType::SEQPACKET,
                SocketFlags::CLOEXEC,
                None,
            )
            .unwrap();
            let slots = small(slots, format);
            let info = gst_video::VideoInfo::builder(gst_video::VideoFormat::Nv12, 16, 2);
            let (ledger, theirs) = both();
            Self {
                handover: Arc::new(Handover::new(Arc::new(socket), slots, theirs)),
                applet,
                ledger,
                info: info.build().unwrap(),
            }
        }

        pub fn deliver(&self, buffer: &gst::Buffer) -> Delivered {
            self.handover.deliver(buffer, &self.info, None, 7).unwrap()
        }

        pub fn filled(&self) -> Option<u32> {
            match receive_from_worker(&self.applet) {
                Received::Message(FromWorker::Filled(slot, 7)) => Some(slot),
                Received::Empty => None,
                other => panic!("{other:?}"),
            }
        }

        fn free(&self, slot: u32) -> bool {
            self.ledger.release(slot)
        }

        /// The frame in a slot that was released.
        fn frame(&self, slot: u32) -> Vec<u8> {
            self.free(slot);
            self.handover.reclaim();
            let mut lease = self.handover.slots.lease().unwrap();
            assert_eq!(lease.index(), slot);
            lease.as_mut().to_vec()
        }

        /// A pool over the slots, as upstream would have set it up.
        fn pool(&self) -> SlotPool {
            let pool = SlotPool::new(&self.handover);
            let mut config = pool.config();
            config.set_params(None, 48, self.handover.slots().count(), 0);
            pool.set_config(config).unwrap();
            pool.set_active(true).unwrap();
            pool
        }
    }

    pub(in crate::capture) fn packed() -> gst::Buffer {
        gst::Buffer::from_slice((0..48).collect::<Vec<u8>>())
    }

    #[test]
    fn a_stop_leaves_the_slots_that_are_kept() {
        let bench = Bench::new(3, PixelFormat::Nv12);
        for _ in 0..3 {
            bench.deliver(&packed());
        }
        bench.handover.reclaim_all_but(0b010);
        let slots = bench.handover.slots();
        let leases: Vec<_> = std::iter::from_fn(|| slots.lease()).collect();
        let mut free: Vec<_> = leases.iter().map(Lease::index).collect();
        free.sort_unstable();
        assert_eq!(free, [0, 2]);
    }

    #[test]
    fn a_slot_from_upstream_is_handed_over_as_it_is() {
        let bench = Bench::new(2, PixelFormat::Nv12);
        let pool = bench.pool();
        let buffer = pool.acquire_buffer(None).unwrap();
        assert_eq!(bench.deliver(&buffer), Delivered::InPlace);
        assert_eq!(bench.filled(), Some(0));
        // The other slot waits in the pool; this one comes back only when the applet gives it.
        drop(buffer);
        let other = pool.acquire_buffer(None).unwrap();
        let now = without_waiting();
        assert!(pool.acquire_buffer(Some(&now)).is_err());
        bench.free(0);
        assert!(pool.acquire_buffer(Some(&now)).is_ok());
        drop(other);
    }

    #[test]
    fn a_buffer_that_comes_twice_is_copied() {
        let bench = Bench::new(2, PixelFormat::Nv12);
        let mut buffer = gst::Buffer::new();
        let lease = bench.handover.slots.lease().unwrap();
        buffer.get_mut().unwrap().append_memory(lease.into_memory());
        assert_eq!(bench.deliver(&buffer), Delivered::InPlace);
        assert_eq!(bench.deliver(&buffer), Delivered::Copied);
        assert_eq!(bench.deliver(&buffer), Delivered::Dropped);
        assert_eq!([bench.filled(), bench.filled()], [Some(0), Some(1)]);
    }

    #[test]
    fn slots_that_idle_in_a_pool_take_copies() {
        let bench = Bench::new(1, PixelFormat::Nv12);
        let pool = bench.pool();
        let deliver = || {
            bench
                .handover
                .deliver(&packed(), &bench.info, Some(pool.upcast_ref()), 7)
        };
        assert_eq!(bench.deliver(&packed()), Delivered::Dropped);
        assert_eq!(deliver().unwrap(), Delivered::Copied);
        assert_eq!(deliver().unwrap(), Delivered::Dropped);
    }

    #[test]
    fn padding_is_left_behind() {
        let bench = Bench::new(1, PixelFormat::Nv12);
        // Lines of 20 bytes instead of 16, and the second plane 8 bytes further on.
        let mut bytes = vec![255; 100];
        for (line, start) in [0, 20, 48].into_iter().enumerate() {
            bytes[start..start + 16].fill(u8::try_from(line).unwrap());
        }
        let mut buffer = gst::Buffer::from_mut_slice(bytes);
        gst_video::VideoMeta::add_full(
            buffer.get_mut().unwrap(),
            gst_video::VideoFrameFlags::empty(),
            gst_video::VideoFormat::Nv12,
            16,
            2,
            &[0, 48],
            &[20, 20],
        )
        .unwrap();
        assert_eq!(bench.deliver(&buffer), Delivered::Copied);
        let slot = bench.filled().unwrap();
        assert_eq!(bench.frame(slot), [[0; 16], [1; 16], [2; 16]].concat());
    }

    #[test]
    fn what_is_no_whole_frame_is_dropped() {
        let bench = Bench::new(1, PixelFormat::Nv12);
        let short = gst::Buffer::from_slice([0; 47]);
        assert_eq!(bench.deliver(&short), Delivered::Dropped);
        assert_eq!(bench.filled(), None);
        assert_eq!(bench.deliver(&packed()), Delivered::Copied);
    }

    #[test]
    fn after_the_end_frames_are_refused() {
        let bench = Bench::new(1, PixelFormat::Nv12);
        assert!(!bench.handover.refuses());
        assert_eq!(bench.deliver(&packed()), Delivered::Copied);
        assert!(bench.handover.refuses());
        bench.free(0);
        assert!(!bench.handover.refuses());
        bench.handover.close();
        assert!(bench.handover.refuses());
        assert_eq!(bench.deliver(&packed()), Delivered::Dropped);
    }

    #[test]
    fn an_applet_that_does_not_read_is_an_error_and_one_that_is_gone_is_not() {
        let mut bench = Bench::new(1, PixelFormat::Nv12);
        let full = (0..100_000).find_map(|_| {
            let error = bench
                .handover
                .deliver(&packed(), &bench.info, None, 7)
                .err();
            bench.free(0);
            error
        });
        assert_eq!(full, Some(Errno::AGAIN));
        bench.applet = std::fs::File::open("/dev/null").unwrap().into();
        assert_eq!(bench.deliver(&packed()), Delivered::Copied);
    }
}
