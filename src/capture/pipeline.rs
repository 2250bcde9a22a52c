//! The worker's pipeline: `source [! clocksync] ! videoconvert [! videoflip] ! capsfilter ! slots`.
//!
//! The converter is always present, because some sources need a downstream pool to start. If formats
//! agree, it passes everything through, including the allocation query, so that the source can write
//! directly to the slots. The flip comes after it, where only the outputs' formats occur. A pipeline
//! described by the user may play a file, which only the clock slows down.

use std::sync::Arc;

use gstreamer::{self as gst, prelude::*};

use super::diagnosis;
use super::handover::Handover;
use super::sink::SlotSink;
use crate::relay::Fault;
use crate::settings::{Geometry, SourceSpec, Transform, n_};
use crate::source::{self, Wanted};

/// A pipeline, without its source until it is opened.
pub struct Pipeline {
    elements: gst::Pipeline,
    /// The first element after the source.
    head: gst::Element,
    /// Delays frames to their timestamps, if the source may not be live.
    clock_sync: Option<gst::Element>,
    sink: SlotSink,
}

impl Pipeline {
    /// Builds everything but the source, and loads the source's plugins. Opens no device.
    pub fn warm(
        spec: &SourceSpec,
        transform: Transform,
        handover: &Arc<Handover>,
    ) -> Result<Self, Fault> {
        load(&source::factories(spec));
        let elements = gst::Pipeline::with_name("lenscap");
        // Makes timestamps CLOCK_MONOTONIC, even if a source provides another clock.
        elements.use_clock(Some(&gst::SystemClock::obtain()));
        let converter = converter()?;
        drop_unwanted_frames(&converter, handover);
        let clock_sync = match spec {
            SourceSpec::Pipeline(_) => Some(clock_sync()?),
            _ => None,
        };
        let mut chain: Vec<_> = clock_sync.iter().cloned().chain([converter]).collect();
        chain.extend(flip(transform)?);
        chain.push(caps_filter(handover.slots().geometry())?);
        let sink = SlotSink::new(Arc::clone(handover));
        chain.push(sink.clone().upcast());
        elements.add_many(&chain).map_err(wiring)?;
        link(&chain)?;
        let pipeline = Self {
            elements,
            head: chain.swap_remove(0),
            clock_sync,
            sink,
        };
        pipeline.preload()?;
        Ok(pipeline)
    }

    /// Links a dummy source, removes it again, and sets the rest to ready. Code that has run once is in
    /// memory, which halves the time from `Open` to the camera's driver; this happens during the
    /// activation delay.
    fn preload(&self) -> Result<(), Fault> {
        let dummy = source::dummy()?;
        self.elements.add(&dummy).map_err(wiring)?;
        dummy.link(&self.head).map_err(wiring)?;
        self.elements.remove(&dummy).map_err(wiring)?;
        let ready = self.elements.set_state(gst::State::Ready);
        ready.map(drop).map_err(|error| {
            self.close();
            wiring(error)
        })
    }

    /// Opens the camera: builds the source and plays. Blocks for as long as the driver does.
    pub fn open(&self, spec: &SourceSpec, wanted: &Wanted) -> Result<(), Fault> {
        let source = source::build(spec, wanted)?;
        self.elements.add(&source).map_err(wiring)?;
        source
            .link(&self.head)
            .map_err(|_| diagnosis::no_raw_video(wanted.width, wanted.height))?;
        self.play()
            .map_err(|error| self.first_error().unwrap_or_else(|| wiring(error)))
    }

    /// Plays, synchronized to the clock unless the source is live: a live source doesn't preroll.
    fn play(&self) -> Result<(), gst::StateChangeError> {
        let paused = self.elements.set_state(gst::State::Paused)?;
        if let Some(clock_sync) = &self.clock_sync {
            clock_sync.set_property("sync", paused != gst::StateChangeSuccess::NoPreroll);
        }
        self.elements.set_state(gst::State::Playing).map(drop)
    }

    pub fn bus(&self) -> Option<gst::Bus> {
        self.elements.bus()
    }

    /// Whether any frame has reached the sink.
    pub fn has_delivered(&self) -> bool {
        let stats = self.sink.property::<gst::Structure>("stats");
        stats.get::<u64>("rendered").is_ok_and(|frames| frames > 0)
    }

    /// Sends EOS to the source, which then appears on the bus. On a separate thread, because some
    /// sources block while their driver hangs.
    pub fn end_stream(&self) {
        let elements = self.elements.clone();
        let spawned = std::thread::Builder::new()
            .name("end of stream".to_owned())
            .spawn(move || {
                if !elements.send_event(gst::event::Eos::new()) {
                    tracing::debug!("the source did not accept EOS");
                }
            });
        if let Err(error) = spawned {
            tracing::warn!("the camera is closed without EOS: {error}");
        }
    }

