//! Faults in the set-up: the doctor finds each, and both the printed fix and the helper fix it.
//!
//! Faults that this machine can't have are tested in `src/doctor/judge/tests`: a removed kernel, missing headers, a failed
//! build, a HAL that crashes or finds no camera, an image processor without a driver, and other distributions.

use std::{any::Any, fs, os::unix::fs::symlink, path::Path};

use anyhow::{Context, Result, ensure};

use super::LATER;
use crate::{
    applet::{AppletBuilder, ChildGuard},
    broken_machine::{BrokenMachine, Diagnosis, Line, OPTIONS, REGISTRY, kernel},
    test_bed::{TestBed, run, wait_until},
};

/// Guards that keep a fault in place.
type Cause = Box<dyn Any>;

/// A fault and the expected finding.
struct Fault {
    rung: &'static str,
    code: &'static str,
    make: fn(&BrokenMachine) -> Result<Cause>,
    /// The beginning of the printed fix.
    fix: &'static str,
    /// The helper's action with `--fix`.
    action: Option<&'static str>,
}

impl Fault {
    /// Causes the fault and runs the printed fix.
    fn run_printed_fix(&self, machine: &BrokenMachine) -> Result<()> {
        machine.load(&[])?;
        let _cause = (self.make)(machine)?;
        let found = machine.doctor(&[])?;
        let line = found.only(self.rung, self.code)?;
        let fix = line.fix.as_deref().unwrap_or_default();
        ensure!(fix.starts_with(self.fix), "{line:?}");
        ensure!(line.action.as_deref() == self.action, "{line:?}");
        run_printed_fix(machine, line)?
            .ensure_well()
            .context(self.code)
    }

    /// Causes the fault and has the helper fix it.
    fn fix(&self, machine: &BrokenMachine) -> Result<()> {
        machine.load(&[])?;
        let _cause = (self.make)(machine)?;
        machine.doctor(&["--fix"])?.ensure_well().context("--fix")
    }
}

/// Runs a printed fix and the doctor again.
fn run_printed_fix(machine: &BrokenMachine, line: &Line) -> Result<Diagnosis> {
    let fix = line.fix.as_deref().context("no fix")?;
    machine.run_fix(fix)?;
    machine.doctor(&[]).with_context(|| fix.to_owned())
}

const NOT_LOADED: Fault = Fault {
    rung: "module_loaded",
    code: "not_loaded",
    make: |machine| {
        machine.bed.unload()?;
        Ok(Box::new(()))
    },
    fix: "sudo modprobe v4l2loopback exclusive_caps=1 max_buffers=8",
    action: Some("load-module"),
};

/// The applet has the device open, so it must end before the module can be unloaded.
const NOT_EXCLUSIVE: Fault = Fault {
    rung: "module_options",
    code: "exclusive_caps_off",
    make: |machine| {
        machine.load(&["exclusive_caps=0"])?;
        let launch = AppletBuilder::default().without("--output");
        Ok(Box::new(launch.start(machine.bed)?))
    },
    fix: "lenscap quit; sudo modprobe -r v4l2loopback && ",
    action: Some("load-module"),
};

const TAKEN: Fault = Fault {
    rung: "device",
    code: "device_taken",
    make: |machine| writer(machine, "slideshow"),
    fix: "sudo /opt/lenscap/lenscap-fix add-device",
    action: Some("add-device"),
};

const NO_DEVICE: Fault = Fault {
    rung: "device",
    code: "no_device",
    make: |machine| {
        machine.load(&["devices=0"])?;
        Ok(Box::new(()))
    },
    fix: "sudo /opt/lenscap/lenscap-fix add-device",
    action: Some("add-device"),
};

const UDEV_STALE: Fault = Fault {
    rung: "classification",
    code: "udev_stale",
    make: |machine| {
        let launch = AppletBuilder::default().without("--output");
        Ok(Box::new(launch.start(machine.bed)?))
    },
    fix: "sudo udevadm trigger --action=remove /dev/video0",
    action: Some("trigger-udev"),
};

