//! What `lenscap doctor --json` prints, read as leniently as the devices are.

use serde_json::Value;

/// What is known of the set-up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checkup {
    /// Whether somebody is at it.
    pub is_running: bool,
    /// Whether the applet was ended for a fix: what is known will be so no more when it is back.
    pub is_stale: bool,
    /// What was found, or why that isn't known; nothing before the first look.
    pub result: Option<Result<Vec<Finding>, String>>,
}

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The question that led to it.
    pub question: String,
    /// Whether something doesn't work; the others are good to know.
    pub is_problem: bool,
    /// What is wrong.
    pub what: String,
    /// Why it matters.
    pub why: String,
    /// One command that mends it.
    pub command: Option<String>,
    /// What Lenscap can do about it.
    pub action: Option<String>,
}

impl Checkup {
    /// Whether it is time for a look, with the applet there or not.
    pub fn is_due(&self, has_applet: bool) -> bool {
        !self.is_running && (self.result.is_none() || self.is_stale && has_applet)
    }

    /// What was found, problems first.
    pub fn findings(&self) -> Vec<Finding> {
        let found = self.result.as_ref().and_then(|result| result.as_ref().ok());
        let mut findings = found.cloned().unwrap_or_default();
        findings.sort_by_key(|finding| !finding.is_problem);
        findings
    }

    /// How many things there are to fix; nothing where that isn't known.
    pub fn problems(&self) -> Option<u32> {
        let findings = self.result.as_ref()?.as_ref().ok()?.iter();
        findings
            .filter(|one| one.is_problem)
            .count()
            .try_into()
            .ok()
    }
}

/// Reads the lines; nothing where there is none that can be understood.
pub fn parse(text: &str) -> Option<Vec<Finding>> {
    let lines = text.lines().map(serde_json::from_str::<Value>);
    let lines: Vec<_> = lines
        .filter_map(Result::ok)
        .filter(|line| line["rung"].is_string())
        .collect();
    (!lines.is_empty()).then(|| lines.iter().filter_map(finding).collect())
}

fn finding(line: &Value) -> Option<Finding> {
    let text = |key: &str| line[key].as_str().map(str::to_owned);
    let is_problem = match line["status"].as_str()? {
        "problem" => true,
        "note" => false,
        _ => return None,
    };
    Some(Finding {
        question: text("title").unwrap_or_default(),
        is_problem,
        what: text("what")?,
        why: text("why").unwrap_or_default(),
        command: text("fix"),
        action: text("action"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LADDER: &str = r#"
{"rung":"camera","title":"Is there a camera?","status":"ok","code":null,"what":null}
{"rung":"desktop","title":"Desktop?","status":"note","what":"No tray.","why":"No icon.","fix":null,"action":null}
{"rung":"module_loaded","title":"Loaded?","status":"problem","code":"not_loaded","what":"It is not loaded.","why":"Why.","fix":"sudo modprobe v4l2loopback","action":"load-module"}
{"rung":"device","title":"Is there a device?","status":"skipped","what":"Not loaded."}
"#;

    fn checkup(text: &str) -> Checkup {
        Checkup {
            result: parse(text).map(Ok),
            ..Checkup::default()
        }
    }

    #[test]
    fn problems_come_first_and_what_is_well_is_left_out() {
        let checkup = checkup(LADDER);
        let findings = checkup.findings();
        let texts: Vec<_> = findings.iter().map(|one| one.what.as_str()).collect();
        assert_eq!(texts, ["It is not loaded.", "No tray."]);
        assert_eq!(findings[0].action.as_deref(), Some("load-module"));
        let command = findings[0].command.as_deref();
        assert_eq!(command, Some("sudo modprobe v4l2loopback"));
        assert_eq!((&findings[1].command, &findings[1].action), (&None, &None));
        assert_eq!(checkup.problems(), Some(1));
    }

    #[test]
    fn a_ladder_without_findings_is_told_from_none() {
        let well = LADDER.lines().nth(1).unwrap();
        assert_eq!(checkup(well).problems(), Some(0));
        for nothing in ["", "error: unrecognized subcommand 'doctor'", "{}"] {
            assert_eq!(parse(nothing), None, "{nothing}");
        }
        assert_eq!(checkup("").problems(), None);
    }

    #[test]
    fn a_look_is_due_once_and_when_the_applet_is_back() {
        let mut checkup = Checkup::default();
        assert!(checkup.is_due(false));
        checkup.is_running = true;
        assert!(!checkup.is_due(true));
        checkup.is_running = false;
        checkup.result = Some(Ok(Vec::new()));
        assert!(!checkup.is_due(true));
        checkup.is_stale = true;
        assert!(!checkup.is_due(false) && checkup.is_due(true));
    }
}
