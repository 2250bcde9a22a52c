//! Checks of the real camera.

use super::commands::{self, quoted};
use super::{hidden, is_broken};
use crate::doctor::facts::{Facts, NodeAccess};
use crate::doctor::{Check, CheckResult, Finding, Outcome, RootAction, Severity};
use crate::i18n::{gettext, gettext_f, ngettext_f};
use crate::relay::FaultKind;
use crate::source::Found;

/// Kinds of sources that probing finds. Others are described by the user and only tried when they are
/// opened.
const FOUND_KINDS: [&str; 5] = ["icamerasrc", "libcamera", "v4l2", "pipewire", "auto"];
/// Kinds that can open a built-in camera.
const BUILT_IN: [&str; 2] = ["icamerasrc", "libcamera"];

fn wants(facts: &Facts, kind: &str) -> bool {
    let wanted = facts.wanted.source.as_str();
    matches!(wanted, "auto" | "") || wanted == kind
}

fn cameras(facts: &Facts) -> impl Iterator<Item = &Found> {
    let found = facts.camera.found.iter().flatten();
    found.filter(|found| wants(facts, &found.kind))
}

/// Whether any camera that the settings allow works.
fn any_works(facts: &Facts) -> bool {
    cameras(facts).any(|found| found.problem.is_none())
}

fn built_in_works(facts: &Facts) -> bool {
    cameras(facts).any(|found| found.problem.is_none() && BUILT_IN.contains(&found.kind.as_str()))
}

fn fault_of(facts: &Facts, kind: &str) -> Option<FaultKind> {
    let mut faults = cameras(facts).filter(|found| found.kind == kind);
    faults.find_map(|found| Some(found.problem.as_ref()?.kind))
}

/// A problem, or just a note if another camera works.
fn finding(facts: &Facts, code: &'static str, what: String, why: String) -> Finding {
    Finding {
        severity: severity(facts),
        ..Finding::problem(code, what, why)
    }
}

fn severity(facts: &Facts) -> Severity {
    if any_works(facts) {
        Severity::Note
    } else {
        Severity::Problem
    }
}

/// Whether `icamerasrc` is installed where it is needed.
pub fn plugin(facts: &Facts) -> Outcome {
    if facts.system.flatpak {
        return hidden();
    }
    let camera = &facts.camera;
    if !(camera.ipu && wants(facts, "icamerasrc") || facts.wanted.source == "icamerasrc") {
        return Outcome::Skipped(gettext("No camera here needs a vendor plugin."));
    }
    if camera.element == Some(true) || built_in_works(facts) {
        return Outcome::Fine;
    }
    match (&camera.plugin, camera.loads_uncached) {
        (Some(_), Some(true)) => stale_registry(facts),
        (Some(file), _) => finding(
            facts,
            "plugin_broken",
            gettext_f(
                "GStreamer can't load the camera's plugin, {file}.",
                &[("file", &file.display().to_string())],
            ),
            gettext("A library that it needs is missing or was updated; the command names it."),
        )
        .fix(format!("ldd {} | grep 'not found'", quoted(file)))
        .into(),
        (None, _) => plugin_missing(facts),
    }
}

fn stale_registry(facts: &Facts) -> Outcome {
    let registry = facts.camera.registry.as_deref();
    let found = finding(
        facts,
        "stale_registry",
        gettext("GStreamer remembers the camera's plugin as broken, but it works."),
        gettext(
            "A plugin that failed once, for example during an update, is skipped until \
             GStreamer's registry is rebuilt.",
        ),
    );
    match registry {
        Some(path) => found.fix(format!("rm -r {}", quoted(path))),
        None => found,
    }
    .into()
}

fn plugin_missing(facts: &Facts) -> Outcome {
    let found = finding(
        facts,
        "plugin_missing",
        gettext("This machine has an Intel IPU camera, but no GStreamer plugin for it."),
        gettext(
            "It can only be opened through the vendor's plugin (icamerasrc, which comes with the \
             camera HAL), or through libcamera if that supports the sensor.",
        ),
    );
    match commands::install_plugin(facts) {
        Some(command) => found.fix(command),
        None => found,
    }
    .into()
}

pub fn access(facts: &Facts) -> Outcome {
    if facts.camera.nodes.is_empty() {
        return Outcome::Skipped(gettext("There is no device node that needs permissions."));
    }
    let closed = facts.camera.nodes.iter().filter(|node| !node.open);
    let findings: Vec<_> = closed.map(|node| closed_node(facts, node)).collect();
    findings.into()
}

fn closed_node(facts: &Facts, node: &NodeAccess) -> Finding {
    let found = if !node.group_may || node.group == "root" {
        no_rule(facts, node)
    } else if is_pending(node) {
        let found = group_pending(facts, node);
        Finding {
            severity: severity(facts),
            ..found
        }
    } else {
        not_in_group(facts, node)
    };
    // Our rules cover the image processor; systemd's rules cover ordinary camera nodes.
    if node.psys {
        found.action(RootAction::WriteUdevRules)
    } else {
        found
    }
}

fn no_rule(facts: &Facts, node: &NodeAccess) -> Finding {
    let path = node.path.display().to_string();
    let what = gettext_f(
        "No udev rule gives users access to {node}.",
        &[("node", &path)],
    );
    let why = gettext("Lenscap opens the camera with your permissions.");
    finding(facts, "no_rule", what, why).fix(commands::WRITE_RULES)
}

/// Whether the session began before the user joined the group that may open the node.
pub fn is_pending(node: &NodeAccess) -> bool {
    node.group_may && node.in_account && !node.in_session
}

