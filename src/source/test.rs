//! A moving test picture: the whole relay without a camera.

use gstreamer::{self as gst, prelude::*};

use super::{Wanted, chain, filter, int, make};
use crate::relay::Fault;

/// The source: a ball that moves with every frame, in whatever format costs no conversion.
pub fn build(wanted: &Wanted) -> Result<gst::Element, Fault> {
    let element = make("videotestsrc")?;
    element.set_property("is-live", true);
    element.set_property_from_str("pattern", "ball");
    let caps = gst::Caps::builder("video/x-raw")
        .field("width", int(wanted.width))
        .field("height", int(wanted.height))
        .field("framerate", gst::Fraction::new(int(wanted.framerate), 1))
        .build();
    chain(&[element, filter(&caps)?])
}

/// Checks that the plugin is there.
pub fn check() -> Result<(), Fault> {
    make("videotestsrc").map(drop)
}
