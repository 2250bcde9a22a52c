//! Results of checks.

use super::{Action, Check};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckResult {
    pub check: Check,
    pub outcome: Outcome,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Fine,
    /// The reason: it doesn't apply, or an earlier check failed.
    Skipped(String),
    /// Never empty.
    Found(Vec<Finding>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Severity {
    /// Something to fix.
    Problem,
    /// Worth knowing, but everything works.
    Note,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub severity: Severity,
    /// Its name in JSON, independent of the wording.
    pub code: &'static str,
    /// What is wrong, in one sentence.
    pub what: String,
    /// Why it matters.
    pub why: String,
    /// One command that fixes it.
    pub fix: Option<String>,
    /// How Lenscap can fix it by itself.
    pub action: Option<Action>,
}

impl Finding {
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

    pub fn note(code: &'static str, what: String, why: String) -> Self {
        Self {
            severity: Severity::Note,
            ..Self::problem(code, what, why)
        }
    }

    #[must_use]
    pub fn fix(self, command: impl Into<String>) -> Self {
        let fix = Some(command.into());
        Self { fix, ..self }
    }

    #[must_use]
    pub fn action(self, action: impl Into<Action>) -> Self {
        let action = Some(action.into());
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
    pub fn findings(&self) -> &[Finding] {
        match self {
            Self::Found(findings) => findings,
            Self::Fine | Self::Skipped(_) => &[],
        }
    }

    pub fn is_broken(&self) -> bool {
        let mut findings = self.findings().iter();
        findings.any(|finding| finding.severity == Severity::Problem)
    }
}
