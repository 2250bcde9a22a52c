//! From facts to findings. Pure: a test builds a machine and reads what is said of it.

mod camera;
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

pub use commands::by_hand;

use super::facts::Facts;
use super::{Finding, Outcome, Rung, Verdict};
use crate::i18n::{gettext, gettext_f, list};

/// Climbs the whole ladder.
pub fn judge(facts: &Facts) -> Vec<Verdict> {
    let mut verdicts: Vec<Verdict> = Vec::new();
    for rung in Rung::ALL {
        let outcome = climb(rung, facts, &verdicts);
        let outcome = if facts.system.helper.is_some() {
            outcome
        } else {
            without_actions(outcome)
        };
        verdicts.push(Verdict { rung, outcome });
    }
    verdicts
}

fn climb(rung: Rung, facts: &Facts, below: &[Verdict]) -> Outcome {
    match rung {
        Rung::Sandbox => sandbox(facts),
        Rung::CameraPlugin => camera::plugin(facts),
        Rung::CameraAccess => camera::access(facts),
        Rung::Camera => camera::camera(facts, below),
        Rung::ModuleInstalled => module::installed(facts),
        Rung::ModuleLoaded => module::loaded(facts, below),
        Rung::ModuleOptions => module::options(facts),
        Rung::Vcam => vcam::vcam(facts),
        Rung::Rivals => rivals::rivals(facts),
        Rung::Device => device::device(facts),
        Rung::Classification => device::classification(facts),
        Rung::Pipewire => pipewire::pipewire(facts),
        Rung::Desktop => desktop::desktop(facts),
        Rung::Startup => desktop::startup(facts),
        Rung::Applet => desktop::applet(facts, below),
        Rung::Permissions => permissions::permissions(facts),
    }
}

/// What the helper would do is not offered without it.
fn without_actions(outcome: Outcome) -> Outcome {
    let Outcome::Found(findings) = outcome else {
        return outcome;
    };
    let without = |finding: Finding| Finding {
        action: finding.action.filter(|action| !action.needs_root()),
        ..finding
    };
    Outcome::Found(findings.into_iter().map(without).collect())
}

fn is_broken(rung: Rung, below: &[Verdict]) -> bool {
    let mut verdicts = below.iter();
    verdicts.any(|verdict| verdict.rung == rung && verdict.outcome.is_broken())
}

fn sandbox(facts: &Facts) -> Outcome {
    if !facts.system.flatpak {
        return Outcome::Fine;
    }
    Finding::note(
        "flatpak",
        gettext(
            "This is the Flatpak: it can't load kernel modules, mend permissions, see other \
             programs, or use the camera software that laptop makers ship (icamerasrc).",
        ),
        gettext(
            "Cameras of V4L2 and PipeWire work, and so does a virtual camera that is there \
             already. For a built-in Intel camera, and to have the rest mended, install Lenscap \
             from your distribution's package or from source instead.",
        ),
    )
    .into()
}

/// Why a rung is left out that the user's choice of a virtual camera does without.
fn does_without(facts: &Facts) -> String {
    gettext_f(
        "The virtual camera is set to '{output}', which does without.",
        &[("output", &list(&facts.wanted.outputs))],
    )
}

/// What can't be seen from inside a Flatpak.
fn hidden() -> Outcome {
    Outcome::Skipped(gettext("This can't be seen from inside the Flatpak."))
}
