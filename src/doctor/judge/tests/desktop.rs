//! Faults of the session.

use super::healthy::{healthy, output};
use super::{check, is_skipped, outcome_of, remedy};
use crate::doctor::facts::{DesktopFacts, Distro, Facts, Launcher, PipewireObjects, Unreachable};
use crate::doctor::{Action, Check};

#[test]
fn pipewire_is_needed_where_it_is_installed() {
    let answer = |facts: &mut Facts, installed, answer| {
        let pipewire = facts.pipewire.as_mut().unwrap();
        (pipewire.installed, pipewire.objects) = (installed, answer);
    };
    check(
        |facts| answer(facts, true, None),
        &["!pipewire pipewire_down"],
    );
    check(|facts| answer(facts, false, None), &[]);
    let lonely = Some(PipewireObjects::default());
    check(
        |facts| answer(facts, true, lonely),
        &["!pipewire no_session_manager"],
    );
    let wanted = |facts: &mut Facts| {
        answer(facts, false, None);
        facts.wanted.outputs = vec!["pipewire".to_owned()];
    };
    check(wanted, &["!pipewire pipewire_missing"]);
    let ours = |facts: &mut Facts, name: &str| {
        output(facts, "pipewire", "lenscap");
        let graph = facts.pipewire.as_mut().unwrap().objects.as_mut().unwrap();
        graph.cameras = vec![(String::new(), name.to_owned())];
    };
    check(|facts| ours(facts, "lenscap"), &[]);
    check(|facts| ours(facts, "other"), &["!pipewire node_missing"]);
}

#[test]
fn a_bare_desktop_gets_notes_only() {
    let bare = |facts: &mut Facts| facts.desktop = Some(DesktopFacts::default());
    let all = [
        "desktop no_tray",
        "desktop no_notifications",
        "desktop no_portals",
    ];
    check(bare, &all);
    let mut facts = healthy();
    (facts.desktop, facts.pipewire) = (None, None);
    assert!(is_skipped(&facts, Check::Desktop) && is_skipped(&facts, Check::Pipewire));
}

#[test]
fn gnomes_extension_is_the_installed_one_or_the_distributions() {
    let fix = |distro, extension| {
        let gnome = |facts: &mut Facts| {
            facts.system.distro = distro;
            let desktop = facts.desktop.as_mut().unwrap();
            (desktop.tray, desktop.gnome, desktop.extension) = (false, true, extension);
        };
        check(gnome, &["desktop no_tray"]);
        remedy(gnome).0
    };
    let (ubuntu, upstream) = (
        "ubuntu-appindicators@ubuntu.com",
        "appindicatorsupport@rgcjonas.gmail.com",
    );
    for extension in [ubuntu, upstream] {
        let enable = format!("gnome-extensions enable {extension}");
        assert_eq!(fix(Distro::Debian, Some(extension)), enable);
    }
    let package = "gnome-shell-extension-appindicator";
    for (distro, install) in [
        (Distro::Debian, "sudo apt install"),
        (Distro::Ubuntu, "sudo apt install"),
        (Distro::Fedora, "sudo dnf install"),
        (Distro::Arch, "sudo pacman -S"),
    ] {
        assert_eq!(fix(distro, None), format!("{install} {package}"));
    }
    assert!(fix(Distro::Other, None).starts_with("xdg-open https://extensions.gnome.org/"));
}

#[test]
fn an_extension_that_is_not_installed_is_enabled_afterwards() {
    for (distro, name) in [
        (Distro::Debian, "ubuntu-appindicators@ubuntu.com"),
        (Distro::Fedora, "appindicatorsupport@rgcjonas.gmail.com"),
    ] {
        let mut facts = healthy();
        facts.system.distro = distro;
        let desktop = facts.desktop.as_mut().unwrap();
        (desktop.tray, desktop.gnome) = (false, true);
        let enable = format!("gnome-extensions enable {name}");
        let outcome = outcome_of(&facts, Check::Desktop);
        assert!(outcome.findings()[0].why.ends_with(&enable), "{outcome:?}");
        facts.system.flatpak = true;
        let outcome = outcome_of(&facts, Check::Desktop);
        assert_eq!(outcome.findings()[0].fix.as_ref(), Some(&enable));
    }
}

