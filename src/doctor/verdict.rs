//! What was found on a rung.

use super::{Action, Rung};

/// A rung, climbed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Which.
    pub rung: Rung,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of a rung.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All well.
    Fine,
    /// Not climbed, for this reason: it doesn't apply, or a rung below it is broken.
    Skipped(String),
    /// Something worth telling; never empty.
    Found(Vec<Finding>),
}

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Severity {
    /// Something to fix.
    Problem,
    /// Good to know. All is well without.
    Note,
}

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How much it matters.
    pub severity: Severity,
    /// Its name in JSON; stays the same when the words change.
    pub code: &'static str,
    /// What is wrong, in one sentence.
    pub what: String,
    /// Why it matters.
    pub why: String,
    /// One command that mends it, where there is one.
    pub fix: Option<String>,
    /// How Lenscap can mend it by itself, where it can.
    pub action: Option<Action>,
}

impl Finding {
    /// Something to fix.
    pub fn problem(code: &'static str, what: String, why: String) -> Self {
        Self {
            severity: Severity::Problem,
            code,
            what,
            why,
            fix: None,
            action: None,
        }
    }

    /// Something good to know.
    pub fn note(code: &'static str, what: String, why: String) -> Self {
        Self {
            severity: Severity::Note,
            ..Self::problem(code, what, why)
        }
    }

    /// The command that mends it.
    #[must_use]
    pub fn fix(self, command: impl Into<String>) -> Self {
        let fix = Some(command.into());
        Self { fix, ..self }
    }

    /// The action that mends it, too.
    #[must_use]
    pub fn action(self, action: Action) -> Self {
        let action = Some(action);
        Self { action, ..self }
    }
}

impl From<Finding> for Outcome {
    fn from(finding: Finding) -> Self {
        Self::Found(vec![finding])
    }
}

impl From<Vec<Finding>> for Outcome {
    fn from(findings: Vec<Finding>) -> Self {
        if findings.is_empty() {
            Self::Fine
        } else {
            Self::Found(findings)
        }
    }
}

impl Outcome {
    /// What was found.
    pub fn findings(&self) -> &[Finding] {
        match self {
            Self::Found(findings) => findings,
            Self::Fine | Self::Skipped(_) => &[],
        }
    }

    /// Whether there is something to fix.
    pub fn is_broken(&self) -> bool {
        let mut findings = self.findings().iter();
        findings.any(|finding| finding.severity == Severity::Problem)
    }
}
