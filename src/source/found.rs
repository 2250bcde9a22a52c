//! Cameras that were found, and which of them to take.

use serde::{Deserialize, Serialize};

use crate::relay::{Fault, FaultKind};
use crate::settings::n_;

/// A camera as found by probing; a line of JSON on the probing child's standard output.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// The source's kind, as [`SourceSpec::kind`](crate::settings::SourceSpec::kind) has it.
    pub kind: String,
    /// The source as `--source` takes it.
    pub spec: String,
    /// The same, by a name that means this camera after a restart and in another socket as well,
    /// where there is one: what to remember it by.
    #[serde(default)]
    pub id: String,
    /// What a person would call it.
    pub name: String,
    /// The place in the order in which `auto` tries sources, the first one lowest.
    pub rank: u32,
    /// What pictures it gives, the largest first. Empty where that is not known beforehand.
    #[serde(default)]
    pub modes: Vec<Mode>,
    /// Why it can't be used; `None` if it can.
    pub problem: Option<Fault>,
    /// What it is made of, where that is known: cameras of two kinds that share a part are one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<String>,
}

/// A size that a camera gives in a format.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mode {
    /// The pixel format, as GStreamer calls it; `MJPG` for Motion JPEG.
    pub format: String,
    /// Pixels in a line.
    pub width: u32,
    /// Lines in a frame.
    pub height: u32,
    /// Frames a second, rounded, the most first. Empty where the camera doesn't say.
    pub framerates: Vec<u32>,
}

/// Sizes to name where a camera gives any within a range: those that calls and recordings use.
const USUAL_SIZES: [(u32, u32); 9] = [
    (3840, 2160),
    (2560, 1440),
    (1920, 1080),
    (1600, 1200),
    (1280, 960),
    (1280, 720),
    (800, 600),
    (640, 480),
    (640, 360),
];

/// Rates to name where a camera gives any within a range.
const USUAL_RATES: [u32; 8] = [120, 60, 50, 30, 25, 20, 15, 10];

/// The numbers from one to another, so far apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    pub least: u32,
    pub most: u32,
    /// 0 and 1 both mean every number.
    pub step: u32,
}

impl Range {
    /// One number.
    pub fn only(number: u32) -> Self {
        Self {
            least: number,
            most: number,
            step: 1,
        }
    }

    fn contains(&self, number: u32) -> bool {
        (self.least..=self.most).contains(&number)
            && (number - self.least).is_multiple_of(self.step.max(1))
    }
}

/// The sizes to name of all that two ranges allow; the largest one if none is usual.
pub fn usual_sizes(width: Range, height: Range) -> Vec<(u32, u32)> {
    let fits = |(w, h): &(u32, u32)| width.contains(*w) && height.contains(*h);
    let usual: Vec<_> = USUAL_SIZES.into_iter().filter(fits).collect();
    if usual.is_empty() {
        vec![(width.most, height.most)]
    } else {
        usual
    }
}

/// The rates to name between two in thousandths of a frame a second; the fastest one if none is
/// usual.
pub fn usual_rates(least: u64, most: u64) -> Vec<u32> {
    let fits = |rate: &u32| (least..=most).contains(&(u64::from(*rate) * 1000));
    let usual: Vec<_> = USUAL_RATES.into_iter().filter(fits).collect();
    if usual.is_empty() {
        vec![rounded(most)]
    } else {
        usual
    }
}

/// Whole frames a second from thousandths of one.
pub fn rounded(millihertz: u64) -> u32 {
    u32::try_from((millihertz + 500) / 1000).unwrap_or(u32::MAX)
}

/// Modes with the largest first, each once, whatever order a driver told them in.
pub fn tidied(modes: Vec<Mode>) -> Vec<Mode> {
    let mut tidy: Vec<Mode> = Vec::new();
    for mut mode in modes {
        let same = |known: &&mut Mode| {
            (&known.format, known.width, known.height) == (&mode.format, mode.width, mode.height)
        };
        match tidy.iter_mut().find(same) {
            Some(known) => known.framerates.append(&mut mode.framerates),
            None => tidy.push(mode),
        }
    }
    for mode in &mut tidy {
        mode.framerates.sort_unstable_by(|a, b| b.cmp(a));
        mode.framerates.dedup();
    }
    // Stable: a camera names the format that it likes best first.
    tidy.sort_by_key(|mode| std::cmp::Reverse(u64::from(mode.width) * u64::from(mode.height)));
    tidy
}

