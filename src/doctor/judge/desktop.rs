//! Rungs of the desktop, and the applet's own word.

use super::commands::{enable_extension, lenscap, quoted, tray_extension};
use crate::doctor::facts::{Desktop, Facts, Launcher, Unreachable};
use crate::doctor::{Finding, Outcome, Verdict};
use crate::i18n::{gettext, gettext_f};

/// Whether somebody shows what the applet has to say. It runs without, so these are notes.
pub fn desktop(facts: &Facts) -> Outcome {
    let Some(desktop) = &facts.desktop else {
        return Outcome::Skipped(gettext("There is no session bus here."));
    };
    let mut findings = Vec::new();
    if !desktop.tray {
        findings.push(no_tray(facts, desktop));
    }
    // A sandbox doesn't see who shows them: the portal has it done.
    if !desktop.notifications && !facts.system.flatpak {
        findings.push(Finding::note(
            "no_notifications",
            gettext("Nobody shows notifications."),
            gettext("Lenscap can't tell when the camera goes on, or why it does not."),
        ));
    }
    if !desktop.portals {
        findings.push(Finding::note(
            "no_portals",
            gettext("There are no desktop portals."),
            gettext("Applications in sandboxes reach cameras only through them."),
        ));
    }
    findings.into()
}

fn no_tray(facts: &Facts, desktop: &Desktop) -> Finding {
    let without =
        gettext("Lenscap works without; 'lenscap status' and 'lenscap pause' do the same.");
    let found = |why| Finding::note("no_tray", gettext("Nobody shows tray icons."), why);
    if !desktop.gnome {
        return found(without);
    }
    let (name, install) = tray_extension(facts.system.distro);
    // From inside a Flatpak, the system's extensions can't be seen.
    if desktop.extension.is_some() || facts.system.flatpak {
        let name = desktop.extension.unwrap_or(name);
        return found(without).fix(enable_extension(name));
    }
    // GNOME looks for new extensions as a session starts, and enables none that it hasn't seen.
    let enable = gettext_f(
        "The extension that GNOME needs for them is enabled after the next log-in: {command}",
        &[("command", &enable_extension(name))],
    );
    found(format!("{without} {enable}")).fix(install)
}

/// Whether what starts the applet does.
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
    // A sandbox sees no entry: the portal has it.
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
                gettext("Lenscap is set to start with the session, and nothing starts it."),
                gettext("After the next log-in there is no camera until somebody starts it."),
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
            "{file} starts {program}, which is not there.",
            &[("file", &path), ("program", &launcher.program)],
        ),
        gettext("Lenscap was moved or removed since; installing it again brings a right one."),
    )
    .fix(format!("{sudo}rm {}", quoted(&launcher.path)))
}

/// What the applet says. What the ladder has found already explains it.
pub fn applet(facts: &Facts, below: &[Verdict]) -> Outcome {
    if let Some(broken) = &facts.wanted.broken {
        return Finding::problem(
            "config_broken",
            gettext_f(
                "The config file can't be used: {reason}",
                &[("reason", broken)],
            ),
            gettext("The last good settings, or the defaults, stay in force until it is mended."),
        )
        .into();
    }
    let Some(applet) = &facts.applet else {
        return match facts.unreachable {
            Some(process) => unreachable(facts, process),
            None => not_running(facts).into(),
        };
    };
    let explained = below.iter().any(|verdict| verdict.outcome.is_broken());
    match &applet.error {
        Some(_) if explained => {
            Outcome::Skipped(gettext("The rungs before this one explain what it says."))
        }
        Some(error) => Finding::problem(
            "applet_error",
            gettext_f("Lenscap says: {error}", &[("error", error)]),
            gettext("It tries again by itself; its log has more."),
        )
        .fix(if facts.startup.unit {
            "journalctl --user -u lenscap".to_owned()
        } else {
            format!("LENSCAP_LOG=debug {}", lenscap(facts))
        })
        .into(),
        None if applet.paused => Finding::note(
            "paused",
            gettext("The camera is paused."),
            gettext("Everybody sees a card instead of a picture."),
        )
        .fix(format!("{} resume", lenscap(facts)))
        .into(),
        None => Outcome::Fine,
    }
}

/// An applet that outlived its session bus. Starting another does nothing while it lives.
fn unreachable(facts: &Facts, process: Unreachable) -> Outcome {
    let pid = process.pid.to_string();
    if facts.desktop.is_none() {
        return Outcome::Skipped(gettext_f(
            "Lenscap runs as process {pid}; there is no session bus here to ask it over.",
            &[("pid", &pid)],
        ));
    }
    let fix = if process.in_unit {
        "systemctl --user restart lenscap".to_owned()
    } else {
        // It may take seconds to close the camera, and only then there can be another.
        let start = start(facts);
        format!("kill {pid} && tail --pid={pid} -f /dev/null && {start}")
    };
    Finding::problem(
        "unreachable",
        gettext_f(
            "Lenscap runs as process {pid}, and can't be reached over this session bus.",
            &[("pid", &pid)],
        ),
        gettext(
            "It may have the camera on, without an icon and without a way to pause it. The session \
             bus was started anew since, or it is another session's.",
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
        gettext("Applications get a picture only while it is."),
    )
    .fix(start(facts))
}
