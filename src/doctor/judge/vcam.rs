//! Check of the vcam driver.

use std::path::Path;

use super::{commands, hidden};
use crate::doctor::facts::{Facts, VcamFacts};
use crate::doctor::{Finding, Outcome, RootAction};
use crate::i18n::{gettext, gettext_f};

const KIND: &str = "vcam";

/// Whether the settings name it, rather than any kind.
fn is_named(facts: &Facts) -> bool {
    facts.wanted.outputs.iter().any(|kind| kind == KIND)
}

/// Whether both of its nodes can be opened.
pub fn is_usable(facts: &Facts) -> bool {
    let nodes = [&facts.vcam.control, &facts.vcam.udmabuf];
    let mut nodes = nodes.iter();
    nodes.all(|node| node.as_ref().is_some_and(|node| node.open))
}

/// Whether Lenscap can use the driver, if the settings allow it.
pub fn vcam(facts: &Facts) -> Outcome {
    if facts.system.flatpak {
        return hidden();
    }
    let outputs = &facts.wanted.outputs;
    let may_be_taken = outputs.is_empty() || outputs.iter().any(|kind| kind == "auto");
    if !is_named(facts) && !may_be_taken {
        return Outcome::Skipped(super::not_needed(facts));
    }
    let VcamFacts {
        installed,
        control,
        udmabuf,
    } = &facts.vcam;
    let Some(control) = control else {
        return match (is_named(facts), installed) {
            (false, _) => Outcome::Skipped(gettext("The vcam driver is not loaded.")),
            (true, true) => not_loaded().into(),
            (true, false) => not_installed().into(),
        };
    };
    let mut findings = Vec::new();
    if !control.open {
        findings.push(denied(facts, &control.path));
    }
    match udmabuf {
        None => findings.push(no_udmabuf(facts)),
        Some(node) if !node.open => findings.push(denied(facts, &node.path)),
        Some(_) => {}
    }
    findings.into()
}

/// A problem if the settings name the driver, else a note.
fn finding(facts: &Facts, code: &'static str, what: String, why: String) -> Finding {
    if is_named(facts) {
        Finding::problem(code, what, why)
    } else {
        Finding::note(code, what, why)
    }
}

fn not_loaded() -> Finding {
    Finding::problem(
        "vcam_not_loaded",
        gettext("The vcam driver is not loaded."),
        gettext("Applications find the virtual camera only while it is loaded."),
    )
    .fix(commands::LOAD_VCAM)
}

fn not_installed() -> Finding {
    Finding::problem(
        "vcam_not_installed",
        gettext("The running kernel has no vcam driver."),
        gettext("Few kernels have it yet. The command lets Lenscap choose another kind."),
    )
    .fix(commands::ANY_OUTPUT)
}

fn no_udmabuf(facts: &Facts) -> Finding {
    let found = finding(
        facts,
        "no_udmabuf",
        gettext("The running kernel has no /dev/udmabuf."),
        gettext("The vcam driver shows frames without copying them, in memory allocated there."),
    );
    if is_named(facts) {
        found.fix(commands::ANY_OUTPUT)
    } else {
        found
    }
}

fn denied(facts: &Facts, node: &Path) -> Finding {
    finding(
        facts,
        "vcam_denied",
        gettext_f(
            "You may not open {device}.",
            &[("device", &node.display().to_string())],
        ),
        gettext("Lenscap opens it with your permissions."),
    )
    .fix(commands::WRITE_RULES)
    .action(RootAction::WriteUdevRules)
}