const RELAY: Fault = Fault {
    rung: "rivals",
    code: "rival_runs",
    make: |machine| {
        fs::write(RELAY_UNIT, "")?;
        Ok(Box::new(sleeper(machine, "v4l2-relayd")?))
    },
    fix: "sudo systemctl disable --now v4l2-relayd.service",
    action: Some("disable-v4l2-relayd"),
};
const RELAY_UNIT: &str = "/usr/lib/systemd/system/v4l2-relayd.service";

const OBS: Fault = Fault {
    rung: "rivals",
    code: "rival_on_device",
    make: |machine| writer(machine, "obs"),
    fix: "sudo /opt/lenscap/lenscap-fix add-device",
    action: Some("add-device"),
};

pub fn doctor_prints_a_working_fix(bed: &TestBed) -> Result<()> {
    let machine = BrokenMachine::new(bed)?;
    for fault in [NOT_LOADED, NOT_EXCLUSIVE, TAKEN, NO_DEVICE, UDEV_STALE, OBS] {
        fault.run_printed_fix(&machine).context(fault.code)?;
    }
    RELAY.run_printed_fix(&machine)?;
    fs::remove_file(RELAY_UNIT)?;
    bed.unload()
}

/// `--fix` fixes single faults and several at once.
pub fn doctor_fixes_with_the_helper(bed: &TestBed) -> Result<()> {
    let machine = BrokenMachine::new(bed)?;
    for fault in [NOT_EXCLUSIVE, TAKEN] {
        fault.fix(&machine).context(fault.code)?;
    }
    // The relay and the module first, then the module's files, which only matter once it is loaded.
    for file in OPTIONS {
        fs::remove_file(file)?;
    }
    let _relay = (RELAY.make)(&machine)?;
    bed.unload()?;
    let mended = machine.doctor(&["--fix"])?;
    mended.ensure_well()?;
    for file in OPTIONS {
        ensure!(Path::new(file).exists(), "no {file}: {}", mended.told);
    }
    fs::remove_file(RELAY_UNIT)?;
    bed.unload()
}

/// Another product's file, which takes effect when the module is loaded with its configuration.
pub fn doctor_overrides_other_options(bed: &TestBed) -> Result<()> {
    let machine = BrokenMachine::new(bed)?;
    let theirs = "/etc/modprobe.d/obs.conf";
    fs::remove_file(OPTIONS[0])?;
    fs::write(
        theirs,
        "options v4l2loopback exclusive_caps=0 card_label=\"OBS\"\n",
    )?;
    let found = machine.doctor(&[])?;
    let line = found.only("module_options", "options_overridden")?;
    ensure!(line.what.contains(theirs), "{line:?}");
    run_printed_fix(&machine, line)?.ensure_well()?;

    machine.load(&[])?;
    let caps = fs::read_to_string("/sys/module/v4l2loopback/parameters/exclusive_caps")?;
    ensure!(caps.starts_with('Y'), "exclusive_caps is {caps}");
    let name = fs::read_to_string("/sys/class/video4linux/video0/name")?;
    ensure!(name.trim() == "Intel MIPI Camera", "the name is {name}");
    fs::remove_file(theirs)?;
    bed.unload()
}

/// Only the source is installed. The guest has no compiler, so `dkms` installs a module built before. Then the next check
/// reports that it isn't loaded.
pub fn doctor_builds_the_module(bed: &TestBed) -> Result<()> {
    let machine = BrokenMachine::new(bed)?;
    machine.remove_module()?;
    fs::create_dir_all("/usr/src/v4l2loopback-0.15")?;
    fs::write("/usr/src/v4l2loopback-0.15/dkms.conf", "")?;
    fs::create_dir_all(format!("/lib/modules/{}/build", kernel()?))?;
    let found = machine.doctor(&[])?;
    let line = found.only("module_installed", "not_built")?;
    let dkms = format!("sudo dkms autoinstall -k {}", kernel()?);
    ensure!(line.fix.as_deref() == Some(&dkms), "{line:?}");
    let built = run_printed_fix(&machine, line)?;
    run_printed_fix(&machine, built.only("module_loaded", "not_loaded")?)?.ensure_well()?;
    bed.unload()
}

