//! What `lenscap devices --json` prints, read leniently: a newer or older `lenscap` may be the one
//! that is found, and a line that can't be understood must not hide the others.

use serde_json::Value;

/// The devices of this machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Devices {
    /// The real cameras, the one that `auto` takes first.
    pub sources: Vec<Source>,
    /// The virtual ones.
    pub outputs: Vec<Output>,
}

/// A real camera.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    /// Which camera stack.
    pub kind: String,
    /// The source as it is now.
    pub spec: String,
    /// The same by a name that lasts, where there is one.
    pub id: Option<String>,
    /// What a person would call it.
    pub name: String,
    /// Its place in the order in which `auto` tries cameras.
    pub rank: u64,
    /// Why it can't be used.
    pub problem: Option<String>,
    /// The pictures it offers; empty where that is not known.
    pub modes: Vec<Mode>,
}

/// A picture that a camera offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mode {
    /// Pixels in a line.
    pub width: u32,
    /// Lines in a frame.
    pub height: u32,
    /// Frames a second.
    pub framerates: Vec<u32>,
}

/// A virtual camera.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// The kind, as in the settings.
    pub kind: String,
    /// Its device node.
    pub device: String,
    /// The name that applications list.
    pub name: String,
    /// Why it can't be used.
    pub problem: Option<String>,
}

impl Devices {
    /// Reads the lines.
    pub fn parse(text: &str) -> Self {
        let mut devices = Self::default();
        let lines = text.lines().map(serde_json::from_str::<Value>);
        for line in lines.filter_map(Result::ok) {
            match line["type"].as_str() {
                Some("source") => devices.sources.extend(source(&line)),
                Some("output") => devices.outputs.extend(output(&line)),
                _ => {}
            }
        }
        devices.sources.sort_by_key(|source| source.rank);
        devices
    }

    /// The camera that a source setting stands for.
    pub fn source(&self, spec: &str) -> Option<&Source> {
        let mut sources = self.sources.iter();
        match spec {
            "auto" => sources.find(|source| source.problem.is_none()),
            spec => sources.find(|source| source.is(spec)),
        }
    }
}

impl Source {
    /// Whether a source setting means this camera.
    pub fn is(&self, setting: &str) -> bool {
        self.spec == setting || self.id.as_deref() == Some(setting)
    }

    /// What to set so that it is found again after a restart and in another socket.
    pub fn setting(&self) -> &str {
        self.id.as_deref().unwrap_or(&self.spec)
    }
}

fn source(line: &Value) -> Option<Source> {
    let spec = text(&line["spec"])?;
    let modes = line["modes"].as_array().map_or(&[][..], Vec::as_slice);
    Some(Source {
        kind: text(&line["kind"]).unwrap_or_default(),
        name: text(&line["name"]).unwrap_or_else(|| spec.clone()),
        spec,
        id: text(&line["id"]),
        rank: line["rank"].as_u64().unwrap_or(u64::MAX),
        problem: problem(&line["problem"]),
        modes: modes.iter().filter_map(mode).collect(),
    })
}

fn mode(value: &Value) -> Option<Mode> {
    let number = |value: &Value| u32::try_from(value.as_u64()?).ok();
    let framerates = value["framerates"].as_array();
    Some(Mode {
        width: number(&value["width"])?,
        height: number(&value["height"])?,
        framerates: framerates
            .map_or(&[][..], Vec::as_slice)
            .iter()
            .filter_map(number)
            .collect(),
    })
}

fn output(line: &Value) -> Option<Output> {
    let device = text(&line["device"])?;
    Some(Output {
        kind: text(&line["kind"]).unwrap_or_default(),
        name: text(&line["name"]).unwrap_or_else(|| device.clone()),
        device,
        problem: problem(&line["problem"]),
    })
}

/// A problem is an object with a kind and a text, or a text alone.
fn problem(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::Object(fault) => fault.get("text").and_then(text).or(Some(String::new())),
        other => text(other).or(Some(String::new())),
    }
}

fn text(value: &Value) -> Option<String> {
    value
        .as_str()
        .map(str::to_owned)
        .filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_of_every_version_are_understood() {
        let devices = Devices::parse(
            r#"{"type":"source","kind":"v4l2","spec":"v4l2:/dev/video0","name":"HP HD Camera","rank":1000,"problem":null,"id":"x","modes":[{"format":"NV12","width":1920,"height":1080,"framerates":[30,15]},{"width":"?"},{"format":"MJPG","width":640,"height":480}]}
{"type":"source","kind":"icamerasrc","spec":"icamerasrc","name":"Intel IPU camera","rank":0,"problem":{"kind":"no_camera","text":"not installed"}}
{"type":"source","spec":"libcamera:x","problem":"busy"}
not JSON
{"type":"source"}
{"type":"lamp","spec":"x"}
{"type":"output","kind":"v4l2loopback","device":"/dev/video10","name":"Lenscap","problem":null}
"#,
        );
        let specs: Vec<_> = devices.sources.iter().map(|source| &source.spec).collect();
        assert_eq!(specs, ["icamerasrc", "v4l2:/dev/video0", "libcamera:x"]);
        assert_eq!(devices.sources[0].problem.as_deref(), Some("not installed"));
        assert_eq!(devices.sources[1].modes.len(), 2);
        assert_eq!(devices.sources[1].modes[0].framerates, [30, 15]);
        assert_eq!(devices.sources[2].name, "libcamera:x");
        assert_eq!(devices.sources[2].problem.as_deref(), Some("busy"));
        assert_eq!(devices.outputs[0].device, "/dev/video10");
    }

    #[test]
    fn auto_is_the_first_that_works() {
        let devices = Devices::parse(
            r#"{"type":"source","spec":"a","rank":1,"problem":"no"}
{"type":"source","spec":"c","rank":3}
{"type":"source","spec":"b","rank":2}"#,
        );
        assert_eq!(devices.source("auto").unwrap().spec, "b");
        assert_eq!(devices.source("a").unwrap().spec, "a");
        assert_eq!(devices.source("d"), None);
    }
}
