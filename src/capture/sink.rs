//! The end of the worker's pipeline: a sink that offers the slots as a buffer pool.

use std::sync::Arc;

use gstreamer as gst;
use gstreamer_base as gst_base;

use super::handover::Handover;

glib::wrapper! {
    /// Hands every frame over, as soon as it is there.
    pub struct SlotSink(ObjectSubclass<imp::SlotSink>)
        @extends gst_base::BaseSink, gst::Element, gst::Object;
}

impl SlotSink {
    /// A sink that delivers here. Needs GStreamer initialised.
    pub fn new(handover: Arc<Handover>) -> Self {
        // `sync`: a camera's frame is shown when it comes. `async`: a camera gives nothing before
        // it plays, so there is nothing to wait for. The last sample would keep a slot for ever.
        let sink: Self = glib::Object::builder()
            .property("name", "slots")
            .property("sync", false)
            .property("async", false)
            .property("qos", false)
            .property("enable-last-sample", false)
            .build();
        imp::SlotSink::bind(&sink, handover);
        sink
    }

    /// Wakes elements upstream that wait for a slot, and refuses further requests. To be called before the pipeline
    /// closes: the applet may never give a slot back now, and closing would wait for its own
    /// streaming thread.
    pub fn unblock_upstream(&self) {
        imp::SlotSink::unblock_upstream(self);
    }
}

mod imp {
    use std::sync::{LazyLock, Mutex, MutexGuard, OnceLock, PoisonError};

    use gst_base::subclass::prelude::*;
    use gstreamer::{self as gst, prelude::*};
    use gstreamer_base::{self as gst_base, prelude::*};
    use gstreamer_video as gst_video;

    use super::{Arc, Handover};
    use crate::capture::handover::same_layout;
    use crate::capture::pool::SlotPool;
    use crate::settings::PixelFormat;

    /// What upstream and the sink agreed on.
    #[derive(Default)]
    struct Agreed {
        info: Option<gst_video::VideoInfo>,
        /// The pool that was offered last.
        pool: Option<SlotPool>,
    }

    #[derive(Default)]
    pub struct SlotSink {
        handover: OnceLock<Arc<Handover>>,
        agreed: Mutex<Agreed>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for SlotSink {
        const NAME: &'static str = "LenscapSlotSink";
        type Type = super::SlotSink;
        type ParentType = gst_base::BaseSink;
    }

    impl ObjectImpl for SlotSink {}
    impl GstObjectImpl for SlotSink {}

    impl SlotSink {
        pub fn bind(sink: &super::SlotSink, handover: Arc<Handover>) {
            // Called once, by the constructor.
            let _ = Self::from_obj(sink).handover.set(handover);
        }

        pub fn unblock_upstream(sink: &super::SlotSink) {
            let pool = Self::from_obj(sink).agreed().pool.clone();
            if let Some(pool) = pool.filter(SlotPool::is_active) {
                pool.set_flushing(true);
            }
        }

        fn agreed(&self) -> MutexGuard<'_, Agreed> {
            // Both fields are replaced as a whole.
            self.agreed.lock().unwrap_or_else(PoisonError::into_inner)
        }

        /// A pool for these frames. Where GStreamer pads lines and the applet wants none (odd
        /// widths), frames are copied, but a pool there must be: icamerasrc crashes without one.
        fn pool_for(&self, info: &gst_video::VideoInfo) -> (gst::BufferPool, u32) {
            let Some(handover) = self.handover.get() else {
                return (gst::BufferPool::new(), 0);
            };
            let geometry = handover.slots().geometry();
            let packed = info.size() == geometry.frame_len()
                && same_layout(&geometry.planes(), info.offset(), info.stride());
            if !packed {
                return (gst::BufferPool::new(), 0);
            }
            let pool = SlotPool::new(handover);
            self.agreed().pool = Some(pool.clone());
            (pool.upcast(), handover.slots().count())
        }

        /// When the frame was captured, in nanoseconds of `CLOCK_MONOTONIC`; 0 if unknown.
        fn captured(&self, buffer: &gst::BufferRef) -> u64 {
            let element = self.obj();
            let segment = element.segment();
            buffer
                .pts()
                .zip(segment.downcast_ref::<gst::ClockTime>())
                .and_then(|(pts, segment)| segment.to_running_time(pts))
                .zip(element.base_time())
                .filter(|_| element.clock().is_some_and(|clock| is_monotonic(&clock)))
                .map_or(0, |(running, base)| (running + base).nseconds())
        }
    }

    /// Whether the clock is GStreamer's system clock, running on `CLOCK_MONOTONIC`.
    fn is_monotonic(clock: &gst::Clock) -> bool {
        clock.is::<gst::SystemClock>()
            && clock.property::<gst::ClockType>("clock-type") == gst::ClockType::Monotonic
    }

