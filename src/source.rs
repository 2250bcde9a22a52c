//! The real camera, in the little that the worker's tests need.
#![allow(missing_docs)]

use gstreamer::{self as gst, prelude::*};

use crate::relay::{Fault, FaultKind};
use crate::settings::SourceSpec;

pub struct Wanted {
    pub width: u32,
    pub height: u32,
    pub framerate: u32,
    pub buffer_count: u32,
}

pub fn factories(_spec: &SourceSpec) -> Vec<String> {
    vec!["videotestsrc".to_owned()]
}

pub fn build(spec: &SourceSpec, wanted: &Wanted) -> Result<gst::Element, Fault> {
    let Wanted {
        width,
        height,
        framerate,
        ..
    } = wanted;
    let description = match spec {
        SourceSpec::Pipeline(description) => description.clone(),
        _ => format!(
            "videotestsrc is-live=true pattern=ball ! video/x-raw,width={width},height={height},framerate={framerate}/1 ! identity"
        ),
    };
    gst::parse::bin_from_description(&description, true)
        .map(Cast::upcast)
        .map_err(|error| Fault::new(FaultKind::Other, error.message()))
}

pub fn needs_network(spec: &SourceSpec) -> bool {
    matches!(spec, SourceSpec::Pipeline(_))
}
