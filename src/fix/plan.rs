//! The steps that each action takes on this machine. Only reads.

use std::fs;
use std::io;
use std::path::Path;

use lenscap_actions::module::{self, BUFFERS, LABEL, NAME as MODULE};
use lenscap_actions::{RootAction, relayd};

use crate::control;
use crate::step::Step;
use crate::tool::{MODPROBE, SYSTEMCTL, UDEVADM};
use crate::write::Place;

const OPTIONS: Place = Place {
    dirs: &["etc", "modprobe.d"],
    name: module::OPTIONS_FILE,
};
const OPTIONS_TEXT: &str = include_str!("../../data/modprobe.d/lenscap.conf");

const LOAD: Place = Place {
    dirs: &["etc", "modules-load.d"],
    name: "lenscap.conf",
};
const LOAD_TEXT: &str = include_str!("../../data/modules-load.d/lenscap.conf");

const RULES: Place = Place {
    dirs: &["etc", "udev", "rules.d"],
    name: "72-lenscap.rules",
};
const RULES_TEXT: &str = include_str!("../../data/udev/rules.d/72-lenscap.rules");

/// The steps of an action; none where all is as it should be.
pub fn steps(action: RootAction, root: &Path) -> io::Result<Vec<Step>> {
    Ok(match action {
        RootAction::LoadModule => load_module(root),
        RootAction::WriteModuleOptions => {
            let files = [(OPTIONS, OPTIONS_TEXT), (LOAD, LOAD_TEXT)];
            files
                .into_iter()
                .filter_map(|(place, text)| write(place, text, root))
                .collect()
        }
        RootAction::WriteUdevRules => write_udev_rules(root),
        RootAction::AddDevice => vec![add_device(root)?],
        RootAction::TriggerUdev => trigger_udev(root),
        RootAction::DisableV4l2Relayd => disable_relayd(root),
    })
}

fn write(place: Place, text: &'static str, root: &Path) -> Option<Step> {
    (!place.holds(root, text)).then_some(Step::Write(place, text))
}

fn load_module(root: &Path) -> Vec<Step> {
    let buffers = format!("max_buffers={BUFFERS}");
    let label = format!("card_label=\"{LABEL}\"");
    let load = Step::run(
        MODPROBE,
        &["--", MODULE, "exclusive_caps=1", &buffers, &label],
    );
    let module = root.join("sys/module").join(MODULE);
    let parameter = |name| {
        let text = fs::read_to_string(module.join("parameters").join(name));
        text.unwrap_or_default()
    };
    if !module.exists() {
        return vec![load];
    }
    let exclusive = parameter("exclusive_caps").starts_with('Y');
    let buffers = parameter("max_buffers").trim().parse();
    let enough = buffers.is_ok_and(|number: i32| number >= BUFFERS);
    if exclusive && enough {
        return Vec::new();
    }
    vec![Step::run(MODPROBE, &["--remove", "--", MODULE]), load]
}

fn write_udev_rules(root: &Path) -> Vec<Step> {
    let trigger = ["trigger", "--action=change"];
    let camera = [
        "--subsystem-match=intel-ipu6-psys",
        "--subsystem-match=intel-ipu7-psys",
    ];
    let vcam = [
        "--subsystem-match=misc",
        "--sysname-match=vcam",
        "--sysname-match=udmabuf",
    ];
    let written = write(RULES, RULES_TEXT, root);
    written
        .into_iter()
        .chain([
            Step::run(UDEVADM, &["control", "--reload"]),
            Step::run(UDEVADM, &[&trigger[..], &camera].concat()),
            Step::run(UDEVADM, &[&trigger[..], &vcam].concat()),
        ])
        .collect()
}

fn add_device(root: &Path) -> io::Result<Step> {
    if !root.join("sys/module").join(MODULE).exists() {
        return Err(io::Error::other(
            "v4l2loopback is not loaded: load-module first",
        ));
    }
    if !root.join(&control::NODE[1..]).exists() || module::is_before_0_13(root) {
        return Err(io::Error::other(
            "this v4l2loopback can't add devices: that came with version 0.13",
        ));
    }
    Ok(Step::AddDevice)
}

