//! Turns facts into findings. Pure: tests describe a machine and compare the findings.

mod camera;
mod choice;
mod commands;
mod desktop;
mod device;
mod module;
mod permissions;
mod pipewire;
mod rivals;
#[cfg(test)]
mod tests;
mod vcam;

pub use commands::with_sudo;

use super::facts::Facts;
use super::{Action, Check, CheckResult, Finding, Outcome};
use crate::i18n::{gettext, gettext_f, list};

pub fn judge(facts: &Facts) -> Vec<CheckResult> {
    let mut results: Vec<CheckResult> = Vec::new();
    for check in Check::ALL {
        let outcome = run(check, facts, &results);
        let outcome = if facts.system.helper.is_some() {
            outcome
        } else {
            without_actions(outcome)
        };
        results.push(CheckResult { check, outcome });
    }
    results
}

fn run(check: Check, facts: &Facts, below: &[CheckResult]) -> Outcome {
    match check {
        Check::Sandbox => sandbox(facts),
        Check::CameraPlugin => camera::plugin(facts),
        Check::CameraAccess => camera::access(facts),
        Check::Camera => camera::camera(facts, below),
        Check::ModuleInstalled => module::installed(facts),
        Check::ModuleLoaded => module::loaded(facts, below),
        Check::ModuleOptions => module::options(facts),
        Check::Vcam => vcam::vcam(facts),
        Check::Rivals => rivals::rivals(facts),
        Check::Device => device::device(facts),
        Check::Classification => device::classification(facts),
        Check::Pipewire => pipewire::pipewire(facts),
        Check::Desktop => desktop::desktop(facts),
        Check::Startup => desktop::startup(facts),
        Check::Applet => desktop::applet(facts, below),
        Check::Permissions => permissions::permissions(facts),
    }
}

/// Without the helper, its actions are not offered.
fn without_actions(outcome: Outcome) -> Outcome {
    let Outcome::Found(findings) = outcome else {
        return outcome;
    };
    let without = |finding: Finding| Finding {
        action: finding
            .action
            .filter(|action| !matches!(action, Action::Root(_))),
        ..finding
    };
    Outcome::Found(findings.into_iter().map(without).collect())
}

fn is_broken(check: Check, below: &[CheckResult]) -> bool {
    let mut results = below.iter();
    results.any(|result| result.check == check && result.outcome.is_broken())
}

fn sandbox(facts: &Facts) -> Outcome {
    if !facts.system.flatpak {
        return Outcome::Fine;
    }
    Finding::note(
        "flatpak",
        gettext(
            "This is the Flatpak: it can't load kernel modules, fix permissions, see other \
             programs, or use the camera software that laptop makers ship (icamerasrc).",
        ),
        gettext(
            "V4L2 and PipeWire cameras work, and so does a virtual camera that exists already. \
             For a built-in Intel camera, and for the fixes, install Lenscap from your \
             distribution's package or from source instead.",
        ),
    )
    .into()
}

/// The reason to skip a check that the chosen kind of virtual camera doesn't need.
fn not_needed(facts: &Facts) -> String {
    gettext_f(
        "The virtual camera is set to '{output}', which doesn't need this.",
        &[("output", &list(&facts.wanted.outputs))],
    )
}

fn hidden() -> Outcome {
    Outcome::Skipped(gettext("This can't be checked from inside the Flatpak."))
}
