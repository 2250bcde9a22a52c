//! Rungs of the real camera.

use super::commands::{self, quoted};
use super::{hidden, is_broken};
use crate::doctor::facts::{Facts, Node};
use crate::doctor::{Action, Finding, Outcome, Rung, Severity, Verdict};
use crate::i18n::{gettext, gettext_f, ngettext_f};
use crate::relay::FaultKind;
use crate::source::Found;

/// Kinds of sources that probing finds; others are the user's own words, and come true or not when
/// they are opened.
const FOUND_KINDS: [&str; 5] = ["icamerasrc", "libcamera", "v4l2", "pipewire", "auto"];
/// Those that reach a camera that is built in.
const BUILT_IN: [&str; 2] = ["icamerasrc", "libcamera"];

fn wants(facts: &Facts, kind: &str) -> bool {
    let wanted = facts.wanted.source.as_str();
    matches!(wanted, "auto" | "") || wanted == kind
}

fn cameras(facts: &Facts) -> impl Iterator<Item = &Found> {
    let found = facts.camera.found.iter().flatten();
    found.filter(|found| wants(facts, &found.kind))
}

/// Whether a camera works that the settings allow.
fn any_works(facts: &Facts) -> bool {
    cameras(facts).any(|found| found.problem.is_none())
}

fn built_in_works(facts: &Facts) -> bool {
    cameras(facts).any(|found| found.problem.is_none() && BUILT_IN.contains(&found.kind.as_str()))
}

/// Why a camera has another fault.
fn fault_of(facts: &Facts, kind: &str) -> Option<FaultKind> {
    let mut faults = cameras(facts).filter(|found| found.kind == kind);
    faults.find_map(|found| Some(found.problem.as_ref()?.kind))
}

/// Something to fix, unless another camera works all the same.
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

/// Whether `icamerasrc` is there where it is needed.
pub fn plugin(facts: &Facts) -> Outcome {
    if facts.system.flatpak {
        return hidden();
    }
    let camera = &facts.camera;
    if !(camera.ipu && wants(facts, "icamerasrc") || facts.wanted.source == "icamerasrc") {
        return Outcome::Skipped(gettext("No camera here needs a plugin of its maker's."));
    }
    if camera.element == Some(true) || built_in_works(facts) {
        return Outcome::Fine;
    }
    match (&camera.plugin, camera.fresh) {
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
            "A plugin that failed once, as during an update, is passed over until GStreamer's \
             registry is made anew.",
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
        gettext("This machine has an Intel IPU camera, and no GStreamer plugin for it."),
        gettext(
            "It can only be opened through the maker's plugin (icamerasrc, which comes with the \
             camera HAL), or through libcamera where that knows the sensor.",
        ),
    );
    match commands::install_plugin(facts) {
        Some(command) => found.fix(command),
        None => found,
    }
    .into()
}

/// Whether the nodes can be opened.
pub fn access(facts: &Facts) -> Outcome {
    if facts.camera.nodes.is_empty() {
        return Outcome::Skipped(gettext("There is no node that would have to be opened."));
    }
    let closed = facts.camera.nodes.iter().filter(|node| !node.open);
    let findings: Vec<_> = closed.map(|node| closed_node(facts, node)).collect();
    findings.into()
}

fn closed_node(facts: &Facts, node: &Node) -> Finding {
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
    // Our rules are about the image processor; a camera's own node has rules of systemd's.
    if node.psys {
        found.action(Action::WriteUdevRules)
    } else {
        found
    }
}

fn no_rule(facts: &Facts, node: &Node) -> Finding {
    let path = node.path.display().to_string();
    let what = gettext_f("No udev rule opens {node} to users.", &[("node", &path)]);
    let why = gettext("Lenscap opens the camera as you, with your permissions.");
    finding(facts, "no_rule", what, why).fix(commands::WRITE_RULES)
}

/// Whether the session is older than the membership that would open the node.
pub fn is_pending(node: &Node) -> bool {
    node.group_may && node.in_account && !node.in_session
}

/// What is wrong with a node that the next session may open.
pub fn group_pending(facts: &Facts, node: &Node) -> Finding {
    let path = node.path.display().to_string();
    let what = gettext_f(
        "Your account is in the group '{group}', but this session began before that.",
        &[("group", &node.group)],
    );
    let why = gettext_f(
        "{node} opens when you have logged out and in again; the command opens it at once.",
        &[("node", &path)],
    );
    let (user, path) = (&facts.system.user, quoted(&node.path));
    let command = format!("sudo setfacl --modify u:{user}:rw {path}");
    Finding::problem("group_pending", what, why).fix(command)
}

