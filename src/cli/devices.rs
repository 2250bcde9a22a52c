//! `lenscap devices`: lists cameras and virtual cameras, and why some can't be used.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;

use lenscap_actions::module::LOAD;
use serde::Serialize;

use crate::capture::probe;
use crate::clients::find_holders;
use crate::i18n::{gettext, gettext_f, ngettext_f, translate};
use crate::output::FoundOutput;
use crate::relay::Fault;
use crate::settings::{Message, OutputKind};
use crate::source::{Found, Mode};
use crate::stderr::say;

/// How many sizes of a format are listed, the largest first.
const MOST_SIZES: usize = 3;

/// A line of `--json`.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Line<'a> {
    Source(&'a Found),
    Output(&'a FoundOutput),
}

/// Finds the sources, and prints them and these outputs.
pub fn run(json: bool, mut outputs: Vec<FoundOutput>) -> ExitCode {
    outputs.iter_mut().for_each(clear_own_usage);
    let sources = match probe::find_all() {
        Ok(sources) => sources,
        Err(error) => {
            let error = error.to_string();
            let values = [("error", error.as_str())];
            let reason = gettext_f("cannot search for cameras: {error}", &values);
            say(format_args!("lenscap: {reason}"));
            return ExitCode::FAILURE;
        }
    };
    let text = if json {
        lines(&sources, &outputs)
    } else {
        table(&sources, &outputs)
    };
    // A closed pipe (`| head`) is not an error.
    let _ = io::stdout().write_all(text.as_bytes());
    ExitCode::SUCCESS
}

/// An output in use by our own applet has no problem.
fn clear_own_usage(output: &mut FoundOutput) {
    let holders = find_holders(Path::new(&output.device)).unwrap_or_default();
    if holders
        .iter()
        .any(|holder| holder.name == env!("CARGO_PKG_NAME"))
    {
        output.problem = None;
    }
}

/// The same with its text in the user's language, as it goes to other programs.
fn translated(problem: &mut Option<Fault>) {
    if let Some(fault) = problem {
        fault.message = Message::verbatim(translate(&fault.message));
    }
}

fn lines(sources: &[Found], outputs: &[FoundOutput]) -> String {
    let (mut sources, mut outputs) = (sources.to_vec(), outputs.to_vec());
    for found in &mut sources {
        translated(&mut found.problem);
    }
    for found in &mut outputs {
        translated(&mut found.problem);
    }
    let sources = sources.iter().map(Line::Source);
    let all = sources.chain(outputs.iter().map(Line::Output));
    let text = all.filter_map(|line| serde_json::to_string(&line).ok());
    text.map(|line| line + "\n").collect()
}

/// A row of the table: a device, or consecutive ones with the same name and problem.
struct Row<'a> {
    spec: String,
    name: &'a str,
    problem: Option<&'a Fault>,
    /// Further lines.
    facts: Vec<String>,
    /// The number of further devices.
    more: u32,
}

impl Row<'_> {
    fn first_column(&self) -> String {
        match self.more {
            0 => self.spec.clone(),
            more => ngettext_f(
                // Translators: a device, and others like it: "/dev/video1 and 2 more".
                "{device} and {n} more",
                "{device} and {n} more",
                more,
                &[("device", &self.spec)],
            ),
        }
    }
}

fn table(sources: &[Found], outputs: &[FoundOutput]) -> String {
    let sources = sources.iter().map(|found| Row {
        spec: found.spec.clone(),
        name: &found.name,
        problem: found.problem.as_ref(),
        facts: facts(found),
        more: 0,
    });
    let outputs = outputs.iter().map(|found| Row {
        spec: output_spec(found),
        name: &found.name,
        problem: found.problem.as_ref(),
        facts: Vec::new(),
        more: 0,
    });
    let (sources, outputs) = (merge(sources), merge(outputs));
    let all = sources.iter().chain(&outputs);
    let width = all.map(|row| row.first_column().chars().count()).max();
    let width = width.unwrap_or(0);
    let no_source =
        gettext("none: plug a camera in, or install the plugin for the one that is built in");
    let no_output = gettext_f("none: run {command}", &[("command", LOAD)]);
    // Translators: the heading over the list of cameras.
    section(&gettext("Sources"), &sources, width, &no_source)
        + "\n"
        + // Translators: the heading over the list of virtual cameras.
        &section(&gettext("Outputs"), &outputs, width, &no_output)
}

/// The output for `--output`, without vcam's control node, which isn't a camera.
fn output_spec(found: &FoundOutput) -> String {
    match found.device.as_str() {
        device if !device.is_empty() && found.kind != OutputKind::Vcam.name() => {
            format!("{}:{device}", found.kind)
        }
        _ => found.kind.clone(),
    }
}

/// A camera's modes, and its stable name if it has one.
fn facts(found: &Found) -> Vec<String> {
    let modes = (!found.modes.is_empty()).then(|| compact(&found.modes));
    let stable = !found.id.is_empty() && found.id != found.spec;
    let id = stable.then(|| gettext_f("stable name: {source}", &[("source", &found.id)]));
    modes.into_iter().chain(id).collect()
}

/// Modes in one line, grouped by format.
fn compact(modes: &[Mode]) -> String {
    let mut formats: Vec<&str> = Vec::new();
    for mode in modes {
        if !formats.contains(&mode.format.as_str()) {
            formats.push(&mode.format);
        }
    }
    let of = |format: &&str| {
        let sizes: Vec<_> = modes.iter().filter(|mode| mode.format == *format).collect();
        let shown: Vec<_> = sizes
            .iter()
            .take(MOST_SIZES)
            .map(|mode| size(mode))
            .collect();
        let text = format!("{format} {}", shown.join(", "));
        match u32::try_from(sizes.len() - shown.len()) {
            Ok(more @ 1..) => ngettext_f(
                "{modes} and {n} more",
                "{modes} and {n} more",
                more,
                &[("modes", &text)],
            ),
            _ => text,
        }
    };
    formats.iter().map(of).collect::<Vec<_>>().join("; ")
}