/// Everything found, in the order in which `auto` tries it, each camera once: the first kind that
/// has it goes before those that reach it another way.
pub fn distinct(mut found: Vec<Found>) -> Vec<Found> {
    found.sort_by_key(|found| found.rank);
    let mut kept: Vec<Found> = Vec::new();
    for found in found {
        let is_same = |other: &Found| {
            other.kind != found.kind && other.parts.iter().any(|part| found.parts.contains(part))
        };
        if !kept.iter().any(is_same) {
            kept.push(found);
        }
    }
    kept
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
            n_("no usable camera was found: `lenscap devices` says why for each that was looked at"),
        )
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(spec: &str, rank: u32, problem: Option<FaultKind>) -> Found {
        Found {
            kind: spec.split(':').next().unwrap_or_default().to_owned(),
            spec: spec.to_owned(),
            name: spec.to_owned(),
            rank,
            problem: problem.map(|kind| Fault::new(kind, spec)),
            ..Found::default()
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
    fn a_camera_is_listed_once_however_many_stacks_reach_it() {
        let with = |spec: &str, rank, parts: &[&str]| Found {
            parts: parts.iter().map(ToString::to_string).collect(),
            ..found(spec, rank, None)
        };
        let all = vec![
            with("pipewire:a", 3, &["/dev/video0"]),
            with("pipewire:b", 4, &["libcamera:front"]),
            with("pipewire:c", 5, &[]),
            with("v4l2:/dev/video0", 1, &["/dev/video0", "usb 1-6"]),
            with("v4l2:/dev/video1", 1, &["/dev/video1", "usb 1-6"]),
            with("libcamera:usb", 2, &["usb 1-6"]),
            with("libcamera:front", 2, &["libcamera:front", "mipi"]),
            with("libcamera:back", 2, &["libcamera:back", "mipi"]),
        ];
        let kept = distinct(all);
        let kept: Vec<_> = kept.iter().map(|found| found.spec.as_str()).collect();
        assert_eq!(
            kept,
            [
                "v4l2:/dev/video0",
                "v4l2:/dev/video1",
                "libcamera:front",
                "libcamera:back",
                "pipewire:c"
            ]
        );
    }

    #[test]
    fn ranges_are_told_by_what_is_usual_in_them() {
        let range = |least, most, step| Range { least, most, step };
        let sizes = usual_sizes(range(2, 1280, 2), range(1, 720, 1));
        assert_eq!(sizes, [(1280, 720), (800, 600), (640, 480), (640, 360)]);
        let sizes = usual_sizes(range(16, 650, 16), range(16, 490, 16));
        assert_eq!(sizes, [(640, 480)]);
        assert_eq!(
            usual_sizes(Range::only(200), Range::only(100)),
            [(200, 100)]
        );
        assert_eq!(usual_rates(1000, 30_000), [30, 25, 20, 15, 10]);
        assert_eq!(usual_rates(29_970, 29_970), [30]);
        assert_eq!(usual_rates(2000, 7500), [8]);
    }

    #[test]
    fn modes_are_sorted_and_each_there_once() {
        let mode = |format: &str, width, rates: &[u32]| Mode {
            format: format.to_owned(),
            width,
            height: 480,
            framerates: rates.to_vec(),
        };
        let tidy = tidied(vec![
            mode("YUY2", 640, &[15, 30]),
            mode("MJPG", 1280, &[30]),
            mode("MJPG", 640, &[]),
            mode("YUY2", 640, &[30, 60]),
        ]);
        assert_eq!(
            tidy,
            [
                mode("MJPG", 1280, &[30]),
                mode("YUY2", 640, &[60, 30, 15]),
                mode("MJPG", 640, &[]),
            ]
        );
    }

    #[test]
    fn lines_of_another_version_are_read() {
        let line =
            r#"{"kind":"v4l2","spec":"v4l2:/dev/video0","name":"Cam","rank":1,"problem":null}"#;
        let read: Found = serde_json::from_str(line).expect("a camera");
        assert_eq!(read, found_as_cam());
        let line = serde_json::to_string(&Found {
            modes: vec![Mode {
                format: "NV12".to_owned(),
                width: 1920,
                height: 1080,
                framerates: vec![30, 15],
            }],
            ..read
        });
        let modes =
            r#""modes":[{"format":"NV12","width":1920,"height":1080,"framerates":[30,15]}]"#;
        assert!(line.expect("JSON").contains(modes));
    }

    fn found_as_cam() -> Found {
        Found {
            name: "Cam".to_owned(),
            ..found("v4l2:/dev/video0", 1, None)
        }
    }
}
