//! The real camera: one file for each way of reaching one.
//!
//! Everything here loads plugins, asks hardware or both, and may crash with them: it runs in
//! short-lived children, never in the applet. [`build`] is the only door to a camera that opens;
//! finding and checking never start a stream.

mod icamerasrc;
mod pipeline;
mod test;
mod v4l2;

use gstreamer::{self as gst, prelude::*};
use serde::{Deserialize, Serialize};

use crate::i18n::{gettext, gettext_f};
use crate::relay::{Fault, FaultKind};
use crate::settings::SourceSpec;

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

/// A camera as found by probing; a line of JSON on the probing child's standard output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// The source's kind, as [`SourceSpec::kind`] has it.
    pub kind: String,
    /// The source as `--source` takes it.
    pub spec: String,
    /// What a person would call it.
    pub name: String,
    /// The place in the order in which `auto` tries sources, the first one lowest.
    pub rank: u32,
    /// Why it can't be used; `None` if it can.
    pub problem: Option<Fault>,
}

/// Ranks: the camera that is built in comes first, then what is plugged in. A source that is never
/// chosen by itself comes last.
const RANK_ICAMERASRC: u32 = 0;
const RANK_V4L2: u32 = 1000;
const RANK_OTHER: u32 = 1_000_000;

/// The element factories that a worker loads while it warms up. No element is created by that.
pub fn factories(spec: &SourceSpec) -> Vec<String> {
    let names: &[&str] = match spec {
        SourceSpec::Auto => &[],
        SourceSpec::Icamerasrc(_) => &["icamerasrc", "capsfilter"],
        SourceSpec::V4l2(_) => &["v4l2src", "capsfilter", "jpegdec", "videoscale"],
        SourceSpec::Test => &["videotestsrc", "capsfilter"],
        SourceSpec::Pipeline(description) => return pipeline::factories(description),
    };
    names.iter().map(ToString::to_string).collect()
}

/// Builds the source as one element with a `src` pad that gives raw video of the wanted size.
///
/// Opens the device of some sources: to be called only when the camera may open.
pub fn build(spec: &SourceSpec, wanted: &Wanted) -> Result<gst::Element, Fault> {
    match spec {
        SourceSpec::Auto => Err(other(gettext(
            "the source 'auto' must be resolved before it is opened",
        ))),
        SourceSpec::Icamerasrc(name) => icamerasrc::build(name.as_deref(), wanted),
        SourceSpec::V4l2(path) => v4l2::build(path, wanted),
        SourceSpec::Test => test::build(wanted),
        SourceSpec::Pipeline(description) => pipeline::build(description, wanted),
    }
}

/// Whether the source may use the network. All others are local and are denied it.
pub fn needs_network(spec: &SourceSpec) -> bool {
    matches!(spec, SourceSpec::Pipeline(_))
}

/// Everything found, usable or not, in the order in which `auto` tries them.
pub fn find_all() -> Vec<Found> {
    let mut all = Vec::new();
    find_each(|found| all.push(found));
    all.sort_by_key(|found| found.rank);
    all
}

/// Tells of each camera as it is found, the riskiest last: `icamerasrc` runs the vendor's code, and
/// if that crashes the others are known already. It always tells of at least one `icamerasrc`.
pub fn find_each(mut tell: impl FnMut(Found)) {
    v4l2::find().into_iter().for_each(&mut tell);
    icamerasrc::find().into_iter().for_each(&mut tell);
}

/// What to tell of `icamerasrc` when asking it ended the child that asked.
pub fn lost_icamerasrc(fault: Fault) -> Found {
    icamerasrc::lost(fault)
}