/// `1280x720@60/30`.
fn size(mode: &Mode) -> String {
    let rates: Vec<_> = mode.framerates.iter().map(ToString::to_string).collect();
    let at = if rates.is_empty() { "" } else { "@" };
    format!("{}x{}{at}{}", mode.width, mode.height, rates.join("/"))
}

/// Merges consecutive devices with the same problem and name, as IPU6 laptops have dozens of sensor
/// nodes.
fn merge<'a>(rows: impl Iterator<Item = Row<'a>>) -> Vec<Row<'a>> {
    let stem = |name: &'a str| name.trim_end_matches(|c: char| c.is_ascii_digit());
    let mut merged: Vec<Row<'a>> = Vec::new();
    for row in rows {
        match merged.last_mut() {
            Some(last)
                if row.problem.is_some()
                    && last.problem == row.problem
                    && stem(last.name) == stem(row.name) =>
            {
                last.more += 1;
            }
            _ => merged.push(row),
        }
    }
    merged
}

fn section(title: &str, rows: &[Row<'_>], width: usize, none: &str) -> String {
    let mut text = format!("{title}\n");
    if rows.is_empty() {
        let _ = writeln!(text, "  {none}");
    }
    for row in rows {
        let mark = if row.problem.is_none() { "✓" } else { "–" };
        let _ = writeln!(text, "  {mark} {:width$}  {}", row.first_column(), row.name);
        let problem = row.problem.map(|fault| translate(&fault.message));
        for line in problem.iter().chain(&row.facts) {
            let _ = writeln!(text, "      {line}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::relay::FaultKind;

    fn source(spec: &str, name: &str, problem: Option<&str>) -> Found {
        Found {
            kind: "v4l2".to_owned(),
            spec: spec.to_owned(),
            name: name.to_owned(),
            problem: problem.map(|text| Fault::new(FaultKind::Unsupported, text)),
            ..Found::default()
        }
    }

    fn output() -> FoundOutput {
        FoundOutput {
            kind: "v4l2loopback".to_owned(),
            device: "/dev/video10".to_owned(),
            name: "Lenscap".to_owned(),
            problem: None,
        }
    }

    #[test]
    fn the_table_is_aligned_and_has_reasons() {
        let sources = [
            source("v4l2:/dev/video0", "Webcam", None),
            source(
                "v4l2:/dev/video1",
                "Intel IPU6 ISYS Capture 0",
                Some("a sensor"),
            ),
            source(
                "v4l2:/dev/video2",
                "Intel IPU6 ISYS Capture 1",
                Some("a sensor"),
            ),
            source(
                "v4l2:/dev/video3",
                "Intel IPU6 ISYS Capture 10",
                Some("a sensor"),
            ),
        ];
        assert_eq!(
            table(&sources, &[output()]),
            "Sources
  ✓ v4l2:/dev/video0             Webcam
  – v4l2:/dev/video1 and 2 more  Intel IPU6 ISYS Capture 0
      a sensor

Outputs
  ✓ v4l2loopback:/dev/video10    Lenscap
"
        );
    }

    #[test]
    fn outputs_are_printed_as_the_option_takes_them() {
        let spec = |kind: &str, device: &str| {
            output_spec(&FoundOutput {
                kind: kind.to_owned(),
                device: device.to_owned(),
                ..output()
            })
        };
        assert_eq!(
            spec("v4l2loopback", "/dev/video1"),
            "v4l2loopback:/dev/video1"
        );
        assert_eq!(spec("v4l2loopback", ""), "v4l2loopback");
        assert_eq!(spec("vcam", "/dev/vcam"), "vcam");
    }

    #[test]
    fn modes_take_one_line() {
        let mode = |format: &str, width, height, rates: &[u32]| Mode {
            format: format.to_owned(),
            width,
            height,
            framerates: rates.to_vec(),
        };
        let mut camera = source("v4l2:/dev/video0", "Webcam", None);
        camera.id = "v4l2:/dev/v4l/by-id/usb-webcam".to_owned();
        camera.modes = vec![
            mode("MJPG", 1920, 1080, &[30]),
            mode("MJPG", 1280, 720, &[60, 30]),
            mode("NV12", 640, 480, &[]),
            mode("MJPG", 640, 480, &[30]),
            mode("MJPG", 320, 240, &[30]),
        ];
        let text = table(&[camera], &[]);
        assert!(
            text.contains(
                "Webcam
      MJPG 1920x1080@30, 1280x720@60/30, 640x480@30 and 1 more; NV12 640x480
      stable name: v4l2:/dev/v4l/by-id/usb-webcam
"
            ),
            "{text}"
        );
    }

    #[test]
    fn an_empty_list_has_instructions() {
        let text = table(&[], &[]);
        assert!(text.contains("modprobe v4l2loopback"), "{text}");
        assert_eq!(text.lines().count(), 5);
    }

    #[test]
    fn json_has_one_object_per_line() {
        let text = lines(&[source("test", "Test", Some("no"))], &[output()]);
        let types: Vec<_> = text
            .lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"))
            .map(|line| line["type"].as_str().map(str::to_owned))
            .collect();
        assert_eq!(
            types,
            [Some("source".to_owned()), Some("output".to_owned())]
        );
        assert!(
            text.contains(r#""problem":{"kind":"unsupported","text":"no"}"#),
            "{text}"
        );
        assert!(text.contains(r#""problem":null"#), "{text}");
    }
}
