//! A moving test picture with the time, to test everything else without a camera.

use gstreamer::{self as gst, prelude::*};

use super::{Wanted, chain, filter, int, make};
use crate::relay::Fault;

/// The element factories of the source.
pub const FACTORIES: &[&str] = &["videotestsrc", "capsfilter", CLOCK];

/// Draws the time. Optional, because its plugin depends on a text renderer.
const CLOCK: &str = "clockoverlay";

/// A ball that moves with every frame, in a format that needs no conversion.
pub fn build(wanted: &Wanted) -> Result<gst::Element, Fault> {
    let element = make("videotestsrc")?;
    element.set_property("is-live", true);
    element.set_property_from_str("pattern", "ball");
    let caps = gst::Caps::builder("video/x-raw")
        .field("width", int(wanted.width))
        .field("height", int(wanted.height))
        .field("framerate", gst::Fraction::new(int(wanted.framerate), 1))
        .build();
    let mut elements = vec![element, filter(&caps)?];
    elements.extend(clock());
    chain(&elements)
}

fn clock() -> Option<gst::Element> {
    let clock = gst::ElementFactory::make(CLOCK).build().ok()?;
    clock.set_property_from_str("halignment", "right");
    clock.set_property_from_str("valignment", "bottom");
    Some(clock)
}

/// Checks that the plugin is installed.
pub fn check() -> Result<(), Fault> {
    make("videotestsrc").map(drop)
}