/// A program that writes its own picture to the device.
fn writer(machine: &BrokenMachine, name: &str) -> Result<Cause> {
    let pipeline =
        "videotestsrc is-live=true ! video/x-raw,format=YUY2 ! v4l2sink device=/dev/video0";
    let words: Vec<_> = pipeline.split(' ').collect();
    let process = machine.run_as(name, "/usr/bin/gst-launch-1.0", &words)?;
    let format = "/sys/devices/virtual/video4linux/video0/format";
    wait_until("somebody writes", LATER, || {
        Ok(!fs::read_to_string(format)?.trim().is_empty())
    })?;
    Ok(Box::new(process))
}

/// A process without a unit is ended by its process id.
pub fn doctor_ends_rivals(bed: &TestBed) -> Result<()> {
    let machine = BrokenMachine::new(bed)?;
    let _rivals = (
        sleeper(&machine, "v4l2-relayd")?,
        sleeper(&machine, "ipu6-camera-daemon")?,
    );
    let found = machine.doctor(&[])?;
    let runs = "rivals rival_runs";
    ensure!(found.problems() == [runs, runs], "{:?}", found.lines);
    for line in found.lines.iter().filter(|line| line.rung == "rivals") {
        let fix = line.fix.as_deref().context("no fix")?;
        ensure!(fix.starts_with("kill "), "{line:?}");
        machine.run_fix(fix)?;
    }
    machine.doctor(&[])?.ensure_well()?;
    bed.unload()
}

/// A program of this name that does nothing.
fn sleeper(machine: &BrokenMachine, name: &str) -> Result<ChildGuard> {
    machine.run_as(name, "/usr/bin/sleep", &["600"])
}

/// PipeWire isn't running, is started, examines the device too early, rescans it, and crashes.
pub fn doctor_fixes_pipewire(bed: &TestBed) -> Result<()> {
    let mut machine = BrokenMachine::new(bed)?;
    machine.log_in();
    let found = machine.doctor(&[])?;
    let line = found.only("pipewire", "pipewire_down")?;
    machine.run_fix(line.fix.as_deref().context("no fix")?)?;
    let _end = StopGuard;
    wait_until("PipeWire is up, and the doctor content", LATER, || {
        Ok(machine.doctor(&[])?.problems().is_empty())
    })?;

    let applet = AppletBuilder::default().without("--output").start(bed)?;
    ensure!(
        !machine.is_listed()?,
        "PipeWire lists the camera without being told"
    );
    machine.doctor(&[])?.only("classification", "udev_stale")?;
    machine.doctor(&["--fix"])?;
    wait_until("PipeWire lists the camera", LATER, || machine.is_listed())?;
    machine.doctor(&[])?.ensure_well()?;

    run("pkill", &["-KILL", "-x", "pipewire"])?;
    machine.doctor(&[])?.only("pipewire", "pipewire_down")?;
    drop(applet);
    Ok(())
}

/// Ends the services that a fix has started.
struct StopGuard;

impl Drop for StopGuard {
    fn drop(&mut self) {
        for name in ["wireplumber", "pipewire"] {
            let _ = run("pkill", &["-KILL", "-x", name]);
        }
    }
}

/// A user without permissions, in a session older than the fix and in the next one.
pub fn doctor_fixes_permissions(bed: &TestBed) -> Result<()> {
    let machine = BrokenMachine::new(bed)?;
    let line = |file: &str, line: &str| {
        let text = fs::read_to_string(file)?;
        fs::write(file, text + line)
    };
    line("/etc/passwd", "user:x:1000:1000::/home/user:/bin/sh\n")?;
    line("/etc/group", "user:x:1000:\n")?;
    run("chown", &["user:user", "/home/user"])?;
    let psys = "/dev/ipu-psys0";
    run("mknod", &[psys, "c", "1", "3"])?;
    run("chmod", &["600", psys])?;

    let before = machine.doctor_as("user", "--init-groups")?;
    let expected = ["camera_access no_rule", "device device_denied"];
    ensure!(before.problems() == expected, "{:?}", before.lines);
    let denied = before.line("device", "device_denied")?;
    machine.run_fix(denied.fix.as_deref().context("no fix")?)?;

    run("chgrp", &["video", psys])?;
    run("chmod", &["660", psys])?;
    let old_session = machine.doctor_as("user", "--clear-groups")?;
    let expected = ["camera_access group_pending", "device group_pending"];
    ensure!(
        old_session.problems() == expected,
        "{:?}",
        old_session.lines
    );
    machine.doctor_as("user", "--init-groups")?.ensure_well()?;
    fs::remove_file(psys)?;
    bed.unload()
}

