//! Faults of the virtual camera, and conflicting programs.

use std::path::PathBuf;

use super::healthy::{healthy, holder, output};
use super::{check, is_skipped, outcome_of, remedy};
use crate::doctor::facts::{
    DeviceState, Distro, Facts, ModuleFacts, NodeAccess, PipewireObjects, Rival, RivalProgram,
};
use crate::doctor::{Check, RootAction};

#[test]
fn each_reason_for_a_missing_module_is_found() {
    let gone = |facts: &mut Facts| {
        facts.module.installed = false;
        facts.module.loaded = None;
        facts.devices.clear();
    };
    check(gone, &["!module_installed not_installed"]);
    for (distro, command) in [
        (
            Distro::Debian,
            "sudo apt install v4l2loopback-dkms linux-headers-6.12.1-amd64",
        ),
        (Distro::Fedora, "sudo dnf install akmod-v4l2loopback"),
        (
            Distro::Arch,
            "sudo pacman -S v4l2loopback-dkms linux-headers",
        ),
        (Distro::Suse, "sudo zypper install v4l2loopback-kmp-default"),
        (Distro::Other, ""),
    ] {
        let (fix, action) = remedy(|facts| {
            gone(facts);
            facts.system.distro = distro;
        });
        assert_eq!((fix.as_str(), action), (command, None));
    }
    let source = |facts: &mut Facts| {
        gone(facts);
        facts.module.source = true;
    };
    check(source, &["!module_installed no_headers"]);
    assert_eq!(
        remedy(source).0,
        "sudo apt install linux-headers-6.12.1-amd64"
    );
    let unbuilt = |facts: &mut Facts| {
        source(facts);
        facts.module.headers = true;
    };
    check(unbuilt, &["!module_installed not_built"]);
    assert_eq!(remedy(unbuilt).0, "sudo dkms autoinstall -k 6.12.1-amd64");
    let failed = |facts: &mut Facts| {
        unbuilt(facts);
        facts.module.failed_build = Some("/var/lib/dkms/x/build/make.log".into());
    };
    check(failed, &["!module_installed build_failed"]);
    assert_eq!(
        remedy(failed).0,
        "tail -n 30 /var/lib/dkms/x/build/make.log"
    );
    let updated = |facts: &mut Facts| {
        gone(facts);
        facts.module.kernel_gone = true;
    };
    check(updated, &["!module_installed kernel_gone"]);
}

#[test]
fn each_reason_for_an_unloaded_module_is_found() {
    let unloaded = |facts: &mut Facts| {
        facts.module.loaded = None;
        facts.devices.clear();
    };
    check(unloaded, &["!module_loaded not_loaded"]);
    let (fix, action) = remedy(unloaded);
    assert_eq!(action, Some(RootAction::LoadModule.into()));
    assert_eq!(
        fix,
        "sudo modprobe v4l2loopback exclusive_caps=1 max_buffers=8 \
         card_label=\"Intel MIPI Camera\""
    );
    let secure = |facts: &mut Facts, signed, refused| {
        unloaded(facts);
        facts.module.signed_only = true;
        (facts.module.signed, facts.module.refused) = (signed, refused);
    };
    check(
        |facts| secure(facts, Some(true), false),
        &["!module_loaded not_loaded"],
    );
    check(
        |facts| secure(facts, None, false),
        &["!module_loaded not_loaded"],
    );
    check(
        |facts| secure(facts, Some(false), false),
        &["!module_loaded secure_boot"],
    );
    check(
        |facts| secure(facts, None, true),
        &["!module_loaded secure_boot"],
    );
    let with_key = |facts: &mut Facts| {
        secure(facts, Some(true), true);
        facts.module.key = Some("/var/lib/dkms/mok.pub".into());
    };
    let expected = (
        "sudo mokutil --import /var/lib/dkms/mok.pub".to_owned(),
        None,
    );
    assert_eq!(remedy(with_key), expected);
    let forbidden = |facts: &mut Facts| {
        unloaded(facts);
        facts.module.forbidden = Some("/etc/modprobe.d/no.conf".into());
    };
    check(forbidden, &["!module_loaded forbidden"]);
    let not_at_boot = |facts: &mut Facts| facts.module.at_boot = false;
    check(not_at_boot, &["module_loaded not_at_boot"]);
    assert_eq!(
        remedy(not_at_boot).1,
        Some(RootAction::WriteModuleOptions.into())
    );
}

