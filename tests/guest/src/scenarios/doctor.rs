//! A set-up with a fault in it: the doctor names its rung, the fix as printed mends it, and so does the helper.
//!
//! Faults that a machine of this kind can't have are in the tables of `src/doctor/judge/tests`: a kernel that is gone,
//! headers that are missing, a build that failed, a HAL that crashes or finds nothing, an image processor without a
//! driver, and all of other distributions.

use std::{any::Any, fs, os::unix::fs::symlink, path::Path};

use anyhow::{Context, Result, ensure};

use super::LATER;
use crate::{
    applet::{Helper, Launch},
    patient::{Diagnosis, Line, OPTIONS, Patient, REGISTRY, kernel},
    stage::{Stage, run, wait_until},
};

/// What has to live as long as the fault that it makes, whatever it is.
type Cause = Box<dyn Any>;

/// A fault, and what the doctor is to say of it.
struct Fault {
    rung: &'static str,
    code: &'static str,
    make: fn(&Patient) -> Result<Cause>,
    /// What the fix as printed begins with.
    fix: &'static str,
    /// What `--fix` would have the helper do.
    action: Option<&'static str>,
}

impl Fault {
    /// The fault, mended as printed.
    fn obey(&self, patient: &Patient) -> Result<()> {
        patient.load(&[])?;
        let _cause = (self.make)(patient)?;
        let found = patient.doctor(&[])?;
        let line = found.only(self.rung, self.code)?;
        let fix = line.fix.as_deref().unwrap_or_default();
        ensure!(fix.starts_with(self.fix), "{line:?}");
        ensure!(line.action.as_deref() == self.action, "{line:?}");
        obey(patient, line)?.ensure_well().context(self.code)
    }

    /// The fault, mended by the helper.
    fn fix(&self, patient: &Patient) -> Result<()> {
        patient.load(&[])?;
        let _cause = (self.make)(patient)?;
        patient.doctor(&["--fix"])?.ensure_well().context("--fix")
    }
}

/// Runs a fix as printed, and asks again.
fn obey(patient: &Patient, line: &Line) -> Result<Diagnosis> {
    let fix = line.fix.as_deref().context("no fix")?;
    patient.run_fix(fix)?;
    patient.doctor(&[]).with_context(|| fix.to_owned())
}

const NOT_LOADED: Fault = Fault {
    rung: "module_loaded",
    code: "not_loaded",
    make: |patient| {
        patient.stage.unload()?;
        Ok(Box::new(()))
    },
    fix: "sudo modprobe v4l2loopback exclusive_caps=1 max_buffers=8",
    action: Some("load-module"),
};

/// The applet has the device open, so it has to end before the module can.
const NOT_EXCLUSIVE: Fault = Fault {
    rung: "module_options",
    code: "exclusive_caps_off",
    make: |patient| {
        patient.load(&["exclusive_caps=0"])?;
        let launch = Launch::default().without("--output");
        Ok(Box::new(launch.start(patient.stage)?))
    },
    fix: "lenscap quit; sudo modprobe -r v4l2loopback && ",
    action: Some("load-module"),
};

const TAKEN: Fault = Fault {
    rung: "device",
    code: "device_taken",
    make: |patient| writer(patient, "slideshow"),
    fix: "sudo /opt/lenscap/lenscap-fix add-device",
    action: Some("add-device"),
};

const NO_DEVICE: Fault = Fault {
    rung: "device",
    code: "no_device",
    make: |patient| {
        patient.load(&["devices=0"])?;
        Ok(Box::new(()))
    },
    fix: "sudo /opt/lenscap/lenscap-fix add-device",
    action: Some("add-device"),
};

const UDEV_STALE: Fault = Fault {
    rung: "classification",
    code: "udev_stale",
    make: |patient| {
        let launch = Launch::default().without("--output");
        Ok(Box::new(launch.start(patient.stage)?))
    },
    fix: "sudo udevadm trigger --action=remove /dev/video0",
    action: Some("trigger-udev"),
};

const RELAY: Fault = Fault {
    rung: "rivals",
    code: "rival_runs",
    make: |patient| {
        fs::write(RELAY_UNIT, "")?;
        Ok(Box::new(sleeper(patient, "v4l2-relayd")?))
    },
    fix: "sudo systemctl disable --now v4l2-relayd.service",
    action: Some("disable-v4l2-relayd"),
};
const RELAY_UNIT: &str = "/usr/lib/systemd/system/v4l2-relayd.service";

const OBS: Fault = Fault {
    rung: "rivals",
    code: "rival_on_device",
    make: |patient| writer(patient, "obs"),
    fix: "sudo /opt/lenscap/lenscap-fix add-device",
    action: Some("add-device"),
};

/// What is printed mends what was found.
pub fn doctor_prints_what_mends(stage: &Stage) -> Result<()> {
    let patient = Patient::new(stage)?;
    for fault in [NOT_LOADED, NOT_EXCLUSIVE, TAKEN, NO_DEVICE, UDEV_STALE, OBS] {
        fault.obey(&patient).context(fault.code)?;
    }
    RELAY.obey(&patient)?;
    fs::remove_file(RELAY_UNIT)?;
    stage.unload()
}