    /// Stops the pipeline and closes the camera. Blocks for as long as the driver does.
    pub fn close(&self) {
        self.sink.unblock_upstream();
        if self.elements.set_state(gst::State::Null).is_err() {
            tracing::warn!("the camera did not close cleanly");
        }
    }

    /// The error on the bus after a failed state change.
    fn first_error(&self) -> Option<Fault> {
        let message = self.bus()?.pop_filtered(&[gst::MessageType::Error])?;
        match message.view() {
            gst::MessageView::Error(error) => {
                Some(diagnosis::fault(&error.error(), error.debug().as_deref()))
            }
            _ => None,
        }
    }
}

/// Links our own elements without checks, which would take a sixth of a worker's start. The camera is
/// linked with checks.
fn link(chain: &[gst::Element]) -> Result<(), Fault> {
    for pair in chain.windows(2) {
        let (from, to) = (pair[0].static_pad("src"), pair[1].static_pad("sink"));
        let (Some(from), Some(to)) = (from, to) else {
            return Err(wiring("an element lacks a pad"));
        };
        from.link_full(&to, gst::PadLinkCheck::empty())
            .map_err(wiring)?;
    }
    Ok(())
}

/// Loads plugins and initializes their classes in advance: that of `icamerasrc` reads the vendor's
/// settings for all sensors. A missing plugin is reported when the source is built.
fn load(factories: &[String]) {
    for name in factories {
        let loaded = gst::ElementFactory::find(name).and_then(|factory| factory.load().ok());
        let class = loaded
            .and_then(|factory| glib::Class::<gst::Element>::from_type(factory.element_type()));
        if class.is_none() {
            tracing::debug!("no element {name} to load");
        }
    }
}

fn make(name: &str) -> Result<gst::Element, Fault> {
    gst::ElementFactory::make(name)
        .build()
        .map_err(|_| diagnosis::missing(name))
}

/// Single-threaded: distributing lines to threads costs more than it gains. Without chroma
/// interpolation, which would quadruple the cost of NV12 to YUY2, the usual case, for an invisible
/// shift of a quarter of a line. Without dithering, as all formats have eight bits.
fn converter() -> Result<gst::Element, Fault> {
    let converter = make("videoconvert")?;
    converter.set_property("n-threads", 1u32);
    converter.set_property("qos", false);
    converter.set_property_from_str("chroma-mode", "none");
    converter.set_property_from_str("dither", "none");
    Ok(converter)
}

/// Initially off. It comes before frames are dropped, as otherwise a source that isn't live would run
/// far ahead.
fn clock_sync() -> Result<gst::Element, Fault> {
    let clock_sync = make("clocksync")?;
    clock_sync.set_property("sync", false);
    Ok(clock_sync)
}

fn flip(transform: Transform) -> Result<Option<gst::Element>, Fault> {
    let direction = match transform {
        Transform::None => return Ok(None),
        Transform::Mirror => "horiz",
        Transform::Rotate180 => "180",
        Transform::Flip => "vert",
    };
    let flip = make("videoflip")?;
    flip.set_property("qos", false);
    flip.set_property_from_str("video-direction", direction);
    Ok(Some(flip))
}

/// Leaves the frame rate to the camera.
fn caps_filter(geometry: Geometry) -> Result<gst::Element, Fault> {
    let size = |pixels| i32::try_from(pixels).unwrap_or(i32::MAX);
    let caps = gst::Caps::builder("video/x-raw")
        .field("format", geometry.format.name())
        .field("width", size(geometry.width))
        .field("height", size(geometry.height))
        .build();
    let filter = make("capsfilter")?;
    filter.set_property("caps", caps);
    Ok(filter)
}

/// Drops a frame before its conversion if no slot is free; the converter would wait for one and block
/// the camera.
fn drop_unwanted_frames(converter: &gst::Element, handover: &Arc<Handover>) {
    let Some(pad) = converter.static_pad("sink") else {
        return;
    };
    let handover = Arc::clone(handover);
    pad.add_probe(gst::PadProbeType::BUFFER, move |_, _| {
        if handover.refuses() {
            // Not `Drop`: the bindings have freed the buffer, and GStreamer would free it again.
            gst::PadProbeReturn::Handled
        } else {
            gst::PadProbeReturn::Ok
        }
    });
}

/// A fault that only a bug or a broken installation can cause.
fn wiring(error: impl std::fmt::Display) -> Fault {
    diagnosis::other(
        n_(
            "the camera's pipeline could not be set up ({error}): run 'lenscap devices' to find out why",
        ),
        error,
    )
}