#[test]
fn checks_after_a_missing_module_are_skipped() {
    let mut facts = healthy();
    facts.module.loaded = None;
    facts.devices.clear();
    for check in [Check::ModuleOptions, Check::Device, Check::Classification] {
        assert!(is_skipped(&facts, check), "{check:?}");
    }
    facts.module.installed = false;
    assert!(is_skipped(&facts, Check::ModuleLoaded));
}

#[test]
fn another_kind_of_output_needs_no_module() {
    let without = |facts: &mut Facts| {
        facts.wanted.outputs = vec!["pipewire".to_owned()];
        facts.module = ModuleFacts::default();
        facts.devices.clear();
    };
    check(without, &[]);
}

#[test]
fn the_devices_capabilities_precede_the_modules_options() {
    let module_off = |facts: &mut Facts| {
        let loaded = facts.module.loaded.as_mut().unwrap();
        loaded.exclusive_caps = false;
    };
    // A device that was added later has its own option.
    check(module_off, &[]);
    let unasked = |facts: &mut Facts| {
        module_off(facts);
        facts.devices[0].state = DeviceState::Denied;
    };
    check(
        unasked,
        &[
            "!module_options exclusive_caps_off",
            "!device device_denied",
        ],
    );
    let both = |facts: &mut Facts| facts.devices[0].state = DeviceState::Both;
    check(both, &["!module_options exclusive_caps_off"]);
    let (fix, action) = remedy(both);
    assert!(
        fix.starts_with("lenscap quit; sudo modprobe -r v4l2loopback && "),
        "{fix}"
    );
    assert_eq!(action, Some(RootAction::LoadModule.into()));
    let few = |facts: &mut Facts| facts.module.loaded.as_mut().unwrap().max_buffers = 2;
    check(few, &["module_options few_buffers"]);
}

#[test]
fn another_products_options_file_is_named_if_it_takes_effect() {
    let set_option = |facts: &mut Facts, value: &str| {
        let file = PathBuf::from("/etc/modprobe.d/obs.conf");
        facts.module.exclusive_caps = Some((value.to_owned(), file));
    };
    let expected = ["!module_options options_overridden"];
    check(|facts| set_option(facts, "0"), &expected);
    check(|facts| set_option(facts, "0,1"), &expected);
    for value in ["1", "1,0", "Y"] {
        check(|facts| set_option(facts, value), &[]);
    }
    let mut facts = healthy();
    set_option(&mut facts, "0");
    let outcome = outcome_of(&facts, Check::ModuleOptions);
    assert!(
        outcome.findings()[0]
            .what
            .contains("/etc/modprobe.d/obs.conf")
    );
    assert_eq!(
        outcome.findings()[0].action,
        Some(RootAction::WriteModuleOptions.into())
    );
    // Our file would not be the last one.
    let last = |facts: &mut Facts| {
        let file = PathBuf::from("/etc/modprobe.d/zzz.conf");
        facts.module.exclusive_caps = Some(("0".to_owned(), file));
    };
    let command = r"sudo sed -i -E 's/\s+exclusive_caps=\S+//' /etc/modprobe.d/zzz.conf";
    assert_eq!(remedy(last), (command.to_owned(), None));
    // Right now, wrong after a restart.
    let unwritten = |facts: &mut Facts| facts.module.exclusive_caps = None;
    check(unwritten, &["module_options options_unwritten"]);
    assert_eq!(
        remedy(unwritten).1,
        Some(RootAction::WriteModuleOptions.into())
    );
    let not_at_boot = |facts: &mut Facts| {
        unwritten(facts);
        facts.module.at_boot = false;
    };
    check(not_at_boot, &["module_loaded not_at_boot"]);
}