fn not_in_group(facts: &Facts, node: &Node) -> Finding {
    let path = node.path.display().to_string();
    let (user, group) = (&facts.system.user, &node.group);
    let what = gettext_f(
        "{node} is for the group '{group}', which you are not in.",
        &[("node", &path), ("group", group)],
    );
    let why = gettext(
        "Lenscap opens the camera as you, with your permissions. Log out and in again after the \
         command.",
    );
    finding(facts, "not_in_group", what, why).fix(format!("sudo usermod -aG {group} {user}"))
}

/// Whether there is a camera to show.
pub fn camera(facts: &Facts, below: &[Verdict]) -> Outcome {
    let source = facts.wanted.source.as_str();
    if !source.is_empty() && !FOUND_KINDS.contains(&source) {
        return Outcome::Skipped(gettext_f(
            "The source is set to '{source}', which is tried when it is needed.",
            &[("source", source)],
        ));
    }
    if facts.camera.found.is_none() {
        return Finding::problem(
            "probe_failed",
            gettext("Cameras could not be looked for."),
            gettext("The child process that looks for them did not start."),
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
    let explained = [Rung::CameraPlugin, Rung::CameraAccess];
    if explained.iter().any(|rung| is_broken(*rung, below)) {
        return Outcome::Skipped(gettext("The rungs before this one say why not."));
    }
    let mut findings = vec![if facts.system.flatpak && facts.camera.ipu {
        out_of_reach()
    } else {
        no_camera(facts)
    }];
    findings.extend(raw_nodes(facts));
    findings.into()
}

/// The maker's software belongs to the machine's own GStreamer, which a Flatpak has not.
fn out_of_reach() -> Finding {
    Finding::problem(
        "out_of_reach",
        gettext("The Intel IPU camera of this machine can't be opened from inside the Flatpak."),
        gettext(
            "It needs its maker's software (icamerasrc), which is no part of any Flatpak. Install \
             Lenscap from your distribution's package or from source instead.",
        ),
    )
}

/// Dozens of nodes that no application can use, and that look like cameras.
fn raw_nodes(facts: &Facts) -> Vec<Finding> {
    let count = facts.camera.raw_nodes;
    if count == 0 {
        return Vec::new();
    }
    vec![Finding::note(
        "raw_nodes",
        ngettext_f(
            "{n} device named \"ISYS Capture\" is a raw sensor's: it gives no picture.",
            "{n} devices named \"ISYS Capture\" are raw sensors': they give no picture.",
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
            gettext("The camera's software crashed or hung when it was asked for its cameras."),
            gettext("It is not of the same version as the kernel's driver, or misses a file."),
        )
        .fix("gst-inspect-1.0 icamerasrc"),
        Some(FaultKind::NoCamera) if facts.camera.element == Some(true) => Finding::problem(
            "hal_empty",
            gettext("The camera's software is installed, and finds no camera."),
            gettext(
                "The sensor's driver or firmware is missing, or the software has no settings for \
                 this sensor; the command shows what the kernel said.",
            ),
        )
        .fix("sudo dmesg | grep -iE 'ipu|ivsc|int3472|ov[0-9]|hm[0-9]'"),
        _ if cameras(facts).any(is_busy) => Finding::problem(
            "camera_busy",
            gettext("Another program has the camera open."),
            gettext("A camera serves one program at a time; the command names it."),
        )
        .fix("fuser -v /dev/video*"),
        _ => Finding::problem(
            "no_camera",
            gettext("No camera was found."),
            gettext("Plug one in, or see that it is not switched off by a key or in the firmware."),
        )
        .fix(format!("{} devices", commands::lenscap(facts))),
    }
}

fn is_busy(found: &Found) -> bool {
    let fault = found.problem.as_ref();
    fault.is_some_and(|fault| fault.kind == FaultKind::Busy)
}

/// The sensor's part of the driver is in every kernel, the image processor's is not.
fn no_psys(facts: &Facts) -> Finding {
    let found = Finding::problem(
        "no_psys",
        gettext("The kernel knows the camera's sensor, but not its image processor (psys)."),
        gettext(
            "The maker's plugin needs that driver, which an update of the kernel may have left \
             behind. libcamera does without it where it knows the sensor.",
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