/// The source that `auto` stands for, among all that were found.
pub fn best(found: &[Found]) -> Result<&Found, Fault> {
    let usable = found.iter().filter(|found| found.problem.is_none());
    if let Some(best) = usable.min_by_key(|found| found.rank) {
        return Ok(best);
    }
    // What is there but closed to us is worth naming; what is no camera at all is not.
    let telling = |fault: &&Fault| matches!(fault.kind, FaultKind::NoPermission | FaultKind::Busy);
    let mut problems = found.iter().filter_map(|found| found.problem.as_ref());
    Err(problems.find(telling).cloned().unwrap_or_else(|| {
        Fault::new(
            FaultKind::NoCamera,
            gettext(
                "no usable camera was found: `lenscap devices` says why for each that was looked at",
            ),
        )
    }))
}

/// Checks a source without starting it: its plugin is there, its device can be opened and is known,
/// its description makes a source.
pub fn check(spec: &SourceSpec) -> Result<Found, Fault> {
    let found = |name: String, rank| Found {
        kind: spec.kind().to_owned(),
        spec: spec.to_string(),
        name,
        rank,
        problem: None,
    };
    match spec {
        SourceSpec::Auto => best(&find_all()).cloned(),
        SourceSpec::Icamerasrc(name) => {
            icamerasrc::check(name.as_deref()).map(|name| found(name, RANK_ICAMERASRC))
        }
        SourceSpec::V4l2(path) => v4l2::check(path).map(|name| found(name, RANK_V4L2)),
        SourceSpec::Test => test::check().map(|()| found(gettext("Test picture"), RANK_OTHER)),
        SourceSpec::Pipeline(description) => {
            pipeline::check(description).map(|()| found(gettext("GStreamer pipeline"), RANK_OTHER))
        }
    }
}

fn other(text: impl Into<String>) -> Fault {
    Fault::new(FaultKind::Other, text)
}

/// Makes an element of a plugin that comes with GStreamer.
fn make(factory: &str) -> Result<gst::Element, Fault> {
    let element = gst::ElementFactory::make(factory).build();
    element.map_err(|_| missing(factory))
}

fn missing(factory: &str) -> Fault {
    other(gettext_f(
        "GStreamer's element '{element}' is missing: install its base and good plugins",
        &[("element", factory)],
    ))
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
    let broken = |error: gst::glib::BoolError| other(error.to_string());
    let bin = gst::Bin::new();
    bin.add_many(elements).map_err(broken)?;
    gst::Element::link_many(elements).map_err(broken)?;
    let last = elements.last().and_then(|last| last.static_pad("src"));
    let last = last.ok_or_else(|| other(gettext("the source has no end")))?;
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

    fn found(spec: &str, rank: u32, problem: Option<FaultKind>) -> Found {
        Found {
            kind: "v4l2".to_owned(),
            spec: spec.to_owned(),
            name: spec.to_owned(),
            rank,
            problem: problem.map(|kind| Fault::new(kind, spec)),
        }
    }

    fn check(found: &[Found], expected: Result<&str, FaultKind>) {
        let best = best(found).map(|found| found.spec.as_str());
        assert_eq!(best.map_err(|fault| fault.kind), expected);
    }

    #[test]
    fn auto_takes_the_first_that_works_and_else_says_the_most_telling_reason() {
        let (loopback, closed) = (FaultKind::Unsupported, FaultKind::NoPermission);
        check(&[found("a", 2, None), found("b", 1, None)], Ok("b"));
        check(&[found("a", 1, Some(closed)), found("b", 2, None)], Ok("b"));
        check(
            &[found("a", 1, Some(loopback)), found("b", 2, Some(closed))],
            Err(closed),
        );
        check(&[found("a", 1, Some(loopback))], Err(FaultKind::NoCamera));
        check(&[], Err(FaultKind::NoCamera));
    }

    #[test]
    fn only_descriptions_may_use_the_network() {
        let needs = |text: &str| needs_network(&text.parse().expect("a source"));
        assert!(needs("pipeline:rtspsrc"));
        for text in ["auto", "icamerasrc", "v4l2:/dev/video0", "test"] {
            assert!(!needs(text), "{text}");
        }
    }
}
