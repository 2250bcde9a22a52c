//! What `lenscap devices --json` prints. A newer or older `lenscap` may be the one that is found: a line
//! that can't be understood hides no other one.

use lenscap::output::FoundOutput;
use lenscap::source::Found;
use serde::Deserialize;

/// The devices of this machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Devices {
    /// The real cameras, the one that `auto` takes first.
    pub sources: Vec<Found>,
    /// The virtual ones.
    pub outputs: Vec<FoundOutput>,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Line {
    Source(Found),
    Output(FoundOutput),
}

impl Devices {
    /// Reads the lines.
    pub fn parse(text: &str) -> Self {
        let mut devices = Self::default();
        for line in text.lines().map(serde_json::from_str) {
            match line {
                Ok(Line::Source(source)) => devices.sources.push(source),
                Ok(Line::Output(output)) => devices.outputs.push(output),
                Err(error) => tracing::debug!("a device can't be read: {error}"),
            }
        }
        devices.sources.sort_by_key(|source| source.rank);
        devices
    }

    /// The camera that a source setting stands for.
    pub fn source(&self, spec: &str) -> Option<&Found> {
        let mut sources = self.sources.iter();
        match spec {
            "auto" => sources.find(|source| source.problem.is_none()),
            spec => sources.find(|source| is(source, spec)),
        }
    }
}

/// Whether a source setting means this camera.
pub fn is(source: &Found, setting: &str) -> bool {
    source.spec == setting || !source.id.is_empty() && source.id == setting
}

/// What to set so that the camera is found again after a restart and in another socket.
pub fn setting(source: &Found) -> &str {
    if source.id.is_empty() {
        &source.spec
    } else {
        &source.id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_not_understood_hides_no_other_one() {
        let devices = Devices::parse(
            r#"{"type":"source","kind":"v4l2","spec":"v4l2:/dev/video0","name":"HP HD Camera","rank":1000,"problem":null,"id":"x","modes":[{"format":"NV12","width":1920,"height":1080,"framerates":[30,15]}],"new":1}
{"type":"source","kind":"icamerasrc","spec":"icamerasrc","name":"Intel IPU camera","rank":0,"problem":{"kind":"no_camera","text":"not installed"}}
not JSON
{"type":"source"}
{"type":"lamp","spec":"x"}
{"type":"output","kind":"v4l2loopback","device":"/dev/video10","name":"Lenscap","problem":null}
"#,
        );
        let specs: Vec<_> = devices.sources.iter().map(|source| &source.spec).collect();
        assert_eq!(specs, ["icamerasrc", "v4l2:/dev/video0"]);
        let [intel, webcam] = &devices.sources[..] else {
            unreachable!()
        };
        assert_eq!(intel.problem.as_ref().unwrap().to_string(), "not installed");
        assert_eq!(webcam.modes[0].framerates, [30, 15]);
        assert_eq!(devices.outputs[0].device, "/dev/video10");
        assert_eq!((setting(intel), setting(webcam)), ("icamerasrc", "x"));
        assert!(is(webcam, "x") && is(webcam, "v4l2:/dev/video0") && !is(intel, ""));
    }

    #[test]
    fn auto_is_the_first_that_works() {
        let line = |spec: &str, rank: u32, problem: &str| {
            format!(
                r#"{{"type":"source","kind":"v4l2","spec":"{spec}","name":"","rank":{rank},"problem":{problem}}}"#
            )
        };
        let broken = r#"{"kind":"busy","text":"no"}"#;
        let lines = [
            line("a", 1, broken),
            line("c", 3, "null"),
            line("b", 2, "null"),
        ];
        let devices = Devices::parse(&lines.join("\n"));
        assert_eq!(devices.source("auto").unwrap().spec, "b");
        assert_eq!(devices.source("a").unwrap().spec, "a");
        assert_eq!(devices.source("d"), None);
    }
}
