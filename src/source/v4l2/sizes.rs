//! Enumerates a V4L2 device's sizes and rates (`linux/videodev2.h`).

use std::os::fd::AsFd;

use rustix::ioctl::{Opcode, Updater, ioctl, opcode};

use super::super::found::{Mode, Range, rounded, sorted_modes, usual_rates, usual_sizes};
use super::node;

/// Limit of sizes per format and rates per size, in case a driver never ends the enumeration.
const MOST: u32 = 64;

/// `enum v4l2_frmsizetypes` and `enum v4l2_frmivaltypes`; all other types are ranges.
const DISCRETE: u32 = 1;

/// `struct v4l2_frmsizeenum`. A discrete size is in the first two numbers; a range is minimum, maximum
/// and step of the width, then of the height.
#[repr(C)]
#[derive(Default)]
struct FrameSize {
    index: u32,
    pixel_format: u32,
    kind: u32,
    size: [[u32; 3]; 2],
    reserved: [u32; 2],
}

/// `struct v4l2_frmivalenum`. Fractions of a second: one, or minimum, maximum and step.
#[repr(C)]
#[derive(Default)]
struct FrameInterval {
    index: u32,
    pixel_format: u32,
    width: u32,
    height: u32,
    kind: u32,
    interval: [[u32; 2]; 3],
    reserved: [u32; 2],
}

const _: () = assert!(size_of::<FrameSize>() == 44);
const _: () = assert!(size_of::<FrameInterval>() == 52);

const ENUM_FRAMESIZES: Opcode = opcode::read_write::<FrameSize>(b'V', 74);
const ENUM_FRAMEINTERVALS: Opcode = opcode::read_write::<FrameInterval>(b'V', 75);

/// The modes of those formats that are supported.
pub fn modes(device: impl AsFd, formats: &[[u8; 4]]) -> Vec<Mode> {
    let known = formats
        .iter()
        .copied()
        .filter(|format| node::is_supported(*format));
    sorted_modes(
        known
            .flat_map(|format| of_format(&device, format))
            .collect(),
    )
}

fn of_format(device: impl AsFd, format: [u8; 4]) -> Vec<Mode> {
    let sizes = (0..MOST).map_while(|index| frame_size(&device, format, index));
    let mode = |(width, height)| Mode {
        format: name(format),
        width,
        height,
        framerates: rates(&device, format, width, height),
    };
    sizes.flat_map(|size| sizes_of(&size)).map(mode).collect()
}

fn frame_size(device: impl AsFd, format: [u8; 4], index: u32) -> Option<FrameSize> {
    let mut size = FrameSize {
        index,
        pixel_format: u32::from_le_bytes(format),
        ..FrameSize::default()
    };
    // SAFETY: ENUM_FRAMESIZES reads and fills a `v4l2_frmsizeenum`, with the same layout as the struct.
    let asked = unsafe { ioctl(device, Updater::<ENUM_FRAMESIZES, _>::new(&mut size)) };
    asked.ok()?;
    // A range is the only entry, but some drivers return it for every index.
    (size.kind == DISCRETE || index == 0).then_some(size)
}

fn sizes_of(size: &FrameSize) -> Vec<(u32, u32)> {
    let range = |[least, most, step]: [u32; 3]| Range { least, most, step };
    match (size.kind, size.size) {
        (DISCRETE, [[width, height, _], _]) => vec![(width, height)],
        (_, [width, height]) => usual_sizes(range(width), range(height)),
    }
}

fn rates(device: impl AsFd, format: [u8; 4], width: u32, height: u32) -> Vec<u32> {
    let ask = |index| frame_interval(&device, format, (width, height), index);
    let intervals = (0..MOST).map_while(ask);
    let rates = intervals.flat_map(|interval| rates_of(&interval));
    rates.filter(|rate| *rate > 0).collect() // a driver that doesn't know says 0
}

fn frame_interval(
    device: impl AsFd,
    format: [u8; 4],
    (width, height): (u32, u32),
    index: u32,
) -> Option<FrameInterval> {
    let mut interval = FrameInterval {
        index,
        pixel_format: u32::from_le_bytes(format),
        width,
        height,
        ..FrameInterval::default()
    };
    // SAFETY: ENUM_FRAMEINTERVALS reads and fills a `v4l2_frmivalenum`, with the same layout as the
    // struct.
    let asked = unsafe {
        ioctl(
            device,
            Updater::<ENUM_FRAMEINTERVALS, _>::new(&mut interval),
        )
    };
    asked.ok()?;
    (interval.kind == DISCRETE || index == 0).then_some(interval)
}

fn rates_of(interval: &FrameInterval) -> Vec<u32> {
    let [shortest, longest, _step] = interval.interval;
    match interval.kind {
        DISCRETE => vec![rounded(millihertz(shortest))],
        _ => usual_rates(millihertz(longest), millihertz(shortest)),
    }
}

/// The rate of a frame interval.
fn millihertz([seconds, parts]: [u32; 2]) -> u64 {
    u64::from(parts) * 1000 / u64::from(seconds).max(1)
}

/// GStreamer's name of a format, where it differs from V4L2's.
fn name(format: [u8; 4]) -> String {
    let name = match &format {
        b"YUYV" => "YUY2",
        b"YU12" | b"YM12" => "I420",
        b"NM12" => "NV12",
        b"NM21" => "NV21",
        b"JPEG" => "MJPG",
        b"GREY" => "GRAY8",
        b"RGB3" => "RGB",
        b"BGR3" => "BGR",
        other => return String::from_utf8_lossy(other).trim_end().to_owned(),
    };
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn discrete_values_and_ranges_are_read() {
        let size = |kind, size| {
            sizes_of(&FrameSize {
                kind,
                size,
                ..FrameSize::default()
            })
        };
        assert_eq!(size(1, [[640, 480, 0], [0; 3]]), [(640, 480)]);
        let range = size(3, [[2, 1280, 2], [2, 720, 2]]);
        assert_eq!(range[0], (1280, 720));
        let rates = |kind, interval| {
            rates_of(&FrameInterval {
                kind,
                interval,
                ..FrameInterval::default()
            })
        };
        assert_eq!(rates(1, [[1001, 30_000], [0, 0], [0, 0]]), [30]);
        assert_eq!(rates(2, [[1, 30], [1, 15], [1, 1]]), [30, 25, 20, 15]);
        assert_eq!(rates(1, [[0, 0]; 3]), [0]);
    }

    #[test]
    fn formats_have_gstreamers_names() {
        assert_eq!(name(*b"YUYV"), "YUY2");
        assert_eq!(name(*b"MJPG"), "MJPG");
        assert_eq!(name(*b"NV12"), "NV12");
    }
}
