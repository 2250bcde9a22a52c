//! Check of PipeWire.

use super::choice::is_ours;
use super::commands::lenscap;
use super::device::rescan;
use crate::doctor::facts::{DeviceState, Facts, PipewireObjects};
use crate::doctor::{Finding, Outcome, RootAction};
use crate::i18n::{gettext, gettext_f};
use crate::output::pipewire::NODE;

/// Whether `PipeWire` lists our camera.
pub fn pipewire(facts: &Facts) -> Outcome {
    let Some(pipewire) = &facts.pipewire else {
        return Outcome::Skipped(gettext("There is no desktop session here."));
    };
    match &pipewire.objects {
        None if pipewire.installed => down().into(),
        None => absent(facts),
        Some(graph) if !graph.manager => no_manager().into(),
        Some(graph) => listed(facts, graph),
    }
}

fn down() -> Finding {
    Finding::problem(
        "pipewire_down",
        gettext("PipeWire is installed, but not running."),
        gettext("Applications that get cameras from it, for example through portals, find none."),
    )
    .fix("systemctl --user restart pipewire.socket pipewire wireplumber")
}

fn absent(facts: &Facts) -> Outcome {
    if !facts.wanted.outputs.iter().any(|kind| kind == "pipewire") {
        return Outcome::Skipped(gettext("PipeWire is not installed, and not needed."));
    }
    Finding::problem(
        "pipewire_missing",
        gettext("The virtual camera is set to PipeWire, which is not installed."),
        gettext("Without it there is no virtual camera."),
    )
    .into()
}

fn no_manager() -> Finding {
    Finding::problem(
        "no_session_manager",
        gettext("PipeWire runs without a session manager."),
        gettext("The session manager finds cameras and gives applications access to them."),
    )
    .fix("systemctl --user restart wireplumber")
}

/// A camera that udev misclassifies is missing here, too; another check reports that.
fn listed(facts: &Facts, graph: &PipewireObjects) -> Outcome {
    let applet = facts.applet.as_ref();
    let outputs = applet.map(|applet| applet.outputs.as_slice());
    let on_pipewire = |kind: &str| kind == "pipewire";
    let own = outputs.is_some_and(|all| all.iter().any(|output| on_pipewire(&output.kind)));
    let lenscap = lenscap(facts);
    if own && !graph.cameras.iter().any(|(_, name)| name == NODE) {
        return Finding::problem(
            "node_missing",
            gettext("PipeWire does not list Lenscap's camera."),
            gettext("Lenscap lost its connection; it makes a new one when it starts."),
        )
        .fix(format!("{lenscap} quit; {lenscap}"))
        .into();
    }
    let ours = facts.devices.iter().find(|device| is_ours(facts, device));
    let Some(device) = ours.filter(|device| device.state == DeviceState::Written) else {
        return Outcome::Fine;
    };
    let udev_knows = device
        .udev
        .as_ref()
        .is_some_and(|caps| caps.contains(":capture:"));
    let object = format!("v4l2:{}", device.path.display());
    if !udev_knows || graph.cameras.iter().any(|(path, _)| *path == object) {
        return Outcome::Fine;
    }
    Finding::problem(
        "not_listed",
        gettext_f(
            "PipeWire does not list {device}.",
            &[("device", &device.path.display().to_string())],
        ),
        gettext("Its session manager examined the device before Lenscap opened it."),
    )
    .fix(rescan(device))
    .action(RootAction::TriggerUdev)
    .into()
}