/// A device that was there before its writer is an output to udev and `WirePlumber`. They look
/// again when it comes anew.
fn trigger_udev(root: &Path) -> Vec<Step> {
    let actions = ["--action=remove", "--action=add"];
    let triggers = loopback_devices(root)
        .into_iter()
        .flat_map(|device| actions.map(|action| Step::run(UDEVADM, &["trigger", action, &device])));
    triggers.collect()
}

/// The devices of v4l2loopback, which alone has `max_openers`. Their names are `video` and a
/// number, or they are none.
fn loopback_devices(root: &Path) -> Vec<String> {
    const CLASS: &str = "sys/class/video4linux";
    let entries = fs::read_dir(root.join(CLASS))
        .into_iter()
        .flatten()
        .flatten();
    let ours = entries.filter(|entry| entry.path().join("max_openers").exists());
    let mut numbers: Vec<u32> = ours
        .filter_map(|entry| {
            let name = entry.file_name();
            name.to_str()?.strip_prefix("video")?.parse().ok()
        })
        .collect();
    numbers.sort_unstable();
    let device = |number: &u32| format!("/{CLASS}/video{number}");
    numbers.iter().map(device).collect()
}

/// Whatever of it this distribution has. Other instances than the default one have names of the
/// administrator's making: those are stopped by pattern, which systemd reads, and left enabled.
fn disable_relayd(root: &Path) -> Vec<Step> {
    let units = relayd::units(root);
    if units.is_empty() {
        return Vec::new();
    }
    let disable = [&["disable", "--now", "--"], &units[..]].concat();
    let mut steps = vec![Step::run(SYSTEMCTL, &disable)];
    if relayd::has_template(root) {
        steps.push(Step::run(
            SYSTEMCTL,
            &["stop", "--", "v4l2-relayd@*.service"],
        ));
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A machine with these files; a name that ends with a slash is a directory.
    fn machine(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = root.path().join(name);
            if name.ends_with('/') {
                fs::create_dir_all(path).unwrap();
            } else {
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            }
        }
        root
    }

    fn check(action: RootAction, files: &[(&str, &str)], expected: &[&str]) {
        let root = machine(files);
        let told = steps(action, root.path()).unwrap();
        let told: Vec<_> = told.iter().map(ToString::to_string).collect();
        assert_eq!(told, expected);
    }

    const LOADING: &str = "run modprobe -- v4l2loopback exclusive_caps=1 max_buffers=8 'card_label=\"Intel MIPI Camera\"'";
    const CAPS: &str = "sys/module/v4l2loopback/parameters/exclusive_caps";
    const MAX_BUFFERS: &str = "sys/module/v4l2loopback/parameters/max_buffers";

    #[test]
    fn the_module_is_loaded_anew_only_where_its_options_differ() {
        let anew = ["run modprobe --remove -- v4l2loopback", LOADING];
        check(RootAction::LoadModule, &[], &[LOADING]);
        let loaded = |caps, buffers| [(CAPS, caps), (MAX_BUFFERS, buffers)];
        check(RootAction::LoadModule, &loaded("Y,N,N\n", "8\n"), &[]);
        check(RootAction::LoadModule, &loaded("Y,N,N\n", "32\n"), &[]);
        check(RootAction::LoadModule, &loaded("Y,N,N\n", "2\n"), &anew);
        check(RootAction::LoadModule, &loaded("N,N,N\n", "8\n"), &anew);
        check(RootAction::LoadModule, &loaded("", "many"), &anew);
    }

    #[test]
    fn the_options_are_those_of_the_data_files() {
        let words = LOADING.replace('\'', "");
        let (_, options) = words.split_once(MODULE).unwrap();
        let line = format!("options {MODULE}{options}\n");
        assert!(OPTIONS_TEXT.ends_with(&line), "{OPTIONS_TEXT}");
        assert!(LOAD_TEXT.lines().any(|line| line == MODULE));
    }

    #[test]
    fn files_are_written_where_they_differ() {
        let options = "write /etc/modprobe.d/zz-lenscap.conf";
        let load = "write /etc/modules-load.d/lenscap.conf";
        let action = RootAction::WriteModuleOptions;
        check(action, &[], &[options, load]);
        let written = [("etc/modules-load.d/lenscap.conf", LOAD_TEXT)];
        check(action, &written, &[options]);
    }

    /// What is written is what is then found in order.
    #[test]
    fn a_second_run_has_nothing_to_write() {
        let root = machine(&[("etc/udev/", "")]);
        for action in [RootAction::WriteModuleOptions, RootAction::WriteUdevRules] {
            let all = steps(action, root.path()).unwrap();
            let is_write = |step: &&Step| matches!(step, Step::Write(..));
            assert!(all.iter().any(|step| is_write(&step)));
            for step in all.iter().filter(is_write) {
                step.take(root.path()).unwrap();
            }
            let again = steps(action, root.path()).unwrap();
            assert!(!again.iter().any(|step| is_write(&step)), "{again:?}");
        }
    }

    #[test]
    fn rules_take_effect_at_once() {
        let action = RootAction::WriteUdevRules;
        let root = machine(&[]);
        let told = steps(action, root.path()).unwrap();
        let told: Vec<_> = told.iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "write /etc/udev/rules.d/72-lenscap.rules",
                "run udevadm control --reload",
                "run udevadm trigger --action=change --subsystem-match=intel-ipu6-psys \
                 --subsystem-match=intel-ipu7-psys",
                "run udevadm trigger --action=change --subsystem-match=misc --sysname-match=vcam \
                 --sysname-match=udmabuf",
            ]
        );
    }

    #[test]
    fn a_device_is_added_where_the_driver_can() {
        let refused = |files: &[(&str, &str)]| {
            let root = machine(files);
            steps(RootAction::AddDevice, root.path())
                .unwrap_err()
                .to_string()
        };
        let version = |text| ("sys/module/v4l2loopback/version", text);
        let node = ("dev/v4l2loopback", "");
        assert!(refused(&[node]).contains("not loaded"));
        assert!(refused(&[version("0.13.2\n")]).contains("0.13"));
        assert!(refused(&[version("0.12.7\n"), node]).contains("0.13"));
        let add = ["add a device through /dev/v4l2loopback"];
        check(RootAction::AddDevice, &[version("0.13.2\n"), node], &add);
        check(RootAction::AddDevice, &[version("0.15.4\n"), node], &add);
        check(RootAction::AddDevice, &[version("1.0\n"), node], &add);
    }

    #[test]
    fn only_loopback_devices_are_triggered_and_only_by_their_numbers() {
        let file = |name: &str| format!("sys/class/video4linux/{name}/max_openers");
        let (ten, two, odd) = (file("video10"), file("video2"), file("video1 -x"));
        let files = [
            (ten.as_str(), "10"),
            (two.as_str(), "10"),
            (odd.as_str(), "10"),
            ("sys/class/video4linux/video0/name", "Webcam"),
            ("sys/class/video4linux/v4l-subdev0/max_openers", "10"),
        ];
        check(RootAction::TriggerUdev, &[], &[]);
        check(
            RootAction::TriggerUdev,
            &files,
            &[
                "run udevadm trigger --action=remove /sys/class/video4linux/video2",
                "run udevadm trigger --action=add /sys/class/video4linux/video2",
                "run udevadm trigger --action=remove /sys/class/video4linux/video10",
                "run udevadm trigger --action=add /sys/class/video4linux/video10",
            ],
        );
    }

    #[test]
    fn the_relay_is_stopped_in_whichever_form_it_is_installed() {
        let action = RootAction::DisableV4l2Relayd;
        check(action, &[], &[]);
        let plain = ("usr/lib/systemd/system/v4l2-relayd.service", "");
        let template = ("lib/systemd/system/v4l2-relayd@.service", "");
        let disable = "run systemctl disable --now -- v4l2-relayd.service";
        check(action, &[plain], &[disable]);
        check(
            action,
            &[plain, template],
            &[
                "run systemctl disable --now -- v4l2-relayd.service v4l2-relayd@default.service",
                "run systemctl stop -- v4l2-relayd@*.service",
            ],
        );
    }
}
