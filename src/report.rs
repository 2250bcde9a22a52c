//! What the applet tells about itself: the status as JSON, for scripts and for preferences, and in
//! plain words.

mod phrases;
mod text;

pub use phrases::Phrase;
pub use text::sentence;

use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::relay::{self, Cover, StateName};

/// The status. The order of the keys is part of the interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// What the relay is doing.
    pub state: StateName,
    /// Whether the user covered the camera.
    pub paused: bool,
    /// What else covers it, for as long as it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub covered_by: Option<Cover>,
    /// Whether the camera is open, or may still be.
    pub camera_open: bool,
    /// When the state began; see [`utc_seconds`].
    pub since: String,
    /// The real camera.
    pub source: Source,
    /// The virtual cameras.
    pub outputs: Vec<Output>,
    /// The clients.
    pub clients: Vec<Client>,
    /// What is wrong and what to do about it, in one line.
    pub error: Option<String>,
    /// The config keys that the command line overrides.
    pub overridden: Vec<String>,
    /// Whether another version is installed than the one that runs.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub update: bool,
    /// The capture worker's process.
    pub worker_pid: Option<u32>,
    /// Figures since the start. Only on demand: they change with every frame, so they are never
    /// part of change signals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stats: Option<Stats>,
}

/// The real camera.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Which camera stack; `auto` while none is found.
    pub kind: String,
    /// What a person would call it; may be empty.
    pub name: String,
    /// The source that was asked for, where it is not there and this one stands in for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instead_of: Option<String>,
}

/// A virtual camera.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// Which kind.
    pub kind: String,
    /// The device node.
    pub device: String,
    /// The name that applications list.
    pub name: String,
    /// Pixels in a line.
    pub width: u32,
    /// Lines in a frame.
    pub height: u32,
    /// Frames a second.
    pub framerate: u32,
    /// The pixel format.
    pub format: String,
    /// How its clients are noticed.
    pub watch: String,
}

/// A client's application.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Client {
    /// Process id; 0 for one in a sandbox of which nobody knows it.
    pub pid: u32,
    /// What a person would call it.
    pub name: String,
}

/// Figures since the applet's start.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stats {
    /// How often the camera was opened.
    pub activations: u64,
    /// Camera frames shown.
    pub frames: u64,
    /// Camera frames that came and were not shown.
    pub dropped: u64,
    /// From opening the camera to its first frame, the last time; null before the first.
    pub start_ms: Option<u64>,
}

impl Report {
    /// The report as one line of JSON.
    pub fn to_json(&self) -> String {
        // Only maps with odd keys and failing writers can fail here, and there are none.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads what [`to_json`](Self::to_json) wrote.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// The report as change signals carry it.
    #[must_use]
    pub fn without_stats(&self) -> Self {
        Self {
            stats: None,
            ..self.clone()
        }
    }
}

impl From<relay::Stats> for Stats {
    fn from(stats: relay::Stats) -> Self {
        Self {
            activations: stats.activations,
            frames: stats.frames,
            dropped: stats.dropped,
            start_ms: stats
                .start
                .and_then(|start| start.as_millis().try_into().ok()),
        }
    }
}

impl From<&relay::Client> for Client {
    fn from(client: &relay::Client) -> Self {
        Self {
            pid: client.pid,
            name: client.name.clone(),
        }
    }
}

/// A time as reports write it: RFC 3339, in UTC, whole seconds.
pub fn utc_seconds(time: SystemTime) -> String {
    // Times outside years -9999 to 9999 don't convert; a clock that far off has no better answer.
    let time = jiff::Timestamp::try_from(time).unwrap_or_default();
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const LINE: &str = r#"{"state":"live","paused":false,"camera_open":true,"since":"2026-11-20T12:00:00Z","source":{"kind":"icamerasrc","name":"ov02c10-uf"},"outputs":[{"kind":"v4l2loopback","device":"/dev/video10","name":"Lenscap","width":1920,"height":1080,"framerate":30,"format":"YUY2","watch":"usage-event"}],"clients":[{"pid":123,"name":"firefox"}],"error":null,"overridden":["width"],"worker_pid":456,"stats":{"activations":1,"frames":100,"dropped":0,"start_ms":412}}"#;

    #[test]
    fn the_json_has_the_documented_keys_in_order() {
        let report = Report::from_json(LINE).unwrap();
        assert_eq!(report.to_json(), LINE);
    }

    #[test]
    fn a_camera_that_stands_in_says_so() {
        let mut report = Report::from_json(LINE).unwrap();
        report.source.instead_of = Some("libcamera:x".to_owned());
        let source = r#""name":"ov02c10-uf","instead_of":"libcamera:x"}"#;
        assert!(report.to_json().contains(source), "{}", report.to_json());
    }

    #[test]
    fn a_cover_is_there_while_there_is_one() {
        let mut report = Report::from_json(LINE).unwrap();
        for cover in [Cover::Lock, Cover::Sleep] {
            report.covered_by = Some(cover);
            let word = cover.as_str();
            let key = format!(r#""paused":false,"covered_by":"{word}","camera_open":"#);
            assert!(report.to_json().contains(&key), "{}", report.to_json());
            assert_eq!(Report::from_json(&report.to_json()).unwrap(), report);
        }
    }

    #[test]
    fn an_update_is_there_until_the_restart() {
        let mut report = Report::from_json(LINE).unwrap();
        report.update = true;
        let key = r#""overridden":["width"],"update":true,"worker_pid":"#;
        assert!(report.to_json().contains(key), "{}", report.to_json());
        assert_eq!(Report::from_json(&report.to_json()).unwrap(), report);
    }

    #[test]
    fn stats_may_be_left_out_and_other_unknowns_are_null() {
        let mut report = Report::from_json(LINE).unwrap().without_stats();
        assert!(report.to_json().ends_with(r#""worker_pid":456}"#));
        report.worker_pid = None;
        report.stats = Some(Stats::default());
        let end = r#""worker_pid":null,"stats":{"activations":0,"frames":0,"dropped":0,"start_ms":null}}"#;
        assert!(report.to_json().ends_with(end), "{}", report.to_json());
    }

    #[test]
    fn times_are_whole_seconds_in_utc() {
        let time = SystemTime::UNIX_EPOCH + Duration::from_millis(1_795_176_000_999);
        assert_eq!(utc_seconds(time), "2026-11-20T12:00:00Z");
    }
}