    impl ElementImpl for SlotSink {
        fn metadata() -> Option<&'static gst::subclass::ElementMetadata> {
            static METADATA: LazyLock<gst::subclass::ElementMetadata> = LazyLock::new(|| {
                gst::subclass::ElementMetadata::new(
                    "Slot sink",
                    "Sink/Video",
                    "Fills the applet's frame slots",
                    "The Lenscap authors",
                )
            });
            Some(&METADATA)
        }

        fn pad_templates() -> &'static [gst::PadTemplate] {
            static TEMPLATES: LazyLock<Vec<gst::PadTemplate>> = LazyLock::new(|| {
                let formats = PixelFormat::ALL.map(PixelFormat::name);
                let caps = gst::Caps::builder("video/x-raw")
                    .field("format", gst::List::new(formats))
                    .build();
                // Name and caps are constants.
                gst::PadTemplate::new(
                    "sink",
                    gst::PadDirection::Sink,
                    gst::PadPresence::Always,
                    &caps,
                )
                .into_iter()
                .collect()
            });
            TEMPLATES.as_ref()
        }
    }

    impl BaseSinkImpl for SlotSink {
        fn set_caps(&self, caps: &gst::Caps) -> Result<(), gst::LoggableError> {
            let info = gst_video::VideoInfo::from_caps(caps)
                .map_err(|_| gst::loggable_error!(gst::CAT_RUST, "no raw video: {caps}"))?;
            self.agreed().info = Some(info);
            Ok(())
        }

        fn propose_allocation(
            &self,
            query: &mut gst::query::Allocation,
        ) -> Result<(), gst::LoggableError> {
            let (Some(caps), _) = query.get_owned() else {
                return Err(gst::loggable_error!(
                    gst::CAT_RUST,
                    "allocation without caps"
                ));
            };
            let info = gst_video::VideoInfo::from_caps(&caps)
                .map_err(|_| gst::loggable_error!(gst::CAT_RUST, "no raw video: {caps}"))?;
            let size = u32::try_from(info.size())
                .map_err(|_| gst::loggable_error!(gst::CAT_RUST, "frames too large: {caps}"))?;
            let (pool, most) = self.pool_for(&info);
            let mut config = pool.config();
            config.set_params(Some(&caps), size, 0, most);
            pool.set_config(config)?;
            query.add_allocation_pool(Some(&pool), size, 0, most);
            // Padded lines in a buffer of upstream's own are fine: they are copied line by line.
            query.add_allocation_meta::<gst_video::VideoMeta>(None);
            Ok(())
        }

        fn render(&self, buffer: &gst::Buffer) -> Result<gst::FlowSuccess, gst::FlowError> {
            let handover = self.handover.get().ok_or(gst::FlowError::NotSupported)?;
            let captured = self.captured(buffer);
            let agreed = self.agreed();
            let info = agreed.info.as_ref().ok_or(gst::FlowError::NotNegotiated)?;
            let pool = agreed.pool.as_ref().map(Cast::upcast_ref);
            let delivered = handover.deliver(buffer, info, pool, captured);
            drop(agreed);
            if let Err(error) = delivered {
                gst::element_imp_error!(
                    self,
                    gst::ResourceError::Write,
                    ["no frame taken: {error}"]
                );
                return Err(gst::FlowError::Error);
            }
            Ok(gst::FlowSuccess::Ok)
        }
    }
}

#[cfg(test)]
mod tests {
    use gstreamer::prelude::*;
    use gstreamer_video as gst_video;

    use super::*;
    use crate::capture::handover::tests::Bench;
    use crate::capture::pool::SlotPool;
    use crate::settings::PixelFormat;

    /// What the sink answers to upstream's question for a pool, for lines of this width.
    fn offered(width: i32) -> gst::query::Allocation<gst::Query> {
        let bench = Bench::new(3, PixelFormat::Nv12);
        let sink = SlotSink::new(Arc::clone(&bench.handover));
        let caps = gst::Caps::builder("video/x-raw")
            .field("format", "NV12")
            .field("width", width)
            .field("height", 2)
            .field("framerate", gst::Fraction::new(30, 1))
            .build();
        let mut query = gst::query::Allocation::new(Some(&caps), true);
        assert!(sink.static_pad("sink").unwrap().query(&mut query));
        query
    }

    #[test]
    fn the_slots_are_offered_as_a_pool() {
        let query = offered(16);
        let pools: Vec<_> = query.allocation_pools().collect();
        assert_eq!(pools.len(), 1);
        let (pool, size, min, max) = &pools[0];
        assert!(pool.as_ref().unwrap().is::<SlotPool>());
        assert_eq!((*size, *min, *max), (48, 0, 3));
        assert!(
            query
                .find_allocation_meta::<gst_video::VideoMeta>()
                .is_some()
        );
    }

    #[test]
    fn a_layout_that_is_not_ours_gets_a_pool_all_the_same() {
        let query = offered(18);
        let (pool, size, ..) = query.allocation_pools().next().unwrap();
        let pool = pool.unwrap();
        assert!(!pool.is::<SlotPool>());
        assert_eq!(size, 60);
        pool.set_active(true).unwrap();
        assert_eq!(pool.acquire_buffer(None).unwrap().size(), 60);
    }
}