/// `--fix` mends one fault, and many at once.
pub fn doctor_has_the_helper_mend(stage: &Stage) -> Result<()> {
    let patient = Patient::new(stage)?;
    for fault in [NOT_EXCLUSIVE, TAKEN] {
        fault.fix(&patient).context(fault.code)?;
    }
    // The relay, the module, and then the module's files, which only matter where it is loaded.
    for file in OPTIONS {
        fs::remove_file(file)?;
    }
    let _relay = (RELAY.make)(&patient)?;
    stage.unload()?;
    let mended = patient.doctor(&["--fix"])?;
    mended.ensure_well()?;
    for file in OPTIONS {
        ensure!(Path::new(file).exists(), "no {file}: {}", mended.told);
    }
    fs::remove_file(RELAY_UNIT)?;
    stage.unload()
}

/// Another product's file; it counts when the module is loaded by its configuration alone.
pub fn doctor_outdoes_other_options(stage: &Stage) -> Result<()> {
    let patient = Patient::new(stage)?;
    let theirs = "/etc/modprobe.d/obs.conf";
    fs::remove_file(OPTIONS[0])?;
    fs::write(
        theirs,
        "options v4l2loopback exclusive_caps=0 card_label=\"OBS\"\n",
    )?;
    let found = patient.doctor(&[])?;
    let line = found.only("module_options", "options_overridden")?;
    ensure!(line.what.contains(theirs), "{line:?}");
    obey(&patient, line)?.ensure_well()?;

    patient.load(&[])?;
    let caps = fs::read_to_string("/sys/module/v4l2loopback/parameters/exclusive_caps")?;
    ensure!(caps.starts_with('Y'), "exclusive_caps is {caps}");
    let name = fs::read_to_string("/sys/class/video4linux/video0/name")?;
    ensure!(name.trim() == "Intel MIPI Camera", "the name is {name}");
    fs::remove_file(theirs)?;
    stage.unload()
}

/// Only its source is there; the guest has no compiler for it, and takes a build that was made before. Then it is
/// there, and has yet to be loaded: the next rung says so.
pub fn doctor_has_the_module_built(stage: &Stage) -> Result<()> {
    let patient = Patient::new(stage)?;
    patient.remove_module()?;
    fs::create_dir_all("/usr/src/v4l2loopback-0.15")?;
    fs::write("/usr/src/v4l2loopback-0.15/dkms.conf", "")?;
    fs::create_dir_all(format!("/lib/modules/{}/build", kernel()?))?;
    let found = patient.doctor(&[])?;
    let line = found.only("module_installed", "not_built")?;
    let dkms = format!("sudo dkms autoinstall -k {}", kernel()?);
    ensure!(line.fix.as_deref() == Some(&dkms), "{line:?}");
    let built = obey(&patient, line)?;
    obey(&patient, built.only("module_loaded", "not_loaded")?)?.ensure_well()?;
    stage.unload()
}

/// A program that fills the device with a picture of its own.
fn writer(patient: &Patient, name: &str) -> Result<Cause> {
    let pipeline =
        "videotestsrc is-live=true ! video/x-raw,format=YUY2 ! v4l2sink device=/dev/video0";
    let words: Vec<_> = pipeline.split(' ').collect();
    let process = patient.run_as(name, "/usr/bin/gst-launch-1.0", &words)?;
    let format = "/sys/devices/virtual/video4linux/video0/format";
    wait_until("somebody writes", LATER, || {
        Ok(!fs::read_to_string(format)?.trim().is_empty())
    })?;
    Ok(Box::new(process))
}

/// What no unit has started is ended by its number.
pub fn doctor_ends_rivals(stage: &Stage) -> Result<()> {
    let patient = Patient::new(stage)?;
    let _rivals = (
        sleeper(&patient, "v4l2-relayd")?,
        sleeper(&patient, "ipu6-camera-daemon")?,
    );
    let found = patient.doctor(&[])?;
    let runs = "rivals rival_runs";
    ensure!(found.problems() == [runs, runs], "{:?}", found.lines);
    for line in found.lines.iter().filter(|line| line.rung == "rivals") {
        let fix = line.fix.as_deref().context("no fix")?;
        ensure!(fix.starts_with("kill "), "{line:?}");
        patient.run_fix(fix)?;
    }
    patient.doctor(&[])?.ensure_well()?;
    stage.unload()
}

/// A program of that name, which does nothing.
fn sleeper(patient: &Patient, name: &str) -> Result<Helper> {
    patient.run_as(name, "/usr/bin/sleep", &["600"])
}