#[test]
fn a_device_is_free_ours_or_in_use() {
    let no_device = |facts: &mut Facts| facts.devices.clear();
    check(no_device, &["!device no_device"]);
    assert_eq!(remedy(no_device).1, Some(RootAction::AddDevice.into()));
    let old = |facts: &mut Facts| {
        no_device(facts);
        facts.module.control = false;
    };
    assert_eq!(remedy(old).1, Some(RootAction::LoadModule.into()));
    let taken = |facts: &mut Facts| {
        facts.devices[0].state = DeviceState::Written;
        facts.devices[0].holders = vec![holder(77, "ffmpeg")];
    };
    check(taken, &["!device device_taken"]);
    let (fix, action) = remedy(taken);
    assert_eq!(fix, "sudo /usr/libexec/lenscap-fix add-device");
    assert_eq!(action, Some(RootAction::AddDevice.into()));
    // Without the helper, the driver's own tool is needed.
    let add = "sudo v4l2loopback-ctl add -x 1 -b 8 -n \"Intel MIPI Camera\"";
    let install = "sudo apt install v4l2loopback-utils";
    for (distro, command) in [
        (Distro::Debian, format!("{install} && {add}")),
        (Distro::Fedora, add.to_owned()),
    ] {
        let alone = |facts: &mut Facts| {
            taken(facts);
            facts.system.helper = None;
            facts.system.distro = distro;
        };
        assert_eq!(remedy(alone), (command, None));
    }
    let taken_for_good = |facts: &mut Facts| {
        taken(facts);
        facts.module.control = false;
    };
    assert_eq!(remedy(taken_for_good).0, "kill 77");
    let unseen = |facts: &mut Facts| {
        taken_for_good(facts);
        facts.devices[0].holders.clear();
    };
    assert_eq!(remedy(unseen).0, "sudo fuser -k /dev/video0");
    let denied = |facts: &mut Facts, in_account| {
        facts.devices[0].state = DeviceState::Denied;
        facts.devices[0].closed = Some(NodeAccess {
            path: "/dev/video0".into(),
            group: "camera".to_owned(),
            group_may: true,
            in_account,
            ..NodeAccess::default()
        });
    };
    check(|facts| denied(facts, false), &["!device device_denied"]);
    let fix = remedy(|facts| denied(facts, false)).0;
    assert_eq!(fix, "sudo usermod -aG camera me");
    // The command was run, but the session is older.
    check(|facts| denied(facts, true), &["!device group_pending"]);
    let fix = remedy(|facts| denied(facts, true)).0;
    assert_eq!(fix, "sudo setfacl --modify u:me:rw /dev/video0");
    let strange = |facts: &mut Facts| facts.devices[0].state = DeviceState::Unknown;
    check(strange, &["!device device_strange"]);
    // A free one will do.
    let second = |facts: &mut Facts| {
        let free = facts.devices[0].clone();
        taken(facts);
        facts.devices.push(free);
        facts.devices[1].path = "/dev/video1".into();
    };
    check(second, &[]);
    // Unless the settings name the one in use.
    let named = |facts: &mut Facts| {
        second(facts);
        facts.wanted.device = Some("/dev/video0".into());
    };
    check(named, &["!device device_taken"]);
    assert_eq!(remedy(named).0, "kill 77");
    let missing = |facts: &mut Facts| facts.wanted.device = Some("/dev/video9".into());
    check(missing, &["!device device_missing"]);
}

