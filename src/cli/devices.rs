//! `lenscap devices`: the cameras and virtual cameras that were found, and why some can't be used.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;

use serde::Serialize;

use crate::capture::probe;
use crate::clients::find_holders;
use crate::i18n::{gettext, gettext_f, ngettext_f};
use crate::output::FoundOutput;
use crate::relay::Fault;
use crate::source::Found;

/// What brings a virtual camera about.
const LOAD: &str = "`sudo modprobe v4l2loopback exclusive_caps=1 max_buffers=8`";

/// A line of `--json`.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Line<'a> {
    Source(&'a Found),
    Output(&'a FoundOutput),
}

/// Lists the sources, which it looks for, and these outputs.
pub fn run(json: bool, mut outputs: Vec<FoundOutput>) -> ExitCode {
    outputs.iter_mut().for_each(excuse_ourselves);
    let sources = match probe::ask() {
        Ok(sources) => sources,
        Err(error) => {
            let error = error.to_string();
            let values = [("error", error.as_str())];
            eprintln!(
                "lenscap: {}",
                gettext_f("cannot look for cameras: {error}", &values)
            );
            return ExitCode::FAILURE;
        }
    };
    let text = if json {
        lines(&sources, &outputs)
    } else {
        table(&sources, &outputs)
    };
    // A reader that has seen enough (`| head`) is no failure.
    let _ = io::stdout().write_all(text.as_bytes());
    ExitCode::SUCCESS
}

/// An output that our own applet writes to is not taken.
fn excuse_ourselves(output: &mut FoundOutput) {
    let holders = find_holders(Path::new(&output.device)).unwrap_or_default();
    if holders
        .iter()
        .any(|holder| holder.name == env!("CARGO_PKG_NAME"))
    {
        output.problem = None;
    }
}

fn lines(sources: &[Found], outputs: &[FoundOutput]) -> String {
    let sources = sources.iter().map(Line::Source);
    let all = sources.chain(outputs.iter().map(Line::Output));
    let text = all.filter_map(|line| serde_json::to_string(&line).ok());
    text.map(|line| line + "\n").collect()
}

/// A row of the table: one device, or several in a row that share their name and problem.
struct Row<'a> {
    spec: String,
    name: &'a str,
    problem: Option<&'a Fault>,
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
        more: 0,
    });
    let outputs = outputs.iter().map(|found| Row {
        spec: match found.device.as_str() {
            "" => found.kind.clone(),
            device => format!("{}:{device}", found.kind),
        },
        name: &found.name,
        problem: found.problem.as_ref(),
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

/// Joins neighbours that differ in their device alone: an IPU6 laptop has dozens of sensor nodes.
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
        if let Some(problem) = row.problem {
            let _ = writeln!(text, "      {problem}");
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
            rank: 0,
            problem: problem.map(|text| Fault::new(FaultKind::Unsupported, text)),
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
    fn the_table_is_aligned_and_says_why() {
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
    fn nothing_found_says_what_to_do() {
        let text = table(&[], &[]);
        assert!(text.contains("modprobe v4l2loopback"), "{text}");
        assert_eq!(text.lines().count(), 5);
    }

    #[test]
    fn json_is_an_object_a_line() {
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
