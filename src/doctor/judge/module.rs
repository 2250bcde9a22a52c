//! Checks of the kernel module.

use std::path::Path;

use lenscap_actions::module::{LOAD, OPTIONS_FILE};

use super::commands::{self, quoted};
use super::{choice, hidden, is_broken, not_needed, vcam};
use crate::doctor::facts::{DeviceState, Facts, LoadedModule};
use crate::doctor::{Check, CheckResult, Finding, Outcome, RootAction};
use crate::i18n::{gettext, gettext_f};

/// With fewer buffers, one may be overwritten while a client still reads it.
const FEW_BUFFERS: u32 = 4;

/// The outcome if the module isn't needed: the user chose another kind of virtual camera, or vcam
/// is available and any kind will do.
fn unneeded(facts: &Facts) -> Option<Outcome> {
    let outputs = &facts.wanted.outputs;
    let wants = |kind: &str| outputs.iter().any(|wanted| wanted == kind);
    if wants("v4l2loopback") {
        None
    } else if !outputs.is_empty() && !wants("auto") {
        Some(Outcome::Skipped(not_needed(facts)))
    } else if facts.module.loaded.is_none() && vcam::is_usable(facts) {
        Some(Outcome::Skipped(gettext(
            "The vcam driver is used instead.",
        )))
    } else {
        None
    }
}

/// The outcome of a check that needs the loaded module, if it isn't loaded. Modules are hidden from a
/// Flatpak, but their devices aren't.
pub fn not_there(facts: &Facts) -> Option<Outcome> {
    let reason = if facts.system.flatpak && facts.devices.is_empty() {
        gettext(
            "There is no v4l2loopback device; applications find the camera through PipeWire only.",
        )
    } else if !facts.system.flatpak && facts.module.loaded.is_none() {
        gettext("v4l2loopback is not loaded.")
    } else {
        return unneeded(facts);
    };
    Some(unneeded(facts).unwrap_or(Outcome::Skipped(reason)))
}

pub fn installed(facts: &Facts) -> Outcome {
    if let Some(outcome) = unneeded(facts) {
        return outcome;
    }
    let module = &facts.module;
    if facts.system.flatpak {
        return hidden();
    }
    if module.installed || module.loaded.is_some() {
        return Outcome::Fine;
    }
    not_installed(facts).into()
}

fn not_installed(facts: &Facts) -> Finding {
    let module = &facts.module;
    let kernel = [("kernel", facts.system.kernel.as_str())];
    if module.kernel_gone {
        return Finding::problem(
            "kernel_gone",
            gettext_f(
                "The modules of the running kernel, {kernel}, were removed.",
                &kernel,
            ),
            gettext("The kernel was updated; no module can be loaded until you restart."),
        )
        .fix("systemctl reboot");
    }
    let why = gettext("v4l2loopback provides the virtual camera that every application can open.");
    if module.source && !module.headers {
        let found = Finding::problem(
            "no_headers",
            gettext_f(
                "v4l2loopback can't be built for the kernel {kernel}: its headers are missing.",
                &kernel,
            ),
            why,
        );
        return with(found, commands::install_headers(facts));
    }
    if let Some(log) = &module.failed_build {
        return failed_build(facts, log);
    }
    if module.source {
        return Finding::problem(
            "not_built",
            gettext_f(
                "v4l2loopback is not built for the kernel {kernel}.",
                &kernel,
            ),
            why,
        )
        .fix(commands::build_module(facts));
    }
    let found = Finding::problem(
        "not_installed",
        gettext("The kernel module v4l2loopback is not installed."),
        why,
    );
    with(found, commands::install_module(facts))
}

fn failed_build(facts: &Facts, log: &Path) -> Finding {
    Finding::problem(
        "build_failed",
        gettext_f(
            "v4l2loopback could not be built for the kernel {kernel}.",
            &[("kernel", &facts.system.kernel)],
        ),
        gettext(
            "The kernel is too new for this version of v4l2loopback: update v4l2loopback, or boot \
             the older kernel. The command shows the compiler's messages.",
        ),
    )
    .fix(format!("tail -n 30 {}", quoted(log)))
}

fn with(found: Finding, command: Option<String>) -> Finding {
    match command {
        Some(command) => found.fix(command),
        None => found,
    }
}

/// Whether it is loaded now and at every boot.
pub fn loaded(facts: &Facts, below: &[CheckResult]) -> Outcome {
    if let Some(outcome) = unneeded(facts) {
        return outcome;
    }
    if facts.system.flatpak {
        return hidden();
    }
    if is_broken(Check::ModuleInstalled, below) {
        return Outcome::Skipped(gettext("v4l2loopback is not installed."));
    }
    if facts.module.loaded.is_none() {
        return not_loaded(facts).into();
    }
    if facts.module.at_boot {
        return Outcome::Fine;
    }
    Finding::note(
        "not_at_boot",
        gettext("v4l2loopback is loaded now, but will not be after a restart."),
        gettext("The virtual camera is then missing until you load it."),
    )
    .fix(commands::load_at_boot())
    .action(RootAction::WriteModuleOptions)
    .into()
}