#[test]
fn the_running_applet_holds_its_own_device() {
    let running = |facts: &mut Facts| {
        facts.devices[0].state = DeviceState::Written;
        facts.devices[0].udev = Some(":capture:".to_owned());
        output(facts, "v4l2loopback", "/dev/video0");
        let cameras = vec![("v4l2:/dev/video0".to_owned(), "v4l2_input".to_owned())];
        let graph = PipewireObjects {
            manager: true,
            cameras,
        };
        facts.pipewire.as_mut().unwrap().objects = Some(graph);
    };
    check(running, &[]);
    // By the program's name, without a bus.
    let mute = |facts: &mut Facts| {
        running(facts);
        facts.applet = None;
        facts.devices[0].holders = vec![holder(5, "lenscap")];
    };
    check(mute, &["applet not_running"]);
    let stale = |facts: &mut Facts| {
        running(facts);
        facts.devices[0].udev = Some(":video_output:".to_owned());
        facts
            .pipewire
            .as_mut()
            .unwrap()
            .objects
            .as_mut()
            .unwrap()
            .cameras
            .clear();
    };
    check(stale, &["!classification udev_stale"]);
    let (fix, action) = remedy(stale);
    assert_eq!(action, Some(RootAction::TriggerUdev.into()));
    assert_eq!(
        fix,
        "sudo udevadm trigger --action=remove /dev/video0 && \
         sudo udevadm trigger --action=add /dev/video0"
    );
    let unlisted = |facts: &mut Facts| {
        running(facts);
        facts
            .pipewire
            .as_mut()
            .unwrap()
            .objects
            .as_mut()
            .unwrap()
            .cameras
            .clear();
    };
    check(unlisted, &["!pipewire not_listed"]);
}

#[test]
fn rivals_are_named_and_explain_what_they_hold() {
    let runs = |facts: &mut Facts, program| {
        facts.rivals.running = vec![Rival {
            program,
            pid: 99,
            own: true,
        }];
        facts.rivals.relayd_units = vec!["v4l2-relayd@default.service"];
    };
    check(
        |facts| runs(facts, RivalProgram::V4l2Relayd),
        &["!rivals rival_runs"],
    );
    let (fix, action) = remedy(|facts| runs(facts, RivalProgram::V4l2Relayd));
    assert_eq!(
        fix,
        "sudo systemctl disable --now v4l2-relayd@default.service"
    );
    assert_eq!(action, Some(RootAction::DisableV4l2Relayd.into()));
    // systemd can't stop what it didn't start.
    let with_sudo = |facts: &mut Facts, own| {
        runs(facts, RivalProgram::V4l2Relayd);
        facts.rivals.relayd_units.clear();
        facts.rivals.running[0].own = own;
    };
    let kill = remedy(|facts| with_sudo(facts, true));
    assert_eq!(kill, ("kill 99".to_owned(), None));
    assert_eq!(remedy(|facts| with_sudo(facts, false)).0, "sudo kill 99");
    let daemon = RivalProgram::Ipu6CameraDaemon;
    assert_eq!(remedy(|facts| runs(facts, daemon)).0, "kill 99");
    let by_unit = |facts: &mut Facts| {
        runs(facts, daemon);
        facts.rivals.daemon_unit = true;
    };
    let expected = "systemctl --user disable --now ipu6-camera-daemon";
    assert_eq!(remedy(by_unit).0, expected);
    // The device that it holds is not reported twice.
    let holding = |facts: &mut Facts| {
        runs(facts, daemon);
        facts.devices[0].state = DeviceState::Written;
        facts.devices[0].holders = vec![holder(100, "gst-launch-1.0")];
    };
    check(holding, &["!rivals rival_runs"]);
    let obs = |facts: &mut Facts| {
        facts.devices[0].state = DeviceState::Written;
        facts.devices[0].holders = vec![holder(3, "obs")];
    };
    check(obs, &["!rivals rival_on_device"]);
    assert_eq!(remedy(obs).1, Some(RootAction::AddDevice.into()));
    let enabled = |facts: &mut Facts, units: &[&'static str]| {
        facts.rivals.relayd_enabled = true;
        facts.rivals.relayd_units = units.to_vec();
    };
    let units = ["v4l2-relayd.service"];
    check(|facts| enabled(facts, &units), &["rivals rival_enabled"]);
    // A dangling link starts nothing.
    check(|facts| enabled(facts, &[]), &[]);
}
