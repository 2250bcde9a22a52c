//! GStreamer's device providers, and modes from their caps.
//!
//! Providers are queried separately: a device monitor would start that of V4L2 as well, which opens
//! every video node, our own output included.

use gstreamer::{self as gst, glib, prelude::*};

use super::found::{Mode, Range, rounded, sorted_modes, usual_rates, usual_sizes};

/// The cameras of a device provider; none if its plugin is not installed or its service not running.
pub fn cameras(provider: &str) -> Vec<gst::Device> {
    let Some(factory) = gst::DeviceProviderFactory::find(provider) else {
        return Vec::new();
    };
    let devices = factory.get().map(|provider| provider.devices());
    let is_camera = |device: &gst::Device| device.has_classes("Video/Source");
    devices.into_iter().flatten().filter(is_camera).collect()
}

/// A property of a device, as text.
pub fn property(device: &gst::Device, name: &str) -> Option<String> {
    let properties = device.properties()?;
    properties.get::<String>(name).ok()
}

/// The modes in a device's caps.
pub fn modes(device: &gst::Device) -> Vec<Mode> {
    let caps = device.caps();
    let structures = caps.iter().flat_map(|caps| caps.iter());
    sorted_modes(structures.flat_map(modes_of).collect())
}

fn modes_of(structure: &gst::StructureRef) -> Vec<Mode> {
    let formats = match structure.name().as_str() {
        "video/x-raw" => texts(structure),
        "image/jpeg" => vec!["MJPG".to_owned()],
        _ => return Vec::new(),
    };
    let sizes = || {
        Some(usual_sizes(
            range(structure.value("width").ok()?)?,
            range(structure.value("height").ok()?)?,
        ))
    };
    let framerates = structure.value("framerate").map_or(Vec::new(), rates);
    let sizes = sizes().unwrap_or_default();
    let mode = |format: &String, (width, height)| Mode {
        format: format.clone(),
        width,
        height,
        framerates: framerates.clone(),
    };
    let of_format = |format| sizes.iter().map(move |size| mode(format, *size));
    formats.iter().flat_map(of_format).collect()
}

/// The pixel formats of a structure.
fn texts(structure: &gst::StructureRef) -> Vec<String> {
    let Ok(value) = structure.value("format") else {
        return Vec::new();
    };
    match value.get::<gst::List>() {
        Ok(list) => list.iter().filter_map(|value| value.get().ok()).collect(),
        Err(_) => value.get().into_iter().collect(),
    }
}

/// The sizes that a value in caps allows; of a list, the largest.
fn range(value: &glib::SendValue) -> Option<Range> {
    let number = |number: i32| u32::try_from(number).ok();
    if let Ok(range) = value.get::<gst::IntRange<i32>>() {
        return Some(Range {
            least: number(range.min())?,
            most: number(range.max())?,
            step: number(range.step())?,
        });
    }
    if let Ok(list) = value.get::<gst::List>() {
        let numbers = list.iter().filter_map(|value| value.get::<i32>().ok());
        return number(numbers.max()?).map(Range::only);
    }
    number(value.get().ok()?).map(Range::only)
}

/// The rates that a value in caps allows; none for a variable rate (0).
fn rates(value: &glib::SendValue) -> Vec<u32> {
    if let Ok(range) = value.get::<gst::FractionRange>() {
        return usual_rates(millihertz(range.min()), millihertz(range.max()));
    }
    let fractions: Vec<gst::Fraction> = match value.get::<gst::List>() {
        Ok(list) => list.iter().filter_map(|value| value.get().ok()).collect(),
        Err(_) => value.get().into_iter().collect(),
    };
    let rates = fractions.into_iter().map(|rate| rounded(millihertz(rate)));
    rates.filter(|rate| *rate > 0).collect()
}

fn millihertz(rate: gst::Fraction) -> u64 {
    let part = |number: i32| u64::try_from(number).unwrap_or(0);
    part(rate.numer()) * 1000 / part(rate.denom()).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(caps: &str, expected: &[&str]) {
        gst::init().expect("GStreamer");
        let caps: gst::Caps = caps.parse().expect(caps);
        let modes = sorted_modes(caps.iter().flat_map(modes_of).collect());
        let text = |mode: &Mode| {
            let Mode {
                format,
                width,
                height,
                framerates,
            } = mode;
            format!("{format} {width}x{height} {framerates:?}")
        };
        let modes: Vec<_> = modes.iter().map(text).collect();
        assert_eq!(modes, expected, "{caps}");
    }

    #[test]
    fn modes_are_read_from_all_forms_of_caps() {
        check(
            "video/x-raw,format=YUY2,width=640,height=480,framerate={(fraction)30/1,(fraction)15/1};\
             image/jpeg,width=1280,height=720,framerate=30000/1001",
            &["MJPG 1280x720 [30]", "YUY2 640x480 [30, 15]"],
        );
        check(
            "video/x-raw,format={NV12,BGRx},width=[2,800,2],height=[2,600,2],framerate=[0/1,30/1]",
            &[
                "NV12 800x600 [30, 25, 20, 15, 10]",
                "BGRx 800x600 [30, 25, 20, 15, 10]",
                "NV12 640x480 [30, 25, 20, 15, 10]",
                "BGRx 640x480 [30, 25, 20, 15, 10]",
                "NV12 640x360 [30, 25, 20, 15, 10]",
                "BGRx 640x360 [30, 25, 20, 15, 10]",
            ],
        );
        check(
            "video/x-raw,format=NV12,width=320,height=240",
            &["NV12 320x240 []"],
        );
        check("video/x-bayer,format=bggr,width=320,height=240", &[]);
        check("video/x-raw,format=NV12", &[]);
    }
}