pub fn group_pending(facts: &Facts, node: &NodeAccess) -> Finding {
    let path = node.path.display().to_string();
    let what = gettext_f(
        "Your account is in the group '{group}', but this session began before that.",
        &[("group", &node.group)],
    );
    let why = gettext_f(
        "You can open {node} after the next log-in; the command gives you access at once.",
        &[("node", &path)],
    );
    let (user, path) = (&facts.system.user, quoted(&node.path));
    let command = format!("sudo setfacl --modify u:{user}:rw {path}");
    Finding::problem("group_pending", what, why).fix(command)
}

fn not_in_group(facts: &Facts, node: &NodeAccess) -> Finding {
    let path = node.path.display().to_string();
    let (user, group) = (&facts.system.user, &node.group);
    let what = gettext_f(
        "{node} is for the group '{group}', which you are not in.",
        &[("node", &path), ("group", group)],
    );
    let why = gettext(
        "Lenscap opens the camera with your permissions. Log out and in again after the command.",
    );
    finding(facts, "not_in_group", what, why).fix(format!("sudo usermod -aG {group} {user}"))
}

/// Whether a camera works.
pub fn camera(facts: &Facts, below: &[CheckResult]) -> Outcome {
    let source = facts.wanted.source.as_str();
    if !source.is_empty() && !FOUND_KINDS.contains(&source) {
        return Outcome::Skipped(gettext_f(
            "The source is set to '{source}', which is only tried when it is needed.",
            &[("source", source)],
        ));
    }
    if facts.camera.found.is_none() {
        return Finding::problem(
            "probe_failed",
            gettext("The search for cameras failed."),
            gettext("The child process that searches for them did not start."),
        )
        .fix(format!(
            "LENSCAP_LOG=debug {} devices",
            commands::lenscap(facts)
        ))
        .into();
    }
    if any_works(facts) {
        return raw_nodes(facts).into();
    }
    let explained = [Check::CameraPlugin, Check::CameraAccess];
    if explained.iter().any(|check| is_broken(*check, below)) {
        return Outcome::Skipped(gettext("The failed checks above explain why."));
    }
    let mut findings = vec![if facts.system.flatpak && facts.camera.ipu {
        out_of_reach()
    } else {
        no_camera(facts)
    }];
    findings.extend(raw_nodes(facts));
    findings.into()
}

/// The vendor's software works with the system's GStreamer only.
fn out_of_reach() -> Finding {
    Finding::problem(
        "out_of_reach",
        gettext("The Intel IPU camera of this machine can't be opened from inside the Flatpak."),
        gettext(
            "It needs the vendor's software (icamerasrc), which is not part of any Flatpak. \
             Install Lenscap from your distribution's package or from source instead.",
        ),
    )
}

fn raw_nodes(facts: &Facts) -> Vec<Finding> {
    let count = facts.camera.raw_nodes;
    if count == 0 {
        return Vec::new();
    }
    vec![Finding::note(
        "raw_nodes",
        ngettext_f(
            "{n} device named \"ISYS Capture\" is a raw sensor, which applications can't use.",
            "{n} devices named \"ISYS Capture\" are raw sensors, which applications can't use.",
            count,
            &[],
        ),
        gettext("In applications, choose the virtual camera, \"Intel MIPI Camera\", instead."),
    )]
}

fn no_camera(facts: &Facts) -> Finding {
    let has_psys = facts.camera.nodes.iter().any(|node| node.psys);
    if facts.camera.ipu && !has_psys && wants(facts, "icamerasrc") {
        return no_psys(facts);
    }
    match fault_of(facts, "icamerasrc") {
        Some(FaultKind::Stopped) => Finding::problem(
            "hal_crashed",
            gettext("The camera's software crashed or hung while it listed its cameras."),
            gettext("It doesn't match the version of the kernel driver, or a file is missing."),
        )
        .fix("gst-inspect-1.0 icamerasrc"),
        Some(FaultKind::NoCamera) if facts.camera.element == Some(true) => Finding::problem(
            "hal_empty",
            gettext("The camera's software is installed, but finds no camera."),
            gettext(
                "The sensor's driver or firmware is missing, or the software has no settings for \
                 this sensor; the command shows the kernel's messages.",
            ),
        )
        .fix("sudo dmesg | grep -iE 'ipu|ivsc|int3472|ov[0-9]|hm[0-9]'"),
        _ if cameras(facts).any(is_busy) => Finding::problem(
            "camera_busy",
            gettext("Another program has the camera open."),
            gettext("A camera serves one program at a time; the command shows which."),
        )
        .fix("fuser -v /dev/video*"),
        _ => Finding::problem(
            "no_camera",
            gettext("No camera was found."),
            gettext(
                "Plug one in, or check that it is not disabled by a switch or in the firmware.",
            ),
        )
        .fix(format!("{} devices", commands::lenscap(facts))),
    }
}

fn is_busy(found: &Found) -> bool {
    let fault = found.problem.as_ref();
    fault.is_some_and(|fault| fault.kind == FaultKind::Busy)
}

/// The sensor's driver is part of the kernel, the image processor's is not.
fn no_psys(facts: &Facts) -> Finding {
    let found = Finding::problem(
        "no_psys",
        gettext(
            "The kernel has a driver for the camera's sensor, but not for its image processor (psys).",
        ),
        gettext(
            "The vendor's plugin needs that driver, which may not have been built for an updated \
             kernel. libcamera works without it if it supports the sensor.",
        ),
    );
    match &facts.camera.psys_module {
        Some(module) => found.fix(format!("sudo modprobe {module}")),
        None => match commands::install_libcamera(facts) {
            Some(command) => found.fix(command),
            None => found,
        },
    }
}
