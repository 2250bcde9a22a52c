//! Checks of the virtual camera's device.

use super::choice::{chosen, is_free, is_ours};
use super::commands::{self, quoted};
use super::{camera, module, rivals};
use crate::doctor::facts::{DeviceFacts, DeviceState, Facts};
use crate::doctor::{Finding, Outcome, RootAction};
use crate::i18n::{gettext, gettext_f, list};

/// Whether there is a device that Lenscap can use.
pub fn device(facts: &Facts) -> Outcome {
    if let Some(outcome) = module::not_there(facts) {
        return outcome;
    }
    let Some(device) = chosen(facts) else {
        return no_device(facts).into();
    };
    if is_ours(facts, device) || is_free(device) {
        return Outcome::Fine;
    }
    if rivals::explain(facts, device) {
        return Outcome::Skipped(gettext("The program named above uses it."));
    }
    let path = device.path.display().to_string();
    match device.state {
        DeviceState::Denied => denied(facts, device).into(),
        DeviceState::Written => taken(facts, device).into(),
        _ => Finding::problem(
            "device_strange",
            gettext_f(
                "{device} does not answer as a v4l2loopback device does.",
                &[("device", &path)],
            ),
            gettext("It may be being removed, or belong to another driver."),
        )
        .fix(commands::reload(facts))
        .action(RootAction::LoadModule)
        .into(),
    }
}

fn no_device(facts: &Facts) -> Finding {
    if let Some(path) = facts
        .wanted
        .device
        .as_ref()
        .filter(|_| !facts.devices.is_empty())
    {
        let devices = facts.devices.iter();
        let paths: Vec<_> = devices
            .map(|device| device.path.display().to_string())
            .collect();
        return Finding::problem(
            "device_missing",
            gettext_f(
                "The settings name {device}, which is not a v4l2loopback device.",
                &[("device", &path.display().to_string())],
            ),
            gettext_f(
                "Device numbers can change at every boot; there is {devices}.",
                &[("devices", &list(&paths))],
            ),
        )
        .fix("sed -i '/^device *=/d' ~/.config/lenscap/lenscap.toml");
    }
    let found = Finding::problem(
        "no_device",
        gettext("v4l2loopback is loaded without a device."),
        gettext("Without a device, applications find no virtual camera."),
    );
    if facts.module.control {
        found
            .fix(commands::add_device(facts))
            .action(RootAction::AddDevice)
    } else {
        found
            .fix(commands::reload(facts))
            .action(RootAction::LoadModule)
    }
}

fn denied(facts: &Facts, device: &DeviceFacts) -> Finding {
    if let Some(node) = device
        .closed
        .as_ref()
        .filter(|node| camera::is_pending(node))
    {
        return camera::group_pending(facts, node);
    }
    let node = device.closed.as_ref().filter(|node| node.group_may);
    let group = node.map_or("video", |node| node.group.as_str());
    Finding::problem(
        "device_denied",
        gettext_f(
            "You may not open {device}.",
            &[("device", &device.path.display().to_string())],
        ),
        gettext("Lenscap opens it with your permissions. Log out and in again after the command."),
    )
    .fix(format!("sudo usermod -aG {group} {}", facts.system.user))
}

fn taken(facts: &Facts, device: &DeviceFacts) -> Finding {
    let path = device.path.display().to_string();
    let names: Vec<_> = device
        .holders
        .iter()
        .map(|holder| {
            gettext_f(
                "{name} (process {pid})",
                &[("name", &holder.name), ("pid", &holder.pid.to_string())],
            )
        })
        .collect();
    let what = match names[..] {
        [] => gettext_f(
            "{device} is used by a program of another user.",
            &[("device", &path)],
        ),
        _ => gettext_f(
            "{device} is used by {programs}.",
            &[("device", &path), ("programs", &list(&names))],
        ),
    };
    let why = gettext("A virtual camera can be used by one program only.");
    let found = Finding::problem("device_taken", what, why);
    if facts.module.control && facts.wanted.device.is_none() {
        return found
            .fix(commands::add_device(facts))
            .action(RootAction::AddDevice);
    }
    match device.holders[..] {
        [ref holder] => found.fix(format!("kill {}", holder.pid)),
        _ => found.fix(format!("sudo fuser -k {}", quoted(&device.path))),
    }
}

/// Whether udev classifies the device as a camera.
pub fn classification(facts: &Facts) -> Outcome {
    if let Some(outcome) = module::not_there(facts) {
        return outcome;
    }
    let ours = facts.devices.iter().find(|device| is_ours(facts, device));
    let Some(device) = ours.filter(|device| device.state == DeviceState::Written) else {
        return Outcome::Skipped(gettext(
            "This can be checked only while Lenscap is running.",
        ));
    };
    match &device.udev {
        None => Outcome::Skipped(gettext("udev has no record of the device.")),
        Some(capabilities) if capabilities.contains(":capture:") => Outcome::Fine,
        Some(_) => stale(device).into(),
    }
}

fn stale(device: &DeviceFacts) -> Finding {
    Finding::problem(
        "udev_stale",
        gettext_f(
            "udev still classifies {device} as an output.",
            &[("device", &device.path.display().to_string())],
        ),
        gettext(
            "It examined the device before Lenscap opened it, so PipeWire does not list the camera.",
        ),
    )
    .fix(rescan(device))
    .action(RootAction::TriggerUdev)
}

/// Has udev and `WirePlumber` treat a device as newly added.
pub fn rescan(device: &DeviceFacts) -> String {
    let path = quoted(&device.path);
    format!(
        "sudo udevadm trigger --action=remove {path} && sudo udevadm trigger --action=add {path}"
    )
}
