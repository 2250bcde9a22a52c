//! The worker's pipeline: `source [! clocksync] ! videoconvert [! videoflip] ! capsfilter ! slots`.
//!
//! The converter is always there, because some sources need a pool downstream to even start. Where
//! formats agree it passes everything through, the allocation query too, and the source may write
//! straight into the slots. A source that the user describes may be no camera but a file, which runs
//! as fast as it can unless something holds it to the clock. The flip stands behind it, where only the output's own formats occur.

use std::sync::Arc;

use gstreamer::{self as gst, prelude::*};

use super::diagnosis;
use super::handover::Handover;
use super::sink::SlotSink;
use crate::relay::Fault;
use crate::settings::{Geometry, SourceSpec, Transform, n_};
use crate::source::{self, Wanted};

/// A pipeline that still lacks its source, or plays.
pub struct Pipeline {
    elements: gst::Pipeline,
    /// The first element behind the source.
    first: gst::Element,
    /// What can hold the source to the clock.
    pace: Option<gst::Element>,
    sink: SlotSink,
}

impl Pipeline {
    /// Builds all but the source, and loads what the source will need. Opens no device.
    pub fn warm(
        spec: &SourceSpec,
        transform: Transform,
        handover: &Arc<Handover>,
    ) -> Result<Self, Fault> {
        load(&source::factories(spec));
        let elements = gst::Pipeline::with_name("lenscap");
        // Timestamps then are times of CLOCK_MONOTONIC, whatever clock a source would like.
        elements.use_clock(Some(&gst::SystemClock::obtain()));
        let converter = converter()?;
        drop_useless_frames(&converter, handover);
        let pace = match spec {
            SourceSpec::Pipeline(_) => Some(pace()?),
            _ => None,
        };
        let mut chain: Vec<_> = pace.iter().cloned().chain([converter]).collect();
        chain.extend(flip(transform)?);
        chain.push(caps_filter(handover.slots().geometry())?);
        let sink = SlotSink::new(Arc::clone(handover));
        chain.push(sink.clone().upcast());
        elements.add_many(&chain).map_err(wiring)?;
        link(&chain)?;
        let pipeline = Self {
            elements,
            first: chain.swap_remove(0),
            pace,
            sink,
        };
        pipeline.rehearse()?;
        Ok(pipeline)
    }

    /// Puts something in the source's place and takes it out again, and makes the rest ready. What has
    /// run once is in memory: it halves the time from the order to open the camera until its driver is
    /// asked, and costs some of a delay that is waited for anyway.
    fn rehearse(&self) -> Result<(), Fault> {
        let dummy = source::dummy()?;
        self.elements.add(&dummy).map_err(wiring)?;
        dummy.link(&self.first).map_err(wiring)?;
        self.elements.remove(&dummy).map_err(wiring)?;
        let ready = self.elements.set_state(gst::State::Ready);
        ready.map(drop).map_err(|error| {
            self.close();
            wiring(error)
        })
    }

    /// Opens the camera: builds the source and plays. Blocks as long as its driver likes.
    pub fn open(&self, spec: &SourceSpec, wanted: &Wanted) -> Result<(), Fault> {
        let source = source::build(spec, wanted)?;
        self.elements.add(&source).map_err(wiring)?;
        source
            .link(&self.first)
            .map_err(|_| diagnosis::no_raw_video(wanted.width, wanted.height))?;
        self.play()
            .map_err(|error| self.first_error().unwrap_or_else(|| wiring(error)))
    }

    /// Plays, at the clock's pace what has none of its own: only a live source gives nothing before
    /// it plays.
    fn play(&self) -> Result<(), gst::StateChangeError> {
        let paused = self.elements.set_state(gst::State::Paused)?;
        if let Some(pace) = &self.pace {
            pace.set_property("sync", paused != gst::StateChangeSuccess::NoPreroll);
        }
        self.elements.set_state(gst::State::Playing).map(drop)
    }

    /// Where the pipeline tells what happens.
    pub fn bus(&self) -> Option<gst::Bus> {
        self.elements.bus()
    }

    /// Whether a frame ever came to the end.
    pub fn has_delivered(&self) -> bool {
        let stats = self.sink.property::<gst::Structure>("stats");
        stats.get::<u64>("rendered").is_ok_and(|frames| frames > 0)
    }

    /// Asks the source to end its stream; its end shows on the bus. Some sources take no question
    /// while their driver hangs, so a thread of its own waits for them.
    pub fn end_stream(&self) {
        let elements = self.elements.clone();
        let asked = std::thread::Builder::new()
            .name("end of stream".to_owned())
            .spawn(move || {
                if !elements.send_event(gst::event::Eos::new()) {
                    tracing::debug!("the source does not take an end of stream");
                }
            });
        if let Err(error) = asked {
            tracing::warn!("the camera is closed without an end of its stream: {error}");
        }
    }

    /// Ends everything, and closes the camera. Blocks as long as its driver likes.
    pub fn close(&self) {
        self.sink.turn_away();
        if self.elements.set_state(gst::State::Null).is_err() {
            tracing::warn!("the camera did not close in good order");
        }
    }

    /// The reason on the bus for a change of state that failed.
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

/// Links our own elements, which fit: asking each for its caps takes a sixth of a worker's start.
/// Whether the camera fits shows when it is linked, with all checks.
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

/// Loads plugins and sets up their classes before they are needed: that of `icamerasrc` reads what the
/// vendor's stack knows of all sensors. What is missing shows when the source is built.
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

/// Converts in the camera's own thread: handing lines to other threads costs more than it gains.
/// Chroma is taken as it lies: interpolating it quadruples the cost of NV12 to YUY2, the usual case,
/// for a quarter of a line that nobody sees. Nothing here has more than eight bits to dither.
fn converter() -> Result<gst::Element, Fault> {
    let converter = make("videoconvert")?;
    converter.set_property("n-threads", 1u32);
    converter.set_property("qos", false);
    converter.set_property_from_str("chroma-mode", "none");
    converter.set_property_from_str("dither", "none");
    Ok(converter)
}

/// Lets everything through, until it is told to hold each frame until its time. It stands before
/// frames are dropped: behind that, a source that is held up by nothing would run far ahead.
fn pace() -> Result<gst::Element, Fault> {
    let pace = make("clocksync")?;
    pace.set_property("sync", false);
    Ok(pace)
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

/// The frame rate is left to the camera.
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

/// Drops a frame before the work of converting it when the applet has every slot; the converter
/// would wait for one and hold up the camera.
fn drop_useless_frames(converter: &gst::Element, handover: &Arc<Handover>) {
    let Some(pad) = converter.static_pad("sink") else {
        return;
    };
    let handover = Arc::clone(handover);
    pad.add_probe(gst::PadProbeType::BUFFER, move |_, _| {
        if handover.refuses() {
            // Not `Drop`: the bindings drop the buffer, and GStreamer would once more.
            gst::PadProbeReturn::Handled
        } else {
            gst::PadProbeReturn::Ok
        }
    });
}

/// What only a fault of ours, or a broken installation, can bring about.
fn wiring(error: impl std::fmt::Display) -> Fault {
    diagnosis::other(
        n_(
            "the camera's pipeline could not be set up ({error}): run 'lenscap devices' to find out why",
        ),
        error,
    )
}
