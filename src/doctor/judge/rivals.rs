//! The rung of programs that do the same.

use super::hidden;
use crate::doctor::facts::{Access, Device, Facts, Program, Rival};
use crate::doctor::{Action, Finding, Outcome};
use crate::i18n::{gettext, gettext_f};

/// Programs that show pictures of their own on any v4l2loopback device they find.
const GRABBERS: [&str; 5] = [
    "obs",
    "com.obsproject.Studio",
    "iriunwebcam",
    "iriun",
    "droidcam",
];

/// Whether a rival is the reason why a device is taken.
pub fn explain(facts: &Facts, device: &Device) -> bool {
    !facts.rivals.running.is_empty() || grabber(device).is_some()
}

fn grabber(device: &Device) -> Option<&crate::doctor::facts::Holder> {
    let is_grabber = |name: &str| GRABBERS.contains(&name.to_lowercase().as_str());
    let mut holders = device.holders.iter();
    holders.find(|holder| is_grabber(&holder.name) || holder.name == "com.obsproject.Studio")
}

/// Whether nothing else opens the camera or fills the device.
pub fn rivals(facts: &Facts) -> Outcome {
    if facts.system.flatpak {
        return hidden();
    }
    let rivals = &facts.rivals;
    let running = rivals.running.iter().map(|rival| runs(facts, rival));
    let mut findings: Vec<_> = running.collect();
    let relayd = |rival: &Rival| rival.program == Program::V4l2Relayd;
    if rivals.relayd_enabled
        && !rivals.relayd_units.is_empty()
        && !rivals.running.iter().any(relayd)
    {
        findings.push(comes_back(facts));
    }
    findings.extend(grabbed(facts));
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
        gettext("It opens the same camera, and fills the same virtual one."),
    );
    match rival.program {
        Program::V4l2Relayd if !facts.rivals.relayd_units.is_empty() => disable(found, facts),
        Program::Ipu6CameraDaemon if facts.rivals.daemon_unit => {
            found.fix("systemctl --user disable --now ipu6-camera-daemon")
        }
        _ if rival.own => found.fix(format!("kill {pid}")),
        _ => found.fix(format!("sudo kill {pid}")),
    }
}

/// Ends v4l2-relayd now and for ever; only what systemd starts can be ended so.
fn disable(found: Finding, facts: &Facts) -> Finding {
    let units = facts.rivals.relayd_units.join(" ");
    found
        .fix(format!("sudo systemctl disable --now {units}"))
        .action(Action::DisableV4l2Relayd)
}

fn comes_back(facts: &Facts) -> Finding {
    let found = Finding::note(
        "rival_enabled",
        gettext("v4l2-relayd is not running, but starts with the machine."),
        gettext("It opens the same camera, and fills the same virtual one."),
    );
    disable(found, facts)
}

/// A device that Lenscap would have, and that another product fills.
fn grabbed(facts: &Facts) -> Option<Finding> {
    let device = super::device::chosen(facts)?;
    let holder = grabber(device)?;
    if super::device::is_ours(facts, device) || device.access == Access::Free {
        return None;
    }
    let finding = Finding::problem(
        "rival_on_device",
        gettext_f(
            "{program} shows its own picture on {device}.",
            &[
                ("program", &holder.name),
                ("device", &device.path.display().to_string()),
            ],
        ),
        gettext("A virtual camera shows the pictures of one program; each needs its own."),
    );
    Some(if facts.module.control && facts.wanted.device.is_none() {
        finding
            .fix(super::commands::add_device(facts))
            .action(Action::AddDevice)
    } else {
        finding.fix(format!("kill {}", holder.pid))
    })
}
