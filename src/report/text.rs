//! The report in plain words, for people at a terminal.

use std::fmt;

use jiff::Timestamp;

use super::{Client, Output, Report, Source};
use crate::relay::StateName;

impl Report {
    /// The report in plain words, a line for each thing worth knowing.
    pub fn to_text(&self, now: Timestamp) -> String {
        let mut lines = vec![format!("{}{}", self.headline(), self.age(now))];
        lines.extend(
            self.error
                .as_ref()
                .map(|error| format!("Problem:         {error}")),
        );
        lines.push(format!("Camera:          {}", self.source));
        if self.outputs.is_empty() {
            lines.push("Virtual camera:  none".to_owned());
        }
        let outputs = self.outputs.iter();
        lines.extend(outputs.map(|output| format!("Virtual camera:  {output}")));
        if !self.overridden.is_empty() {
            let keys = self.overridden.join(", ");
            lines.push(format!(
                "Command line:    overrides {keys} of the config file"
            ));
        }
        lines.join("\n") + "\n"
    }

    /// How long the state has lasted, in brackets; nothing where that can't be told.
    fn age(&self, now: Timestamp) -> String {
        let since = self.since.parse().ok();
        since.map_or_else(String::new, |since: Timestamp| {
            format!(" ({})", ago(now.as_second() - since.as_second()))
        })
    }

    fn headline(&self) -> String {
        let who = names(&self.clients);
        match self.state {
            StateName::Idle => "The camera is off: nobody is using it.".to_owned(),
            StateName::Arming => format!("The camera is off, and about to start for {who}."),
            StateName::Starting => format!("The camera is starting for {who}."),
            StateName::Live => format!("The camera is on for {who}."),
            StateName::Cooldown => {
                "The camera is on, but nobody is using it: it goes off soon.".to_owned()
            }
            StateName::Paused if self.camera_open => "Paused: the camera is going off.".to_owned(),
            StateName::Paused => "Paused: the camera stays off until 'lenscap resume'.".to_owned(),
            StateName::Failed if self.paused => "Paused, and there is no picture.".to_owned(),
            StateName::Failed => "There is no picture.".to_owned(),
        }
    }
}

/// Who looks, as a person would list them.
fn names(clients: &[Client]) -> String {
    let names: Vec<_> = clients
        .iter()
        .map(|client| format!("{} (process {})", client.name, client.pid))
        .collect();
    match names.split_last() {
        None => "an application".to_owned(),
        Some((only, [])) => only.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
    }
}

/// How long something has been so.
fn ago(seconds: i64) -> String {
    let count = |number, unit| match number {
        1 => format!("for 1 {unit}"),
        _ => format!("for {number} {unit}s"),
    };
    match seconds {
        ..60 => "for less than a minute".to_owned(),
        60..3600 => count(seconds / 60, "minute"),
        3600..172_800 => count(seconds / 3600, "hour"),
        _ => count(seconds / 86_400, "day"),
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.kind.as_str(), self.name.as_str()) {
            ("auto", "") => f.write_str("none found yet"),
            (kind, "") => f.write_str(kind),
            (kind, name) => write!(f, "{name} ({kind})"),
        }?;
        match &self.instead_of {
            Some(wanted) => write!(f, ", as {wanted} is not there"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            device,
            name,
            width,
            height,
            framerate,
            format,
            ..
        } = self;
        write!(
            f,
            "{name} ({device}), {width}x{height} at {framerate} frames a second, {format}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(state: StateName) -> Report {
        Report {
            state,
            paused: state == StateName::Paused,
            camera_open: false,
            since: "2026-11-20T12:00:00Z".to_owned(),
            source: Source {
                kind: "icamerasrc".to_owned(),
                name: "ov02c10-uf".to_owned(),
                instead_of: None,
            },
            outputs: vec![Output {
                kind: "v4l2loopback".to_owned(),
                device: "/dev/video10".to_owned(),
                name: "Lenscap".to_owned(),
                width: 1920,
                height: 1080,
                framerate: 30,
                format: "YUY2".to_owned(),
                watch: "usage-event".to_owned(),
            }],
            clients: Vec::new(),
            error: None,
            overridden: Vec::new(),
            worker_pid: None,
            stats: None,
        }
    }

    fn client(pid: u32, name: &str) -> Client {
        Client {
            pid,
            name: name.to_owned(),
        }
    }

    fn text(report: &Report) -> String {
        report.to_text("2026-11-20T12:05:30Z".parse().unwrap())
    }

    #[test]
    fn a_calm_report_is_three_lines() {
        assert_eq!(
            text(&report(StateName::Idle)),
            "The camera is off: nobody is using it. (for 5 minutes)\n\
             Camera:          ov02c10-uf (icamerasrc)\n\
             Virtual camera:  Lenscap (/dev/video10), 1920x1080 at 30 frames a second, YUY2\n"
        );
    }

    #[test]
    fn a_camera_that_stands_in_says_for_which() {
        let mut report = report(StateName::Idle);
        report.source.instead_of = Some("v4l2:/dev/v4l/by-id/usb-cam".to_owned());
        let line = "Camera:          ov02c10-uf (icamerasrc), as v4l2:/dev/v4l/by-id/usb-cam is not \
                    there\n";
        assert!(text(&report).contains(line), "{}", text(&report));
    }

    #[test]
    fn a_failure_says_what_to_do() {
        let mut report = report(StateName::Failed);
        report.outputs.clear();
        report.source = Source {
            kind: "auto".to_owned(),
            ..Source::default()
        };
        report.error = Some("no v4l2loopback device: run 'modprobe v4l2loopback'".to_owned());
        report.overridden = vec!["width".to_owned(), "height".to_owned()];
        assert_eq!(
            text(&report),
            "There is no picture. (for 5 minutes)\n\
             Problem:         no v4l2loopback device: run 'modprobe v4l2loopback'\n\
             Camera:          none found yet\n\
             Virtual camera:  none\n\
             Command line:    overrides width, height of the config file\n"
        );
    }

    #[test]
    fn applications_are_named_as_a_person_would() {
        assert_eq!(names(&[]), "an application");
        assert_eq!(names(&[client(1, "firefox")]), "firefox (process 1)");
        let three = [client(1, "a"), client(2, "b"), client(3, "c")];
        assert_eq!(
            names(&three),
            "a (process 1), b (process 2) and c (process 3)"
        );
    }

    #[test]
    fn pausing_is_told_from_paused() {
        let mut report = report(StateName::Paused);
        assert!(text(&report).starts_with("Paused: the camera stays off"));
        report.camera_open = true;
        assert!(text(&report).starts_with("Paused: the camera is going off"));
        report.state = StateName::Failed;
        assert!(text(&report).starts_with("Paused, and there is no picture"));
    }

    #[test]
    fn times_are_rounded_to_what_matters() {
        for (seconds, wanted) in [
            (-5, "for less than a minute"),
            (60, "for 1 minute"),
            (3599, "for 59 minutes"),
            (7200, "for 2 hours"),
            (172_800, "for 2 days"),
        ] {
            assert_eq!(ago(seconds), wanted);
        }
    }
}
