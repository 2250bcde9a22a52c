//! Real cameras, with one file for each kind of source.
//!
//! Everything here loads plugins or accesses hardware, and may crash: it runs in short-lived child
//! processes, never in the applet. Only [`build`] opens a camera; finding and checking never start a
//! stream.

mod found;
mod icamerasrc;
mod libcamera;
mod monitor;
mod network;
mod pipeline;
mod pipewire;
mod test;
mod v4l2;

use gstreamer::{self as gst, prelude::*};

pub use self::found::{Found, Mode, best, distinct};
use crate::i18n::gettext;
use crate::relay::{Fault, FaultKind};
use crate::settings::{Message, SourceSpec, n_};

/// The requested picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Frames per second.
    pub framerate: u32,
    /// Buffers that `icamerasrc` keeps in flight.
    pub buffer_count: u32,
}

/// Ranks for `auto`: built-in cameras first, then those plugged in, then those of other programs.
/// Sources that `auto` never chooses are last.
const RANK_ICAMERASRC: u32 = 0;
const RANK_LIBCAMERA: u32 = 1000;
const RANK_V4L2: u32 = 2000;
const RANK_PIPEWIRE: u32 = 3000;
const RANK_OTHER: u32 = 1_000_000;

/// The part that all cameras of the image processor share, because camera stacks name these cameras
/// differently.
const IMAGE_PROCESSOR: &str = "image processor";

/// The element factories that a worker loads in advance, without creating elements.
pub fn factories(spec: &SourceSpec) -> Vec<String> {
    let names: &[&str] = match spec {
        SourceSpec::Auto => &[],
        SourceSpec::Icamerasrc(_) => &["icamerasrc", "capsfilter"],
        SourceSpec::Libcamera(_) => &["libcamerasrc", "capsfilter", "videoscale"],
        SourceSpec::V4l2(_) => &["v4l2src", "capsfilter", "jpegdec", "videoscale"],
        SourceSpec::Pipewire(_) => &["pipewiresrc", "capsfilter", "videoscale"],
        SourceSpec::Network(camera) => return network::factories(camera),
        SourceSpec::Test => test::FACTORIES,
        SourceSpec::Pipeline(description) => return pipeline::factories(description),
    };
    names.iter().map(ToString::to_string).collect()
}

/// Builds the source as one element with a `src` pad that provides raw video of the requested size.
///
/// Opens the device of some sources, so call it only when the camera may open.
pub fn build(spec: &SourceSpec, wanted: &Wanted) -> Result<gst::Element, Fault> {
    match spec {
        SourceSpec::Auto => Err(other(n_(
            "the source 'auto' must be resolved before it is opened",
        ))),
        SourceSpec::Icamerasrc(name) => icamerasrc::build(name.as_deref(), wanted),
        SourceSpec::Libcamera(id) => libcamera::build(id.as_deref(), wanted),
        SourceSpec::V4l2(path) => v4l2::build(path, wanted),
        SourceSpec::Pipewire(node) => pipewire::build(node.as_deref(), wanted),
        SourceSpec::Network(camera) => network::build(camera, wanted),
        SourceSpec::Test => test::build(wanted),
        SourceSpec::Pipeline(description) => pipeline::build(description, wanted),
    }
}

/// An element that is linked like a source and provides nothing.
pub fn dummy() -> Result<gst::Element, Fault> {
    let caps = gst::Caps::new_empty_simple("video/x-raw");
    chain(&[make("fakesrc")?, filter(&caps)?])
}

/// All cameras, usable or not, in the order in which `auto` tries them.
pub fn find_all() -> Vec<Found> {
    let mut all = Vec::new();
    find_each_local(|found| all.push(found));
    find_each_of_pipewire(|found| all.push(found));
    distinct(all)
}

/// Reports each local camera as it is found, possibly more than once. `icamerasrc` comes last, because
/// it runs the vendor's code, which may crash, and at least one `icamerasrc` is always reported.
pub fn find_each_local(report: impl FnMut(Found)) {
    let mut report = with_id(report);
    v4l2::find().into_iter().for_each(&mut report);
    libcamera::find().into_iter().for_each(&mut report);
    icamerasrc::find().into_iter().for_each(&mut report);
}

/// Reports each of PipeWire's cameras.
pub fn find_each_of_pipewire(report: impl FnMut(Found)) {
    pipewire::find().into_iter().for_each(with_id(report));
}

fn with_id(mut report: impl FnMut(Found)) -> impl FnMut(Found) {
    move |found| {
        report(Found {
            id: stable_spec(&found),
            ..found
        });
    }
}

