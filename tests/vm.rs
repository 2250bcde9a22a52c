//! Boots a real kernel with each v4l2loopback, and with vcam, and runs the scenarios of `tests/guest` in it.
//!
//! `tests/vm/setup` builds what is needed. If it can't, these tests pass and print what was skipped; with
//! `LENSCAP_STRICT=1` they fail.
//! `LENSCAP_SOAK=1` runs long scenarios. To run a single scenario, see `tests/vm/play`.

use std::{env, path::Path, process::Command};

use lenscap_support::{in_tree, left_out, machine};

#[test]
fn kernel_6_1_with_v4l2loopback_0_12() {
    play("6.1", &["--module", "0.12"]);
}

#[test]
fn kernel_6_12_with_v4l2loopback_0_13() {
    play("6.12", &["--module", "0.13"]);
}

#[test]
fn kernel_6_12_with_v4l2loopback_0_15() {
    play("6.12", &["--module", "0.15"]);
}

/// The driver is built from the patch in `VCAM_PATCH`.
#[test]
fn kernel_6_12_with_vcam() {
    let patch = env::var_os("VCAM_PATCH");
    if patch.as_ref().is_some_and(|patch| patch.is_empty()) {
        println!("without vcam, as VCAM_PATCH is empty");
        return;
    }
    if !patch.is_some_and(|patch| Path::new(&patch).is_file()) {
        return left_out("vcam: VCAM_PATCH names no file with the driver's patch");
    }
    play("6.12", &["--module", "vcam"]);
}

#[test]
fn without_exclusive_caps() {
    play(
        "6.12",
        &[
            "--module",
            "0.15",
            "--no-exclusive-caps",
            "placeholder_camera_placeholder",
            "ffmpeg",
        ],
    );
}

#[test]
fn doctor() {
    play("6.12", &["--module", "0.15", "doctor_"]);
}

#[test]
fn chromium() {
    play("6.12", &["--module", "0.15", "browser"]);
}

/// Runs scenarios in a guest and prints their output.
fn play(kernel: &str, arguments: &[&str]) {
    let mut script = Command::new(in_tree("tests/vm/play"));
    script.args(["-k", kernel]);
    if env::var_os("LENSCAP_SOAK").is_some() {
        script.args(["-t", "7200", "run", "--soak"]);
    } else {
        script.args(["-t", "900", "run"]);
    }
    script.args(arguments);
    machine::play(&mut script);
}
