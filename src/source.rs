//! The real camera: one file for each way of reaching one.
//!
//! Everything here loads plugins, asks hardware or both, and may crash with them: it runs in
//! short-lived children, never in the applet. [`build`] is the only door to a camera that opens;
//! finding and checking never start a stream.

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

/// The picture that a source is to give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Pixels in a line.
    pub width: u32,
    /// Lines in a frame.
    pub height: u32,
    /// Frames a second.
    pub framerate: u32,
    /// Buffers that `icamerasrc` keeps in flight.
    pub buffer_count: u32,
}

/// Ranks: the camera that is built in comes first, then what is plugged in, then what other programs
/// offer. A source that is never chosen by itself comes last.
const RANK_ICAMERASRC: u32 = 0;
const RANK_LIBCAMERA: u32 = 1000;
const RANK_V4L2: u32 = 2000;
const RANK_PIPEWIRE: u32 = 3000;
const RANK_OTHER: u32 = 1_000_000;

/// The part that cameras behind the machine's image processor share, whichever stack drives it: one
/// stack names them otherwise than the next.
const IMAGE_PROCESSOR: &str = "image processor";

/// The element factories that a worker loads while it warms up. No element is created yet.
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

/// Builds the source as one element with a `src` pad that gives raw video of the wanted size.
///
/// Opens the device of some sources: to be called only when the camera may open.
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

/// Something that is put together like a source and gives nothing, for a rehearsal.
pub fn dummy() -> Result<gst::Element, Fault> {
    let caps = gst::Caps::new_empty_simple("video/x-raw");
    chain(&[make("fakesrc")?, filter(&caps)?])
}

/// Whether the source may use the network. All others are local and are denied it.
pub fn needs_network(spec: &SourceSpec) -> bool {
    matches!(spec, SourceSpec::Pipeline(_) | SourceSpec::Network(_))
}

/// Everything found, usable or not, in the order in which `auto` tries them.
pub fn find_all() -> Vec<Found> {
    let mut all = Vec::new();
    find_each(|found| all.push(found));
    distinct(all)
}

/// Tells of each camera as it is found, however often, the riskiest last: `icamerasrc` runs the
/// vendor's code, and if that crashes the others are known already. It always tells of at least one
/// `icamerasrc`.
pub fn find_each(mut tell: impl FnMut(Found)) {
    let mut tell = |found: Found| {
        tell(Found {
            id: remembered(&found),
            ..found
        });
    };
    v4l2::find().into_iter().for_each(&mut tell);
    pipewire::find().into_iter().for_each(&mut tell);
    libcamera::find().into_iter().for_each(&mut tell);
    icamerasrc::find().into_iter().for_each(&mut tell);
}

/// Most cameras are remembered by what they are opened by.
fn remembered(found: &Found) -> String {
    match found.id.as_str() {
        "" => found.spec.clone(),
        id => id.to_owned(),
    }
}

/// What to tell of `icamerasrc` when asking it ended the child that asked.
pub fn lost_icamerasrc(fault: Fault) -> Found {
    icamerasrc::lost(fault)
}

/// Checks a source without starting it: its plugin is there, its device can be opened and is known,
/// its description makes a source. The answer's `spec` is the one to open: one camera where the
/// asker left that open.
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
        id: remembered(&checked),
        ..checked
    })
}

/// A source as it is named, of which nothing is known yet.
pub fn unchecked(spec: &SourceSpec) -> Found {
    found(spec.kind(), spec.revealed(), spec.to_string(), 0)
}

/// A camera of which no more is known yet.
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

/// Makes an element of a plugin that comes with GStreamer.
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

/// The plugin of a camera stack is not there.
fn not_installed(factory: &str, package: &str) -> Fault {
    Fault::new(
        FaultKind::NoCamera,
        n_("GStreamer's element '{element}' is missing: install {package}"),
    )
    .with("element", factory)
    .with("package", package)
}

/// A filter that lets only these caps through.
fn filter(caps: &gst::Caps) -> Result<gst::Element, Fault> {
    let filter = make("capsfilter")?;
    filter.set_property("caps", caps);
    Ok(filter)
}

/// Elements that fit any picture into the wanted size, with bars rather than distortion.
///
/// Square pixels are part of it: left open, the scaler would rather change their shape than add
/// bars, and no client looks at that.
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

/// One element from a chain of them.
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

/// A size or rate as caps have it; the settings keep them far below the limit.
fn int(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_urls_and_descriptions_may_use_the_network() {
        let needs = |text: &str| needs_network(&text.parse().expect("a source"));
        for text in [
            "pipeline:rtspsrc",
            "rtsp://camera",
            "rtp://[::1]:5?encoding=JPEG",
        ] {
            assert!(needs(text), "{text}");
        }
        for text in [
            "auto",
            "icamerasrc",
            "libcamera",
            "v4l2:/dev/video0",
            "pipewire",
            "test",
        ] {
            assert!(!needs(text), "{text}");
        }
    }
}