/// Most cameras have no more stable name than their spec.
fn stable_spec(found: &Found) -> String {
    match found.id.as_str() {
        "" => found.spec.clone(),
        id => id.to_owned(),
    }
}

/// The report of `icamerasrc` if its query crashed the probe.
pub fn lost_icamerasrc(fault: Fault) -> Found {
    icamerasrc::lost(fault)
}

/// Checks a source without starting it: whether its plugin is installed, its device can be opened and
/// is supported, and its description is valid. The result's `spec` names a specific camera, even if
/// `spec` doesn't.
pub fn check(spec: &SourceSpec) -> Result<Found, Fault> {
    let found = |name: &str, rank| found(spec.kind(), spec.revealed(), name.to_owned(), rank);
    let checked = match spec {
        SourceSpec::Auto => best(&find_all())?.clone(),
        SourceSpec::Icamerasrc(name) => {
            found(&icamerasrc::check(name.as_deref())?, RANK_ICAMERASRC)
        }
        SourceSpec::Libcamera(id) => libcamera::check(id.as_deref())?,
        SourceSpec::V4l2(path) => found(&v4l2::check(path)?, RANK_V4L2),
        SourceSpec::Pipewire(node) => pipewire::check(node.as_deref())?,
        SourceSpec::Network(camera) => {
            network::check(camera)?;
            found(&camera.name, RANK_OTHER)
        }
        SourceSpec::Test => {
            test::check()?;
            found(&gettext("Test picture"), RANK_OTHER)
        }
        SourceSpec::Pipeline(description) => {
            pipeline::check(description)?;
            found(&gettext("GStreamer pipeline"), RANK_OTHER)
        }
    };
    Ok(Found {
        id: stable_spec(&checked),
        ..checked
    })
}

/// A source that wasn't checked.
pub fn unchecked(spec: &SourceSpec) -> Found {
    found(spec.kind(), spec.revealed(), spec.to_string(), 0)
}

fn found(kind: &str, spec: String, name: String, rank: u32) -> Found {
    Found {
        kind: kind.to_owned(),
        spec,
        name,
        rank,
        ..Found::default()
    }
}

fn other(text: impl Into<Message>) -> Fault {
    Fault::new(FaultKind::Other, text)
}

/// Creates an element of GStreamer's own plugins.
fn make(factory: &str) -> Result<gst::Element, Fault> {
    let element = gst::ElementFactory::make(factory).build();
    element.map_err(|_| missing(factory))
}

fn missing(factory: &str) -> Fault {
    other(n_(
        "GStreamer's element '{element}' is missing: install its base and good plugins",
    ))
    .with("element", factory)
}

/// The plugin of a camera stack is missing.
fn not_installed(factory: &str, package: &str) -> Fault {
    Fault::new(
        FaultKind::NoCamera,
        n_("GStreamer's element '{element}' is missing: install {package}"),
    )
    .with("element", factory)
    .with("package", package)
}

fn filter(caps: &gst::Caps) -> Result<gst::Element, Fault> {
    let filter = make("capsfilter")?;
    filter.set_property("caps", caps);
    Ok(filter)
}

/// Elements that fit any picture into the requested size, with bars rather than distortion.
///
/// Square pixels are required, as otherwise the scaler would change the pixel aspect ratio, which
/// clients ignore, instead of adding bars.
fn scaler(wanted: &Wanted) -> Result<[gst::Element; 2], Fault> {
    let scale = make("videoscale")?;
    scale.set_property("add-borders", true);
    let caps = gst::Caps::builder("video/x-raw")
        .field("width", int(wanted.width))
        .field("height", int(wanted.height))
        .field("pixel-aspect-ratio", gst::Fraction::new(1, 1))
        .build();
    Ok([scale, filter(&caps)?])
}

/// A chain of elements as one.
fn chain(elements: &[gst::Element]) -> Result<gst::Element, Fault> {
    let broken = |error: gst::glib::BoolError| other(Message::verbatim(error.to_string()));
    let bin = gst::Bin::new();
    bin.add_many(elements).map_err(broken)?;
    gst::Element::link_many(elements).map_err(broken)?;
    let last = elements.last().and_then(|last| last.static_pad("src"));
    let last = last.ok_or_else(|| other(n_("the source has no end")))?;
    let pad = gst::GhostPad::with_target(&last).map_err(broken)?;
    bin.add_pad(&pad).map_err(broken)?;
    Ok(bin.upcast())
}

/// The settings keep sizes and rates far below the limit.
fn int(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}