#[test]
fn lenscap_is_started_exactly_once() {
    let launcher = |path: &str, works| {
        let program = "/opt/lenscap".to_owned();
        Some(Launcher {
            path: path.into(),
            program,
            works,
        })
    };
    let broken = |facts: &mut Facts| facts.startup.entry = launcher("/home/me/a.desktop", false);
    check(broken, &["!startup autostart_broken"]);
    assert_eq!(remedy(broken).0, "rm /home/me/a.desktop");
    let service = |facts: &mut Facts| facts.startup.service = launcher("/usr/share/x", false);
    check(service, &["!startup service_broken"]);
    assert_eq!(remedy(service).0, "sudo rm /usr/share/x");
    let wanted = |facts: &mut Facts| facts.wanted.autostart = true;
    check(wanted, &["!startup no_autostart"]);
    let twice = |facts: &mut Facts| {
        wanted(facts);
        facts.startup.unit_enabled = true;
        facts.startup.entry = launcher("/home/me/a.desktop", true);
    };
    check(twice, &["startup started_twice"]);
    let once = |facts: &mut Facts| {
        twice(facts);
        facts.startup.unit_enabled = false;
    };
    check(once, &[]);
}

#[test]
fn a_portal_that_denies_all_applications_is_a_problem() {
    let refuses = |applications: &'static [&str]| {
        move |facts: &mut Facts| {
            let applications = applications.iter().map(ToString::to_string);
            facts.desktop.as_mut().unwrap().denied = Some(applications.collect());
        }
    };
    check(refuses(&[""]), &["!permissions camera_denied"]);
    let named = &["org.gnome.Snapshot"];
    check(refuses(named), &["permissions camera_denied"]);
    let store = "org.freedesktop.impl.portal.PermissionStore";
    let path = "/org/freedesktop/impl/portal/PermissionStore";
    let delete = format!("busctl --user call {store} {path} {store} DeletePermission sss");
    let (fix, action) = remedy(refuses(&["", "org.gnome.Snapshot"]));
    assert_eq!(
        fix,
        format!("{delete} devices camera '' && {delete} devices camera org.gnome.Snapshot")
    );
    assert_eq!(action, Some(Action::ResetPermissions));
    // Without the helper, too.
    let (_, action) = remedy(|facts| {
        facts.system.helper = None;
        refuses(&[""])(facts);
    });
    assert_eq!(action, Some(Action::ResetPermissions));
    let mut facts = healthy();
    refuses(&["", "org.gnome.Snapshot"])(&mut facts);
    let outcome = outcome_of(&facts, Check::Permissions);
    let named = "to applications outside sandboxes and org.gnome.Snapshot, ";
    assert!(outcome.findings()[0].what.contains(named), "{outcome:?}");
    facts.desktop.as_mut().unwrap().denied = None;
    assert!(is_skipped(&facts, Check::Permissions));
}

/// An applet that outlived its bus prevents any other from starting.
#[test]
fn an_unreachable_applet_is_ended_before_another_starts() {
    let silent = |in_unit, unit| {
        move |facts: &mut Facts| {
            facts.applet = None;
            facts.startup.unit = unit;
            facts.unreachable = Some(Unreachable { pid: 7, in_unit });
        }
    };
    check(silent(true, true), &["!applet unreachable"]);
    let restart = "systemctl --user restart lenscap";
    assert_eq!(remedy(silent(true, true)).0, restart);
    let end = "kill 7 && tail --pid=7 -f /dev/null &&";
    let start = format!("{end} systemctl --user start lenscap");
    assert_eq!(remedy(silent(false, true)).0, start);
    assert_eq!(remedy(silent(false, false)).0, format!("{end} lenscap"));
    // Without a bus, none can be reached.
    let mut facts = healthy();
    silent(true, true)(&mut facts);
    facts.desktop = None;
    assert!(is_skipped(&facts, Check::Applet));
}

#[test]
fn the_applets_error_is_reported_unless_another_check_explains_it() {
    let fails = |facts: &mut Facts| {
        facts.applet.as_mut().unwrap().error = Some("no picture".to_owned());
    };
    check(fails, &["!applet applet_error"]);
    let explained = |facts: &mut Facts| {
        fails(facts);
        facts.camera.found = Some(Vec::new());
    };
    check(explained, &["!camera no_camera"]);
    check(
        |facts| facts.applet.as_mut().unwrap().paused = true,
        &["applet paused"],
    );
    check(|facts| facts.applet = None, &["applet not_running"]);
    let update = |facts: &mut Facts| facts.applet.as_mut().unwrap().update = true;
    check(update, &["applet restart_needed"]);
    assert_eq!(remedy(update).0, "lenscap quit && lenscap");
    let of_unit = |facts: &mut Facts| {
        update(facts);
        facts.startup.unit_enabled = true;
    };
    assert_eq!(remedy(of_unit).0, "systemctl --user restart lenscap");
    let config = |facts: &mut Facts| facts.wanted.broken = Some("x.toml: no".to_owned());
    check(config, &["!applet config_broken"]);
}
