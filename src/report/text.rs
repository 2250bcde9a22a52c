//! The report in plain words, for people at a terminal.

use std::fmt;

use jiff::Timestamp;

use super::{Client, Output, Phrase, Report, Source};
use crate::i18n::{self, gettext, gettext_f};

impl Report {
    /// The report in plain words, a line for each thing worth knowing.
    pub fn to_text(&self, now: Timestamp) -> String {
        let mut rows = Vec::new();
        if let Some(error) = &self.error {
            rows.push((gettext("Problem:"), error.clone()));
        }
        rows.push((gettext("Camera:"), self.source.to_string()));
        // Also where there is no such row, so that the columns of all reports agree.
        let virtual_camera = gettext("Virtual camera:");
        let width = columns(&virtual_camera);
        if self.outputs.is_empty() {
            // Translators: there is no virtual camera.
            rows.push((virtual_camera.clone(), gettext("none")));
        }
        for output in &self.outputs {
            rows.push((virtual_camera.clone(), output.to_string()));
        }
        if !self.overridden.is_empty() {
            let keys = self.overridden.join(", ");
            let text = gettext_f("overrides {keys} of the config file", &[("keys", &keys)]);
            rows.push((gettext("Command line:"), text));
        }
        if self.update {
            let text = gettext("another version is installed: restart Lenscap to use it");
            // Translators: of Lenscap itself.
            rows.push((gettext("Update:"), text));
        }
        let width = rows
            .iter()
            .map(|(label, _)| columns(label))
            .fold(width, usize::max);
        let rows = rows.iter().map(|(label, value)| {
            let gap = " ".repeat(width + 2 - columns(label));
            format!("{label}{gap}{value}")
        });
        let mut lines = vec![self.headline(now)];
        lines.extend(rows);
        lines.join("\n") + "\n"
    }

    /// What is wrong and what to do about it, as a sentence of its own begins.
    pub fn problem(&self) -> Option<String> {
        let error = self.error.as_deref().filter(|text| !text.is_empty());
        error.map(sentence)
    }

    fn headline(&self, now: Timestamp) -> String {
        let who = names(&self.clients);
        let Phrase { title, detail } = self.phrase(who.as_deref());
        self.since(&format!("{title} · {detail}"), now)
    }
}

/// How many columns of a terminal a text takes: the scripts of East Asia take two a letter.
fn columns(text: &str) -> usize {
    let wide = |letter: char| letter >= '\u{1100}';
    text.chars()
        .map(|letter| 1 + usize::from(wide(letter)))
        .sum()
}

/// The clients as a person would list them; `None` for none.
fn names(clients: &[Client]) -> Option<String> {
    let names: Vec<_> = clients
        .iter()
        .map(|client| {
            if client.pid == 0 {
                return client.name.clone();
            }
            let pid = client.pid.to_string();
            gettext_f(
                "{name} (process {pid})",
                &[("name", &client.name), ("pid", &pid)],
            )
        })
        .collect();
    (!names.is_empty()).then(|| i18n::list(&names))
}

/// An error's line as a sentence of its own.
pub fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(letters).collect()
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let camera = match (self.kind.as_str(), self.name.as_str()) {
            // Translators: no camera has been found yet.
            ("auto", "") => gettext("none found yet"),
            (kind, "") => kind.to_owned(),
            (kind, name) => format!("{name} ({kind})"),
        };
        f.write_str(&match &self.instead_of {
            Some(wanted) => gettext_f(
                "{camera}, as {wanted} is not there",
                &[("camera", &camera), ("wanted", wanted)],
            ),
            None => camera,
        })
    }
}

impl Output {
    /// Where it is, in words for a person.
    fn place(&self) -> &str {
        match self.kind.as_str() {
            "pipewire" => "PipeWire",
            _ => &self.device,
        }
    }
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&gettext_f(
            "{name} ({device}), {width}x{height} at {framerate} frames a second, {format}",
            &[
                ("name", &self.name),
                ("device", self.place()),
                ("width", &self.width.to_string()),
                ("height", &self.height.to_string()),
                ("framerate", &self.framerate.to_string()),
                ("format", &self.format),
            ],
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::relay::StateName;

    fn report(state: StateName) -> Report {
        Report {
            state,
            paused: state == StateName::Paused,
            covered_by: None,
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
            update: false,
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
            "Camera is off · No application is using it · for 5 minutes\n\
             Camera:          ov02c10-uf (icamerasrc)\n\
             Virtual camera:  Lenscap (/dev/video10), 1920x1080 at 30 frames a second, YUY2\n"
        );
    }

    #[test]
    fn who_is_in_a_sandbox_has_a_name_alone() {
        let clients = [client(0, "org.gnome.Snapshot"), client(7, "firefox")];
        assert_eq!(
            names(&clients).unwrap(),
            "org.gnome.Snapshot and firefox (process 7)"
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
    fn an_update_is_a_line_of_its_own() {
        let mut report = report(StateName::Live);
        report.update = true;
        let line = "Update:          another version is installed: restart Lenscap to use it\n";
        assert!(text(&report).ends_with(line), "{}", text(&report));
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
            "Camera not available · Lenscap keeps trying · for 5 minutes\n\
             Problem:         no v4l2loopback device: run 'modprobe v4l2loopback'\n\
             Camera:          none found yet\n\
             Virtual camera:  none\n\
             Command line:    overrides width, height of the config file\n"
        );
    }

    #[test]
    fn a_problem_begins_like_a_sentence() {
        let mut report = report(StateName::Failed);
        assert_eq!(report.problem(), None);
        for (error, wanted) in [("", None), ("no camera", Some("No camera"))] {
            report.error = Some(error.to_owned());
            assert_eq!(report.problem().as_deref(), wanted);
        }
    }

    #[test]
    fn applications_are_named_as_a_person_would() {
        assert_eq!(names(&[]), None);
        assert_eq!(
            names(&[client(1, "firefox")]).unwrap(),
            "firefox (process 1)"
        );
        let three = [client(1, "a"), client(2, "b"), client(3, "c")];
        assert_eq!(
            names(&three).unwrap(),
            "a (process 1), b (process 2) and c (process 3)"
        );
    }
}
