//! What is offered to consumers, in PipeWire's own notation.

use std::io::{self, Cursor};

use ::pipewire as pw;
use pw::spa;
use pw::stream::Stream;
use spa::param::ParamType;
use spa::param::format::{FormatProperties, MediaSubtype, MediaType};
use spa::param::video::VideoFormat;
use spa::pod::serialize::PodSerializer;
use spa::pod::{ChoiceValue, Object, Pod, Property, Value, object, property};
use spa::sys;
use spa::utils::{Choice, ChoiceEnum, ChoiceFlags, Fraction, Rectangle, SpaTypes};

use crate::settings::{Geometry, PixelFormat};

/// Buffers, unless consumers want fewer: a frame of 1080p takes four megabytes in each, and
/// GStreamer's `pipewiresrc` keeps some of them for a while.
const BUFFERS: i32 = 8;
/// A consumer that wants fewer gets these: it holds one, one is on its way, and one is being filled.
const LEAST_BUFFERS: i32 = 3;

/// The one format there is. A consumer that wants another converts, as with any camera.
pub fn format(geometry: Geometry, framerate: u32) -> io::Result<Vec<u8>> {
    let size = Rectangle {
        width: geometry.width,
        height: geometry.height,
    };
    let framerate = Fraction {
        num: framerate,
        denom: 1,
    };
    serialize(object!(
        SpaTypes::ObjectParamFormat,
        ParamType::EnumFormat,
        property!(FormatProperties::MediaType, Id, MediaType::Video),
        property!(FormatProperties::MediaSubtype, Id, MediaSubtype::Raw),
        property!(FormatProperties::VideoFormat, Id, name(geometry.format)),
        property!(FormatProperties::VideoSize, Rectangle, size),
        property!(FormatProperties::VideoFramerate, Fraction, framerate),
    ))
}

/// Answers to a format that was agreed on: with what buffers it comes, and what beside the pixels.
pub fn answer(stream: &Stream, geometry: Geometry) -> io::Result<()> {
    let (buffers, header) = (buffers(geometry)?, header()?);
    stream
        .update_params(&mut [pod(&buffers)?, pod(&header)?])
        .map_err(io::Error::other)
}

/// All planes lie in one block of memory, which consumers can map.
fn buffers(geometry: Geometry) -> io::Result<Vec<u8>> {
    let stride = geometry.planes().first().map_or(0, |plane| plane.stride);
    let number = ChoiceEnum::Range {
        default: BUFFERS,
        min: LEAST_BUFFERS,
        max: BUFFERS,
    };
    let memory = ChoiceEnum::Flags {
        default: 1 << sys::SPA_DATA_MemFd,
        flags: Vec::new(),
    };
    serialize(Object {
        type_: SpaTypes::ObjectParamBuffers.as_raw(),
        id: ParamType::Buffers.as_raw(),
        properties: vec![
            choice(sys::SPA_PARAM_BUFFERS_buffers, number),
            int(sys::SPA_PARAM_BUFFERS_blocks, 1)?,
            int(sys::SPA_PARAM_BUFFERS_size, geometry.frame_len())?,
            int(sys::SPA_PARAM_BUFFERS_stride, stride)?,
            choice(sys::SPA_PARAM_BUFFERS_dataType, memory),
        ],
    })
}

/// The header that carries time and number of a frame.
fn header() -> io::Result<Vec<u8>> {
    let kind = Value::Id(spa::utils::Id(sys::SPA_META_Header));
    serialize(Object {
        type_: SpaTypes::ObjectParamMeta.as_raw(),
        id: ParamType::Meta.as_raw(),
        properties: vec![
            Property::new(sys::SPA_PARAM_META_type, kind),
            int(sys::SPA_PARAM_META_size, size_of::<sys::spa_meta_header>())?,
        ],
    })
}

fn name(format: PixelFormat) -> VideoFormat {
    match format {
        PixelFormat::Yuy2 => VideoFormat::YUY2,
        PixelFormat::Uyvy => VideoFormat::UYVY,
        PixelFormat::Nv12 => VideoFormat::NV12,
        PixelFormat::I420 => VideoFormat::I420,
    }
}

fn int(key: u32, value: usize) -> io::Result<Property> {
    let value = i32::try_from(value).map_err(io::Error::other)?;
    Ok(Property::new(key, Value::Int(value)))
}

fn choice(key: u32, choice: ChoiceEnum<i32>) -> Property {
    let choice = Choice(ChoiceFlags::empty(), choice);
    Property::new(key, Value::Choice(ChoiceValue::Int(choice)))
}

fn serialize(object: Object) -> io::Result<Vec<u8>> {
    PodSerializer::serialize(Cursor::new(Vec::new()), &Value::Object(object))
        .map(|(cursor, _)| cursor.into_inner())
        .map_err(|error| io::Error::other(format!("{error:?}")))
}

/// What was serialised, as the library takes it.
pub fn pod(bytes: &[u8]) -> io::Result<&Pod> {
    Pod::from_bytes(bytes).ok_or_else(|| io::Error::other("a parameter is malformed"))
}