/// PipeWire is down, then up; it looks at the device before there is a picture, then again; then it dies.
pub fn doctor_wakes_pipewire(stage: &Stage) -> Result<()> {
    let mut patient = Patient::new(stage)?;
    patient.log_in();
    let found = patient.doctor(&[])?;
    let line = found.only("pipewire", "pipewire_down")?;
    patient.run_fix(line.fix.as_deref().context("no fix")?)?;
    let _end = Ender;
    wait_until("PipeWire is up, and the doctor content", LATER, || {
        Ok(patient.doctor(&[])?.problems().is_empty())
    })?;

    let applet = Launch::default().without("--output").start(stage)?;
    ensure!(
        !patient.is_listed()?,
        "PipeWire lists the camera without being told"
    );
    patient.doctor(&[])?.only("classification", "udev_stale")?;
    patient.doctor(&["--fix"])?;
    wait_until("PipeWire lists the camera", LATER, || patient.is_listed())?;
    patient.doctor(&[])?.ensure_well()?;

    run("pkill", &["-KILL", "-x", "pipewire"])?;
    patient.doctor(&[])?.only("pipewire", "pipewire_down")?;
    drop(applet);
    Ok(())
}

/// Ends what a fix has started.
struct Ender;

impl Drop for Ender {
    fn drop(&mut self) {
        for name in ["wireplumber", "pipewire"] {
            let _ = run("pkill", &["-KILL", "-x", name]);
        }
    }
}

/// A user who may open nothing, in a session that is as old as that, and in the next one.
pub fn doctor_opens_nodes(stage: &Stage) -> Result<()> {
    let patient = Patient::new(stage)?;
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

    let before = patient.doctor_as("user", "--init-groups")?;
    let expected = ["camera_access no_rule", "device device_denied"];
    ensure!(before.problems() == expected, "{:?}", before.lines);
    let denied = before.line("device", "device_denied")?;
    patient.run_fix(denied.fix.as_deref().context("no fix")?)?;

    run("chgrp", &["video", psys])?;
    run("chmod", &["660", psys])?;
    let old_session = patient.doctor_as("user", "--clear-groups")?;
    let expected = ["camera_access group_pending", "device group_pending"];
    ensure!(
        old_session.problems() == expected,
        "{:?}",
        old_session.lines
    );
    patient.doctor_as("user", "--init-groups")?.ensure_well()?;
    fs::remove_file(psys)?;
    stage.unload()
}

/// The maker's plugin failed once, as it does in the middle of an update, and works since; then it is gone.
pub fn doctor_knows_a_stale_plugin(stage: &Stage) -> Result<()> {
    let patient = Patient::new(stage)?;
    patient.configure("[camera]\nsource = \"icamerasrc\"\n")?;
    let installed = "/usr/lib/x86_64-linux-gnu/gstreamer-1.0/libgsticamerasrc.so";
    let hidden = "/opt/lenscap/libgsticamerasrc.so";
    fs::rename(hidden, "/opt/kept.so")?;
    // As large and as old as what comes after it: that is all that GStreamer looks at.
    let size = fs::metadata("/opt/kept.so")?.len();
    fs::write(installed, vec![0; usize::try_from(size)?])?;
    run("touch", &["--reference=/opt/kept.so", installed])?;
    let seen = "/opt/plugins/libgsticamerasrc.so";
    symlink(installed, seen)?;
    patient.command("gst-inspect-1.0").output()?;
    run("cp", &["--preserve=timestamps", "/opt/kept.so", installed])?;

    let found = patient.doctor(&[])?;
    let line = found.only("camera_plugin", "stale_registry")?;
    ensure!(
        line.fix.as_deref() == Some(&format!("rm -r {REGISTRY}")),
        "{line:?}"
    );
    obey(&patient, line)?.ensure_well()?;

    fs::remove_file(installed)?;
    fs::remove_file(seen)?;
    patient
        .doctor(&[])?
        .only("camera_plugin", "plugin_missing")?;
    fs::rename("/opt/kept.so", hidden)?;
    stage.unload()
}

/// Sensors have a node each, by a name of their driver's, which a device of ours bears here.
pub fn doctor_passes_over_sensors(stage: &Stage) -> Result<()> {
    let patient = Patient::new(stage)?;
    patient.load(&["card_label=Intel IPU6 ISYS Capture 0"])?;
    let found = patient.doctor(&[])?;
    found.ensure_well()?;
    found.line("camera", "raw_nodes")?;
    stage.unload()
}

/// What can't be done from inside is told, and not offered.
pub fn doctor_knows_a_flatpak(stage: &Stage) -> Result<()> {
    let patient = Patient::new(stage)?;
    stage.unload()?;
    fs::write("/.flatpak-info", "[Application]\n")?;
    let found = patient.doctor(&["--fix"]);
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

/// The kernel takes signed modules only, from now until it is started again: the last scenario of all.
pub fn doctor_knows_a_refused_module(stage: &Stage) -> Result<()> {
    let patient = Patient::new(stage)?;
    stage.unload()?;
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
    patient
        .doctor(&[])?
        .only("module_loaded", "secure_boot")
        .map(drop)
}
