//! The cameras found by a probe, and the choice among them.

use serde::{Deserialize, Serialize};

use crate::relay::{Fault, FaultKind};
use crate::settings::n_;

/// A camera found by a probe: a line of JSON in its output.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// [`SourceSpec::kind`](crate::settings::SourceSpec::kind).
    pub kind: String,
    /// The source for `--source`.
    pub spec: String,
    /// The same with a name that stays valid after a restart and in another port, if there is one: for
    /// the config file.
    #[serde(default)]
    pub id: String,
    /// Its name, for display.
    pub name: String,
    /// `auto` tries sources in ascending order.
    pub rank: u32,
    /// Its modes, the largest first. Empty if they aren't known in advance.
    #[serde(default)]
    pub modes: Vec<Mode>,
    /// Why it can't be used.
    pub problem: Option<Fault>,
    /// Its hardware parts, if known: sources of two kinds that share a part are the same camera.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<String>,
}

/// A format and size of a camera.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mode {
    /// GStreamer's name of the pixel format; `MJPG` for Motion JPEG.
    pub format: String,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Rounded frames per second, the fastest first. Empty if unknown.
    pub framerates: Vec<u32>,
}

/// The sizes to list for a range: those common in calls and recordings.
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

/// The rates to list for a range.
const USUAL_RATES: [u32; 8] = [120, 60, 50, 30, 25, 20, 15, 10];

/// A range of numbers with a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    pub least: u32,
    pub most: u32,
    /// 0 means 1.
    pub step: u32,
}

impl Range {
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

/// The usual sizes within two ranges; the largest size if there is none.
pub fn usual_sizes(width: Range, height: Range) -> Vec<(u32, u32)> {
    let fits = |(w, h): &(u32, u32)| width.contains(*w) && height.contains(*h);
    let usual: Vec<_> = USUAL_SIZES.into_iter().filter(fits).collect();
    if usual.is_empty() {
        vec![(width.most, height.most)]
    } else {
        usual
    }
}

/// The usual rates between two limits in mHz; the fastest rate if there is none.
pub fn usual_rates(least: u64, most: u64) -> Vec<u32> {
    let fits = |rate: &u32| (least..=most).contains(&(u64::from(*rate) * 1000));
    let usual: Vec<_> = USUAL_RATES.into_iter().filter(fits).collect();
    if usual.is_empty() {
        vec![rounded(most)]
    } else {
        usual
    }
}

/// Frames per second from mHz.
pub fn rounded(millihertz: u64) -> u32 {
    u32::try_from((millihertz + 500) / 1000).unwrap_or(u32::MAX)
}

/// Modes without duplicates, the largest first.
pub fn sorted_modes(modes: Vec<Mode>) -> Vec<Mode> {
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
    // Stable, as cameras list their preferred format first.
    tidy.sort_by_key(|mode| std::cmp::Reverse(u64::from(mode.width) * u64::from(mode.height)));
    tidy
}

/// The cameras in the order in which `auto` tries them, each once: for a camera with several sources,
/// the first one.
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

/// The source that `auto` chooses.
pub fn best(found: &[Found]) -> Result<&Found, Fault> {
    let usable = found.iter().filter(|found| found.problem.is_none());
    if let Some(best) = usable.min_by_key(|found| found.rank) {
        return Ok(best);
    }
    // Prefers the fault of a camera that can't be opened to that of a device that isn't a camera.
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
    fn auto_chooses_the_first_that_works_or_the_most_useful_fault() {
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
    fn a_camera_of_several_stacks_is_listed_once() {
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
    fn ranges_are_listed_by_usual_values() {
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
    fn modes_are_sorted_without_duplicates() {
        let mode = |format: &str, width, rates: &[u32]| Mode {
            format: format.to_owned(),
            width,
            height: 480,
            framerates: rates.to_vec(),
        };
        let tidy = sorted_modes(vec![
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
