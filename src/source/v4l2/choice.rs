//! Choice of the camera's mode for a requested picture.

use gstreamer::{self as gst, glib};

use super::super::{Wanted, int};

/// A mode of a camera.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    pub jpeg: bool,
    pub width: i32,
    pub height: i32,
    /// Frames per second.
    pub rate: gst::Fraction,
}

impl Choice {
    /// Exactly this mode, in the camera's preferred raw format.
    pub fn caps(&self) -> gst::Caps {
        let media = if self.jpeg {
            "image/jpeg"
        } else {
            "video/x-raw"
        };
        gst::Caps::builder(media)
            .field("width", self.width)
            .field("height", self.height)
            .field("framerate", self.rate)
            .build()
    }

    pub fn is_exact(&self, wanted: &Wanted) -> bool {
        (self.width, self.height) == (int(wanted.width), int(wanted.height))
    }

    /// The mode with the lowest cost is chosen. The size takes precedence unless the rate is less than
    /// half the requested one: many cameras have their largest raw pictures at five frames per second.
    fn cost(&self, wanted: &Wanted) -> impl Ord + use<> {
        let (width, height) = (int(wanted.width), int(wanted.height));
        let rate = millihertz(self.rate);
        let wanted_rate = i64::from(wanted.framerate) * 1000;
        let shortage = match wanted_rate - rate {
            small if small * 20 <= wanted_rate => 0, // 29.97 and the like
            shortage => shortage,
        };
        let area = |width: i32, height: i32| i64::from(width) * i64::from(height);
        (
            rate * 2 < wanted_rate,
            !self.is_exact(wanted),
            shortage,
            self.width < width || self.height < height,
            (area(self.width, self.height) - area(width, height)).abs(),
            self.jpeg, // decoding costs
            rate,
        )
    }
}

pub fn choose(modes: &[Choice], wanted: &Wanted) -> Option<Choice> {
    modes.iter().min_by_key(|mode| mode.cost(wanted)).copied()
}

/// The modes in a source's caps: for each size, the nearest rate; for ranges, the nearest size.
pub fn modes(caps: &gst::Caps, wanted: &Wanted) -> Vec<Choice> {
    caps.iter_with_features()
        .filter(|(_, features)| features.is_equal(&gst::CAPS_FEATURES_MEMORY_SYSTEM_MEMORY))
        .filter_map(|(structure, _)| mode(structure, wanted))
        .collect()
}

fn mode(structure: &gst::StructureRef, wanted: &Wanted) -> Option<Choice> {
    let jpeg = match structure.name().as_str() {
        "video/x-raw" => false,
        "image/jpeg" => true,
        _ => return None,
    };
    Some(Choice {
        jpeg,
        width: nearest(structure.value("width").ok()?, int(wanted.width))?,
        height: nearest(structure.value("height").ok()?, int(wanted.height))?,
        rate: nearest_rate(structure.value("framerate").ok()?, int(wanted.framerate))?,
    })
}

/// The nearest number that a value in caps allows.
fn nearest(value: &glib::SendValue, wanted: i32) -> Option<i32> {
    if let Ok(range) = value.get::<gst::IntRange<i32>>() {
        let (least, most) = (range.min(), range.max());
        let steps = (wanted.clamp(least, most) - least) / range.step().max(1);
        return Some(least + steps * range.step());
    }
    if let Ok(list) = value.get::<gst::List>() {
        let numbers = list.iter().filter_map(|value| value.get::<i32>().ok());
        return numbers.min_by_key(|number| number.abs_diff(wanted));
    }
    value.get().ok()
}

/// The nearest rate that a value in caps allows.
fn nearest_rate(value: &glib::SendValue, wanted: i32) -> Option<gst::Fraction> {
    if let Ok(range) = value.get::<gst::FractionRange>() {
        return Some(gst::Fraction::new(wanted, 1).clamp(range.min(), range.max()));
    }
    if let Ok(list) = value.get::<gst::List>() {
        let rates = list
            .iter()
            .filter_map(|value| value.get::<gst::Fraction>().ok());
        return rates.min_by_key(|rate| (millihertz(*rate) - i64::from(wanted) * 1000).abs());
    }
    value.get().ok()
}

