//! Checks of the desktop, of autostart and of the applet's status.

use super::commands::{enable_extension, lenscap, quoted, tray_extension};
use crate::doctor::facts::{DesktopFacts, Facts, Launcher, Unreachable};
use crate::doctor::{CheckResult, Finding, Outcome};
use crate::i18n::{gettext, gettext_f};
use crate::report::Report;

/// These are notes, since the applet works without a desktop.
pub fn desktop(facts: &Facts) -> Outcome {
    let Some(desktop) = &facts.desktop else {
        return Outcome::Skipped(gettext("There is no session bus here."));
    };
    let mut findings = Vec::new();
    if !desktop.tray {
        findings.push(no_tray(facts, desktop));
    }
    // A sandbox sees only the portal, not the notification service.
    if !desktop.notifications && !facts.system.flatpak {
        findings.push(Finding::note(
            "no_notifications",
            gettext("There is no notification service."),
            gettext("Lenscap can't notify you when the camera turns on, or why it doesn't."),
        ));
    }
    if !desktop.portals {
        findings.push(Finding::note(
            "no_portals",
            gettext("There are no desktop portals."),
            gettext("Sandboxed applications can use cameras only through them."),
        ));
    }
    findings.into()
}

fn no_tray(facts: &Facts, desktop: &DesktopFacts) -> Finding {
    let without =
        gettext("Lenscap works without them; use 'lenscap status' and 'lenscap pause' instead.");
    let found = |why| Finding::note("no_tray", gettext("The desktop shows no tray icons."), why);
    if !desktop.gnome {
        return found(without);
    }
    let (name, install) = tray_extension(facts.system.distro);
    // The system's extensions are hidden from a Flatpak.
    if desktop.extension.is_some() || facts.system.flatpak {
        let name = desktop.extension.unwrap_or(name);
        return found(without).fix(enable_extension(name));
    }
    // GNOME searches for extensions at log-in only, and can't enable those it hasn't found.
    let enable = gettext_f(
        "After installing the extension that GNOME needs, log in again and enable it: {command}",
        &[("command", &enable_extension(name))],
    );
    found(format!("{without} {enable}")).fix(install)
}

/// Whether the files that start the applet work.
pub fn startup(facts: &Facts) -> Outcome {
    let startup = &facts.startup;
    let mut findings = Vec::new();
    let broken = |launcher: &&Launcher| !launcher.works;
    if let Some(entry) = startup.entry.as_ref().filter(broken) {
        findings.push(gone("autostart_broken", entry));
    }
    if let Some(service) = startup.service.as_ref().filter(broken) {
        findings.push(gone("service_broken", service));
    }
    if startup.unit_enabled && startup.entry.is_some() {
        findings.push(
            Finding::note(
                "started_twice",
                gettext("Lenscap is started twice: by systemd and by the desktop."),
                gettext("The second start opens the preferences window at every log-in."),
            )
            .fix("systemctl --user disable lenscap"),
        );
    }
    // In a sandbox, the portal keeps the entry out of sight.
    let started = startup.unit_enabled || startup.entry.is_some() || facts.system.flatpak;
    if facts.wanted.autostart && !started {
        let fix = if startup.unit {
            "systemctl --user enable --now lenscap"
        } else {
            lenscap(facts)
        };
        findings.push(
            Finding::problem(
                "no_autostart",
                gettext("Lenscap is set to start with the session, but nothing starts it."),
                gettext("After the next log-in there is no camera until you start Lenscap."),
            )
            .fix(fix),
        );
    }
    findings.into()
}

fn gone(code: &'static str, launcher: &Launcher) -> Finding {
    let path = launcher.path.display().to_string();
    let sudo = if path.starts_with("/usr") || path.starts_with("/etc") {
        "sudo "
    } else {
        ""
    };
    Finding::problem(
        code,
        gettext_f(
            "{file} starts {program}, which doesn't exist.",
            &[("file", &path), ("program", &launcher.program)],
        ),
        gettext("Lenscap was moved or removed; installing it again writes a correct file."),
    )
    .fix(format!("{sudo}rm {}", quoted(&launcher.path)))
}

/// The error that the applet reports, unless an earlier check explains it.
pub fn applet(facts: &Facts, below: &[CheckResult]) -> Outcome {
    if let Some(broken) = &facts.wanted.broken {
        return Finding::problem(
            "config_broken",
            gettext_f(
                "The config file can't be used: {reason}",
                &[("reason", broken)],
            ),
            gettext("The last good settings, or the defaults, stay in force until it is fixed."),
        )
        .into();
    }
    let Some(applet) = &facts.applet else {
        return match facts.unreachable {
            Some(process) => unreachable(facts, process),
            None => not_running(facts).into(),
        };
    };
    let explained = below.iter().any(|result| result.outcome.is_broken());
    match &applet.error {
        Some(_) if explained => {
            Outcome::Skipped(gettext("The failed checks above explain the error."))
        }
        Some(error) => Finding::problem(
            "applet_error",
            gettext_f("Lenscap reports: {error}", &[("error", error)]),
            gettext("It retries by itself; the log has details."),
        )
        .fix(if facts.startup.unit {
            "journalctl --user -u lenscap".to_owned()
        } else {
            format!("LENSCAP_LOG=debug {}", lenscap(facts))
        })
        .into(),
        None => notes(facts, applet).into(),
    }
}

/// About an applet without an error.
fn notes(facts: &Facts, applet: &Report) -> Vec<Finding> {
    let paused = applet.paused.then(|| {
        Finding::note(
            "paused",
            gettext("The camera is paused."),
            gettext("Applications see a card instead of the camera's picture."),
        )
        .fix(format!("{} resume", lenscap(facts)))
    });
    let update = applet.update.then(|| {
        Finding::note(
            "restart_needed",
            gettext("Another version of Lenscap is installed than the one that runs."),
            gettext("It takes over when Lenscap is restarted."),
        )
        .fix(restart(facts))
    });
    paused.into_iter().chain(update).collect()
}

fn restart(facts: &Facts) -> String {
    let lenscap = lenscap(facts);
    if facts.startup.unit_enabled {
        "systemctl --user restart lenscap".to_owned()
    } else {
        format!("{lenscap} quit && {lenscap}")
    }
}

/// An applet that outlived its session bus. No other can start while it runs.
fn unreachable(facts: &Facts, process: Unreachable) -> Outcome {
    let pid = process.pid.to_string();
    if facts.desktop.is_none() {
        return Outcome::Skipped(gettext_f(
            "Lenscap runs as process {pid}; there is no session bus here to reach it.",
            &[("pid", &pid)],
        ));
    }
    let fix = if process.in_unit {
        "systemctl --user restart lenscap".to_owned()
    } else {
        // Closing the camera can take seconds, and only then can another one start.
        let start = start(facts);
        format!("kill {pid} && tail --pid={pid} -f /dev/null && {start}")
    };
    Finding::problem(
        "unreachable",
        gettext_f(
            "Lenscap runs as process {pid}, but can't be reached over this session bus.",
            &[("pid", &pid)],
        ),
        gettext(
            "The camera may be on, without an icon and without a way to pause it. The session bus \
             was restarted since, or Lenscap belongs to another session.",
        ),
    )
    .fix(fix)
    .into()
}

fn start(facts: &Facts) -> &'static str {
    if facts.startup.unit {
        "systemctl --user start lenscap"
    } else {
        lenscap(facts)
    }
}

fn not_running(facts: &Facts) -> Finding {
    Finding::note(
        "not_running",
        gettext("Lenscap is not running."),
        gettext("Applications get a picture only while it is running."),
    )
    .fix(start(facts))
}