fn not_loaded(facts: &Facts) -> Finding {
    let module = &facts.module;
    if let Some(file) = &module.forbidden {
        return Finding::problem(
            "forbidden",
            gettext_f(
                "{file} prevents v4l2loopback from being loaded.",
                &[("file", &file.display().to_string())],
            ),
            gettext("Without the module there is no virtual camera."),
        )
        .fix(format!(
            r"sudo sed -i -E '/^(install|blacklist)\s+v4l2loopback/d' {} && {}",
            quoted(file),
            LOAD
        ));
    }
    if module.signed_only && (module.refused || module.signed == Some(false)) {
        return refused(facts);
    }
    let why = if module.signed_only {
        gettext(
            "Applications find the virtual camera only while it is loaded. Secure Boot is on: if \
             the kernel rejects the module, its key is not enrolled yet.",
        )
    } else {
        gettext("Applications find the virtual camera only while it is loaded.")
    };
    Finding::problem("not_loaded", gettext("v4l2loopback is not loaded."), why)
        .fix(LOAD)
        .action(RootAction::LoadModule)
}

fn refused(facts: &Facts) -> Finding {
    let found = Finding::problem(
        "secure_boot",
        gettext("Secure Boot is on, and the kernel rejects v4l2loopback: its key is not enrolled."),
        gettext(
            "Modules built on this machine are signed with a key that must be enrolled in the \
             firmware: set a password, restart, and choose \"Enroll MOK\".",
        ),
    );
    match &facts.module.key {
        Some(key) => found.fix(format!("sudo mokutil --import {}", quoted(key))),
        None => found.fix("sudo mokutil --disable-validation"),
    }
}

/// Whether its options are right now and will be after the next boot.
pub fn options(facts: &Facts) -> Outcome {
    if let Some(outcome) = not_there(facts) {
        return outcome;
    }
    let loaded = facts.module.loaded.as_ref();
    let mut findings = Vec::new();
    if !is_exclusive(facts, loaded) {
        findings.push(not_exclusive(facts));
    } else if let Some(few) = loaded.filter(|loaded| loaded.max_buffers < FEW_BUFFERS) {
        findings.push(few_buffers(facts, few));
    }
    findings.extend(overridden(facts));
    findings.into()
}

/// The device's capabilities take precedence over the module's option: a device that was added later
/// has its own `exclusive_caps`.
fn is_exclusive(facts: &Facts, loaded: Option<&LoadedModule>) -> bool {
    let device = choice::chosen(facts);
    match device.map(|device| device.state) {
        Some(DeviceState::Both) => false,
        Some(DeviceState::Free | DeviceState::Written) => true,
        Some(DeviceState::Unknown | DeviceState::Denied) | None => {
            loaded.is_none_or(|loaded| loaded.exclusive_caps)
        }
    }
}

fn not_exclusive(facts: &Facts) -> Finding {
    Finding::problem(
        "exclusive_caps_off",
        gettext("v4l2loopback is loaded without exclusive_caps=1."),
        gettext(
            "Chromium, and applications based on it, list a device as a camera only if it is not \
             an output at the same time.",
        ),
    )
    .fix(commands::reload(facts))
    .action(RootAction::LoadModule)
}

fn few_buffers(facts: &Facts, loaded: &LoadedModule) -> Finding {
    Finding::note(
        "few_buffers",
        gettext_f(
            "v4l2loopback has only {count} buffers for each device.",
            &[("count", &loaded.max_buffers.to_string())],
        ),
        gettext("A slow application may see parts of two frames at once."),
    )
    .fix(commands::reload(facts))
    .action(RootAction::LoadModule)
}

/// Whether another file's option takes effect after a restart.
fn overridden(facts: &Facts) -> Option<Finding> {
    let Some((value, file)) = &facts.module.exclusive_caps else {
        return facts.module.at_boot.then(unwritten);
    };
    let first = value.split(',').next().unwrap_or_default();
    if matches!(first, "1" | "y" | "Y") {
        return None;
    }
    let found = Finding::problem(
        "options_overridden",
        gettext_f(
            "{file} sets exclusive_caps={value}, which takes effect after a restart.",
            &[("file", &file.display().to_string()), ("value", value)],
        ),
        gettext("If an option is set more than once, the last file takes effect."),
    );
    Some(if file.file_name() > Some(OPTIONS_FILE.as_ref()) {
        // Our file would come before it and have no effect.
        let option = r"s/\s+exclusive_caps=\S+//";
        found.fix(format!("sudo sed -i -E '{option}' {}", quoted(file)))
    } else {
        written(found)
    })
}

fn written(found: Finding) -> Finding {
    found
        .fix(commands::load_at_boot())
        .action(RootAction::WriteModuleOptions)
}

fn unwritten() -> Finding {
    written(Finding::note(
        "options_unwritten",
        gettext("v4l2loopback is loaded at every boot, but no file sets exclusive_caps=1."),
        gettext(
            "After a restart, Chromium and applications based on it will not list the virtual camera.",
        ),
    ))
}