/// The vendor's plugin failed once, as during an update, and works since; then it is removed.
pub fn doctor_finds_a_stale_registry(bed: &TestBed) -> Result<()> {
    let machine = BrokenMachine::new(bed)?;
    machine.configure("[camera]\nsource = \"icamerasrc\"\n")?;
    let installed = "/usr/lib/x86_64-linux-gnu/gstreamer-1.0/libgsticamerasrc.so";
    let hidden = "/opt/lenscap/libgsticamerasrc.so";
    fs::rename(hidden, "/opt/kept.so")?;
    // With the same size and time as the later file, which is all that GStreamer compares.
    let size = fs::metadata("/opt/kept.so")?.len();
    fs::write(installed, vec![0; usize::try_from(size)?])?;
    run("touch", &["--reference=/opt/kept.so", installed])?;
    let seen = "/opt/plugins/libgsticamerasrc.so";
    symlink(installed, seen)?;
    machine.command("gst-inspect-1.0").output()?;
    run("cp", &["--preserve=timestamps", "/opt/kept.so", installed])?;

    let found = machine.doctor(&[])?;
    let line = found.only("camera_plugin", "stale_registry")?;
    ensure!(
        line.fix.as_deref() == Some(&format!("rm -r {REGISTRY}")),
        "{line:?}"
    );
    run_printed_fix(&machine, line)?.ensure_well()?;

    fs::remove_file(installed)?;
    fs::remove_file(seen)?;
    machine
        .doctor(&[])?
        .only("camera_plugin", "plugin_missing")?;
    fs::rename("/opt/kept.so", hidden)?;
    bed.unload()
}

/// A device of ours has the name of a raw sensor node.
pub fn doctor_reports_raw_sensors(bed: &TestBed) -> Result<()> {
    let machine = BrokenMachine::new(bed)?;
    machine.load(&["card_label=Intel IPU6 ISYS Capture 0"])?;
    let found = machine.doctor(&[])?;
    found.ensure_well()?;
    found.line("camera", "raw_nodes")?;
    bed.unload()
}

/// The limits of a Flatpak are reported, and no action is offered.
pub fn doctor_reports_flatpak_limits(bed: &TestBed) -> Result<()> {
    let machine = BrokenMachine::new(bed)?;
    bed.unload()?;
    fs::write("/.flatpak-info", "[Application]\n")?;
    let found = machine.doctor(&["--fix"]);
    fs::remove_file("/.flatpak-info")?;
    let found = found?;
    found.ensure_well()?;
    let told = &found.line("sandbox", "flatpak")?.what;
    ensure!(told.contains("icamerasrc"), "{told}");
    ensure!(
        found.lines.iter().all(|line| line.action.is_none()),
        "{:?}",
        found.lines
    );
    ensure!(
        !Path::new("/sys/module/v4l2loopback").exists(),
        "loaded from a sandbox"
    );
    Ok(())
}

/// The kernel accepts signed modules only, until reboot: must be the last scenario.
pub fn doctor_reports_a_rejected_module(bed: &TestBed) -> Result<()> {
    let machine = BrokenMachine::new(bed)?;
    bed.unload()?;
    fs::write("/sys/module/module/parameters/sig_enforce", "Y")?;
    let refused = run("modprobe", &["v4l2loopback"]);
    ensure!(
        refused.is_err(),
        "the kernel took a module without a signature"
    );
    ensure!(
        run("dmesg", &[])?.contains("is rejected"),
        "the kernel says nothing of it"
    );
    machine
        .doctor(&[])?
        .only("module_loaded", "secure_boot")
        .map(drop)
}
