//! Check for conflicting programs.

use super::{choice, hidden};
use crate::doctor::facts::{DeviceFacts, DeviceState, Facts, Rival, RivalProgram};
use crate::doctor::{Finding, Outcome, RootAction};
use crate::i18n::{gettext, gettext_f};

/// Other programs that write to any v4l2loopback device they find.
const OTHER_WRITERS: [&str; 5] = [
    "obs",
    "com.obsproject.Studio",
    "iriunwebcam",
    "iriun",
    "droidcam",
];

/// Whether a conflicting program explains why a device is in use.
pub fn explain(facts: &Facts, device: &DeviceFacts) -> bool {
    !facts.rivals.running.is_empty() || other_writer(device).is_some()
}

fn other_writer(device: &DeviceFacts) -> Option<&crate::doctor::facts::DeviceHolder> {
    let is_other_writer = |name: &str| OTHER_WRITERS.contains(&name.to_lowercase().as_str());
    let mut holders = device.holders.iter();
    holders.find(|holder| is_other_writer(&holder.name) || holder.name == "com.obsproject.Studio")
}

/// Whether another relay runs, or another program writes to the device.
pub fn rivals(facts: &Facts) -> Outcome {
    if facts.system.flatpak {
        return hidden();
    }
    let rivals = &facts.rivals;
    let running = rivals.running.iter().map(|rival| runs(facts, rival));
    let mut findings: Vec<_> = running.collect();
    let relayd = |rival: &Rival| rival.program == RivalProgram::V4l2Relayd;
    if rivals.relayd_enabled
        && !rivals.relayd_units.is_empty()
        && !rivals.running.iter().any(relayd)
    {
        findings.push(comes_back(facts));
    }
    findings.extend(held_by_other_writer(facts));
    findings.into()
}

fn runs(facts: &Facts, rival: &Rival) -> Finding {
    let pid = rival.pid.to_string();
    let found = Finding::problem(
        "rival_runs",
        gettext_f(
            "{program} is running (process {pid}).",
            &[("program", rival.program.name()), ("pid", &pid)],
        ),
        gettext("It opens the same camera and writes to the same virtual camera."),
    );
    match rival.program {
        RivalProgram::V4l2Relayd if !facts.rivals.relayd_units.is_empty() => disable(found, facts),
        RivalProgram::Ipu6CameraDaemon if facts.rivals.daemon_unit => {
            found.fix("systemctl --user disable --now ipu6-camera-daemon")
        }
        _ if rival.own => found.fix(format!("kill {pid}")),
        _ => found.fix(format!("sudo kill {pid}")),
    }
}

/// Stops and disables v4l2-relayd, if systemd starts it.
fn disable(found: Finding, facts: &Facts) -> Finding {
    let units = facts.rivals.relayd_units.join(" ");
    found
        .fix(format!("sudo systemctl disable --now {units}"))
        .action(RootAction::DisableV4l2Relayd)
}

fn comes_back(facts: &Facts) -> Finding {
    let found = Finding::note(
        "rival_enabled",
        gettext("v4l2-relayd is not running, but starts at boot."),
        gettext("It opens the same camera and writes to the same virtual camera."),
    );
    disable(found, facts)
}

/// The device that Lenscap would use, if another program writes to it.
fn held_by_other_writer(facts: &Facts) -> Option<Finding> {
    let device = choice::chosen(facts)?;
    let holder = other_writer(device)?;
    if choice::is_ours(facts, device) || device.state == DeviceState::Free {
        return None;
    }
    let finding = Finding::problem(
        "rival_on_device",
        gettext_f(
            "{program} writes its own pictures to {device}.",
            &[
                ("program", &holder.name),
                ("device", &device.path.display().to_string()),
            ],
        ),
        gettext("A virtual camera can be used by one program only; each needs its own."),
    );
    Some(if facts.module.control && facts.wanted.device.is_none() {
        finding
            .fix(super::commands::add_device(facts))
            .action(RootAction::AddDevice)
    } else {
        finding.fix(format!("kill {}", holder.pid))
    })
}
