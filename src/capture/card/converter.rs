//! Converts drawn pictures to frames of the outputs' format, with one GStreamer pipeline.

use anyhow::{Context, Result, bail};
use gstreamer::{self as gst, prelude::*};
use gstreamer_app::{AppSink, AppSrc};
use gstreamer_video::{self as gst_video, VideoFrameExt};

use crate::settings::Geometry;

/// Up to this height, a picture is standard definition with BT.601 colours, as in GStreamer and most
/// players.
const SD_LINES: u32 = 576;
/// Loading the converter for the first time takes seconds on a slow disk.
const FRAME_TIMEOUT: gst::ClockTime = gst::ClockTime::from_seconds(20);

pub struct FrameConverter {
    geometry: Geometry,
    pipeline: gst::Pipeline,
    source: AppSrc,
    sink: AppSink,
}

impl FrameConverter {
    pub fn new(geometry: Geometry) -> Result<Self> {
        let source = AppSrc::builder()
            .caps(&drawn_caps(geometry))
            .format(gst::Format::Time)
            .build();
        let sink = AppSink::builder()
            .caps(&frame_caps(geometry))
            .sync(false)
            .build();
        // Without dithering, a flat background stays flat and small in the file.
        let convert = gst::ElementFactory::make("videoconvert")
            .property_from_str("dither", "none")
            .build()?;
        let chain = [source.clone().upcast(), convert, sink.clone().upcast()];
        let pipeline = gst::Pipeline::new();
        pipeline.add_many(&chain)?;
        gst::Element::link_many(&chain)?;
        pipeline.set_state(gst::State::Playing)?;
        Ok(Self {
            geometry,
            pipeline,
            source,
            sink,
        })
    }

    /// Converts a picture (`RGBx` without padding) to a frame.
    pub fn convert(&self, picture: Vec<u8>) -> Result<Vec<u8>> {
        self.source
            .push_buffer(gst::Buffer::from_mut_slice(picture))?;
        let Some(sample) = self.sink.try_pull_sample(FRAME_TIMEOUT) else {
            bail!("GStreamer returned no frame: {}", self.error());
        };
        remove_padding(self.geometry, &sample).context("GStreamer gave an odd frame")
    }

    fn error(&self) -> String {
        let bus = self.pipeline.bus();
        let message = bus.and_then(|bus| bus.pop_filtered(&[gst::MessageType::Error]));
        match message.as_ref().map(|message| message.view()) {
            Some(gst::MessageView::Error(error)) => error.error().to_string(),
            _ => "it took too long".to_owned(),
        }
    }
}

impl Drop for FrameConverter {
    fn drop(&mut self) {
        // The process ends next.
        let _ = self.pipeline.set_state(gst::State::Null);
    }
}

fn drawn_caps(geometry: Geometry) -> gst::Caps {
    gst::Caps::builder("video/x-raw")
        .field("format", "RGBx")
        .field("colorimetry", "sRGB")
        .field("width", size(geometry.width))
        .field("height", size(geometry.height))
        .field("framerate", gst::Fraction::new(0, 1))
        .build()
}

/// Sizes are at most 8192.
fn size(pixels: u32) -> i32 {
    i32::try_from(pixels).unwrap_or(i32::MAX)
}

/// The output's format with explicit colorimetry: by default, GStreamer would choose BT.2020 for large
/// pictures, which no webcam has.
fn frame_caps(geometry: Geometry) -> gst::Caps {
    let colors = if geometry.height > SD_LINES {
        "bt709"
    } else {
        "bt601"
    };
    gst::Caps::builder("video/x-raw")
        .field("format", geometry.format.name())
        .field("colorimetry", colors)
        .build()
}

/// The sample's pixels without GStreamer's line padding.
fn remove_padding(geometry: Geometry, sample: &gst::Sample) -> Option<Vec<u8>> {
    let info = gst_video::VideoInfo::from_caps(sample.caps()?).ok()?;
    let frame = gst_video::VideoFrameRef::from_buffer_ref_readable(sample.buffer()?, &info).ok()?;
    let mut packed = vec![0; geometry.frame_len()];
    for (index, plane) in (0..).zip(geometry.planes()) {
        let padded = usize::try_from(frame.plane_stride()[index as usize]).ok()?;
        let lines = frame.plane_data(index).ok()?.chunks(padded);
        let rows = packed[plane.offset..][..plane.stride * plane.rows].chunks_mut(plane.stride);
        for (row, line) in rows.zip(lines) {
            row.copy_from_slice(line.get(..plane.stride)?);
        }
    }
    Some(packed)
}
