//! The ladder for people, and for programs.

use std::fmt::Write;

use serde::Serialize;

use super::{Action, Finding, Outcome, Severity, Verdict};
use crate::i18n::{gettext, gettext_f, ngettext_f};

/// The ladder in plain words.
pub fn to_text(verdicts: &[Verdict]) -> String {
    let mut text: String = verdicts.iter().map(paragraph).collect();
    let problems = all(verdicts).filter(|(_, finding)| is_problem(finding));
    let problems = u32::try_from(problems.count()).unwrap_or(u32::MAX);
    text += "\n";
    text += &match problems {
        0 => gettext("All is well."),
        n => ngettext_f(
            "There is {n} thing to fix.",
            "There are {n} things to fix.",
            n,
            &[],
        ),
    };
    if all(verdicts).any(|(_, finding)| finding.action.is_some()) {
        text += " ";
        text += &gettext("'lenscap doctor --fix' does what is marked with a star (*).");
    }
    text + "\n"
}

fn paragraph(verdict: &Verdict) -> String {
    let mark = match &verdict.outcome {
        outcome if outcome.is_broken() => "✗",
        Outcome::Skipped(_) => "–",
        Outcome::Found(_) => "•",
        Outcome::Fine => "✓",
    };
    let mut text = format!("{mark} {}\n", verdict.rung.title());
    if let Outcome::Skipped(reason) = &verdict.outcome {
        let _ = writeln!(text, "    {reason}");
    }
    for finding in verdict.outcome.findings() {
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

fn all(verdicts: &[Verdict]) -> impl Iterator<Item = (&Verdict, &Finding)> {
    verdicts.iter().flat_map(|verdict| {
        let findings = verdict.outcome.findings().iter();
        findings.map(move |finding| (verdict, finding))
    })
}

/// A line of `--json`. Every line has every key; what doesn't apply is null.
#[derive(Serialize)]
struct Line<'a> {
    /// The rung's name, as [`Rung::name`](super::Rung::name) has it.
    rung: &'static str,
    /// Its question.
    title: String,
    /// `ok`, `problem`, `note` or `skipped`.
    status: &'static str,
    /// The finding's name.
    code: Option<&'static str>,
    /// What is wrong; of a rung that was skipped, why it was.
    what: Option<&'a str>,
    /// Why it matters.
    why: Option<&'a str>,
    /// The command that mends it.
    fix: Option<&'a str>,
    /// What `--fix` does about it, as [`Action::name`] has it.
    action: Option<&'static str>,
}

/// The ladder as JSON: a line for each finding, and one for each rung without any.
pub fn to_json(verdicts: &[Verdict]) -> String {
    let lines = verdicts.iter().flat_map(lines);
    let lines = lines.filter_map(|line| serde_json::to_string(&line).ok());
    lines.map(|line| line + "\n").collect()
}

fn lines(verdict: &Verdict) -> Vec<Line<'_>> {
    let line = |status| Line {
        rung: verdict.rung.name(),
        title: verdict.rung.title(),
        status,
        code: None,
        what: None,
        why: None,
        fix: None,
        action: None,
    };
    match &verdict.outcome {
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
    use crate::doctor::Rung;

    fn ladder() -> Vec<Verdict> {
        let problem = Finding::problem("not_loaded", "It is not loaded.".into(), "Why.".into())
            .fix("sudo modprobe v4l2loopback")
            .action(Action::LoadModule);
        let note = Finding::note("no_tray", "No tray.".into(), "No icon.".into());
        let outcomes = [
            (Rung::Camera, Outcome::Fine),
            (Rung::ModuleLoaded, problem.into()),
            (Rung::Device, Outcome::Skipped("Not loaded.".to_owned())),
            (Rung::Desktop, note.into()),
        ];
        let verdict = |(rung, outcome)| Verdict { rung, outcome };
        outcomes.into_iter().map(verdict).collect()
    }

    #[test]
    fn the_text_says_what_why_and_how() {
        assert_eq!(
            to_text(&ladder()),
            "✓ Is there a camera that works?
✗ Is v4l2loopback loaded?
    It is not loaded.
    Why.
    Fix*: sudo modprobe v4l2loopback
– Is there a virtual camera for Lenscap?
    Not loaded.
• Does the desktop show what Lenscap has to say?
    No tray.
    No icon.

There is 1 thing to fix. 'lenscap doctor --fix' does what is marked with a star (*).
"
        );
        assert!(to_text(&ladder()[..1]).ends_with("\n\nAll is well.\n"));
    }

    #[test]
    fn json_has_every_key_on_every_line_in_order() {
        assert_eq!(
            to_json(&ladder()),
            r#"{"rung":"camera","title":"Is there a camera that works?","status":"ok","code":null,"what":null,"why":null,"fix":null,"action":null}
{"rung":"module_loaded","title":"Is v4l2loopback loaded?","status":"problem","code":"not_loaded","what":"It is not loaded.","why":"Why.","fix":"sudo modprobe v4l2loopback","action":"load-module"}
{"rung":"device","title":"Is there a virtual camera for Lenscap?","status":"skipped","code":null,"what":"Not loaded.","why":null,"fix":null,"action":null}
{"rung":"desktop","title":"Does the desktop show what Lenscap has to say?","status":"note","code":"no_tray","what":"No tray.","why":"No icon.","fix":null,"action":null}
"#
        );
    }
}