fn millihertz(rate: gst::Fraction) -> i64 {
    i64::from(rate.numer()) * 1000 / i64::from(rate.denom()).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks the choice for 1280x720 at 30.
    fn check(caps: &str, expected: &str) {
        gst::init().expect("GStreamer");
        let wanted = Wanted {
            width: 1280,
            height: 720,
            framerate: 30,
            buffer_count: 7,
        };
        let caps: gst::Caps = caps.parse().expect(caps);
        let choice = choose(&modes(&caps, &wanted), &wanted);
        let text = choice.map_or_else(String::new, |choice| {
            let kind = if choice.jpeg { "jpeg" } else { "raw" };
            format!("{kind} {}x{}@{}", choice.width, choice.height, choice.rate)
        });
        assert_eq!(text, expected, "{caps}");
    }

    const RAW: &str = "video/x-raw,format=YUY2";
    const JPEG: &str = "image/jpeg";

    #[test]
    fn raw_is_preferred_to_jpeg_if_it_is_fast_enough() {
        check(
            &format!(
                "{RAW},width=1280,height=720,framerate=(fraction){{30/1,15/1}};{JPEG},width=1280,height=720,framerate=30/1"
            ),
            "raw 1280x720@30",
        );
        check(
            &format!(
                "{RAW},width=1280,height=720,framerate=10/1;{JPEG},width=1280,height=720,framerate=30/1"
            ),
            "jpeg 1280x720@30",
        );
        check(
            &format!(
                "{RAW},width=1280,height=720,framerate=30000/1001;{JPEG},width=1280,height=720,framerate=30/1"
            ),
            "raw 1280x720@30000/1001",
        );
    }

    #[test]
    fn size_precedes_rate_down_to_half_the_rate() {
        check(
            &format!(
                "{RAW},width=1280,height=720,framerate=15/1;{RAW},width=640,height=480,framerate=30/1"
            ),
            "raw 1280x720@15",
        );
        check(
            &format!(
                "{RAW},width=1280,height=720,framerate=5/1;{RAW},width=640,height=480,framerate=30/1"
            ),
            "raw 640x480@30",
        );
        check(
            &format!("{RAW},width=1280,height=720,framerate=5/1"),
            "raw 1280x720@5",
        );
    }

    #[test]
    fn the_nearest_larger_size_is_preferred() {
        check(
            &format!(
                "{RAW},width=640,height=480,framerate=30/1;{RAW},width=2592,height=1944,framerate=30/1;{JPEG},width=1920,height=1080,framerate=30/1"
            ),
            "jpeg 1920x1080@30",
        );
        check(
            &format!(
                "{RAW},width=320,height=240,framerate=30/1;{RAW},width=640,height=480,framerate=30/1"
            ),
            "raw 640x480@30",
        );
    }

    #[test]
    fn ranges_provide_the_requested_or_nearest_values() {
        check(
            &format!("{RAW},width=[2,8192,2],height=[2,8192,2],framerate=[1/1,60/1]"),
            "raw 1280x720@30",
        );
        check(
            &format!("{RAW},width=[16,640,16],height=[16,480,16],framerate=[1/1,25/1]"),
            "raw 640x480@25",
        );
        check(
            &format!("{RAW},width={{640,1280}},height=720,framerate={{60/1,25/1,30/1}}"),
            "raw 1280x720@30",
        );
    }

    #[test]
    fn unsupported_formats_are_not_chosen() {
        check("video/x-bayer,width=1280,height=720,framerate=30/1", "");
        check(
            "video/x-raw(format:Interlaced),format=YUY2,width=1280,height=720,framerate=30/1",
            "",
        );
        check("video/x-h264,width=1280,height=720,framerate=30/1", "");
    }
}
