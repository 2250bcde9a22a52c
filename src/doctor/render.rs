//! The results as text and as JSON.

use std::fmt::Write;

use serde::Serialize;

use super::{Action, CheckResult, Finding, Outcome, Severity};
use crate::i18n::{gettext, gettext_f, ngettext_f};

pub fn to_text(results: &[CheckResult]) -> String {
    let mut text: String = results.iter().map(paragraph).collect();
    let problems = all(results).filter(|(_, finding)| is_problem(finding));
    let problems = u32::try_from(problems.count()).unwrap_or(u32::MAX);
    text += "\n";
    text += &match problems {
        0 => gettext("No problems found."),
        n => ngettext_f(
            "There is {n} thing to fix.",
            "There are {n} things to fix.",
            n,
            &[],
        ),
    };
    if all(results).any(|(_, finding)| finding.action.is_some()) {
        text += " ";
        text += &gettext("'lenscap doctor --fix' applies the fixes marked with an asterisk (*).");
    }
    text + "\n"
}

fn paragraph(result: &CheckResult) -> String {
    let mark = match &result.outcome {
        outcome if outcome.is_broken() => "✗",
        Outcome::Skipped(_) => "–",
        Outcome::Found(_) => "•",
        Outcome::Fine => "✓",
    };
    let mut text = format!("{mark} {}\n", result.check.title());
    if let Outcome::Skipped(reason) = &result.outcome {
        let _ = writeln!(text, "    {reason}");
    }
    for finding in result.outcome.findings() {
        let _ = writeln!(text, "    {}", finding.what);
        let _ = writeln!(text, "    {}", finding.why);
        if let Some(fix) = &finding.fix {
            let star = if finding.action.is_some() { "*" } else { "" };
            let line = gettext_f("Fix{star}: {command}", &[("star", star), ("command", fix)]);
            let _ = writeln!(text, "    {line}");
        }
    }
    text
}

fn is_problem(finding: &Finding) -> bool {
    finding.severity == Severity::Problem
}

fn all(results: &[CheckResult]) -> impl Iterator<Item = (&CheckResult, &Finding)> {
    results.iter().flat_map(|result| {
        let findings = result.outcome.findings().iter();
        findings.map(move |finding| (result, finding))
    })
}

/// A line of `--json`. Every line has every key; those that don't apply are null.
#[derive(Serialize)]
struct Line<'a> {
    /// [`Check::name`](super::Check::name).
    #[serde(rename = "rung")]
    check: &'static str,
    title: String,
    /// `ok`, `problem`, `note` or `skipped`.
    status: &'static str,
    code: Option<&'static str>,
    /// What is wrong, or why the check was skipped.
    what: Option<&'a str>,
    why: Option<&'a str>,
    fix: Option<&'a str>,
    /// [`Action::name`].
    action: Option<&'static str>,
}

/// A line for each finding, and one for each check without any.
pub fn to_json(results: &[CheckResult]) -> String {
    let lines = results.iter().flat_map(lines);
    let lines = lines.filter_map(|line| serde_json::to_string(&line).ok());
    lines.map(|line| line + "\n").collect()
}

fn lines(result: &CheckResult) -> Vec<Line<'_>> {
    let line = |status| Line {
        check: result.check.name(),
        title: result.check.title(),
        status,
        code: None,
        what: None,
        why: None,
        fix: None,
        action: None,
    };
    match &result.outcome {
        Outcome::Fine => vec![line("ok")],
        Outcome::Skipped(reason) => vec![Line {
            what: Some(reason),
            ..line("skipped")
        }],
        Outcome::Found(findings) => findings
            .iter()
            .map(|finding| Line {
                code: Some(finding.code),
                what: Some(&finding.what),
                why: Some(&finding.why),
                fix: finding.fix.as_deref(),
                action: finding.action.map(Action::name),
                ..line(if is_problem(finding) {
                    "problem"
                } else {
                    "note"
                })
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::{Check, RootAction};

    fn results() -> Vec<CheckResult> {
        let problem = Finding::problem("not_loaded", "It is not loaded.".into(), "Why.".into())
            .fix("sudo modprobe v4l2loopback")
            .action(RootAction::LoadModule);
        let note = Finding::note("no_tray", "No tray.".into(), "No icon.".into());
        let outcomes = [
            (Check::Camera, Outcome::Fine),
            (Check::ModuleLoaded, problem.into()),
            (Check::Device, Outcome::Skipped("Not loaded.".to_owned())),
            (Check::Desktop, note.into()),
        ];
        let result = |(check, outcome)| CheckResult { check, outcome };
        outcomes.into_iter().map(result).collect()
    }

    #[test]
    fn the_text_has_problem_reason_and_fix() {
        assert_eq!(
            to_text(&results()),
            "✓ Is there a camera that works?
✗ Is v4l2loopback loaded?
    It is not loaded.
    Why.
    Fix*: sudo modprobe v4l2loopback
– Is there a virtual camera for Lenscap?
    Not loaded.
• Does the desktop show tray icons and notifications?
    No tray.
    No icon.

There is 1 thing to fix. 'lenscap doctor --fix' applies the fixes marked with an asterisk (*).
"
        );
        assert!(to_text(&results()[..1]).ends_with("\n\nNo problems found.\n"));
    }

    #[test]
    fn json_has_every_key_on_every_line_in_order() {
        assert_eq!(
            to_json(&results()),
            r#"{"rung":"camera","title":"Is there a camera that works?","status":"ok","code":null,"what":null,"why":null,"fix":null,"action":null}
{"rung":"module_loaded","title":"Is v4l2loopback loaded?","status":"problem","code":"not_loaded","what":"It is not loaded.","why":"Why.","fix":"sudo modprobe v4l2loopback","action":"load-module"}
{"rung":"device","title":"Is there a virtual camera for Lenscap?","status":"skipped","code":null,"what":"Not loaded.","why":null,"fix":null,"action":null}
{"rung":"desktop","title":"Does the desktop show tray icons and notifications?","status":"note","code":"no_tray","what":"No tray.","why":"No icon.","fix":null,"action":null}
"#
        );
    }
}
