//! Scenarios with a real driver.

mod applications;
mod cost;
mod covering;
mod device;
mod doctor;
mod faults;
mod picture;
mod pipewire;
mod sources;
mod user;
mod vcam;

use std::{
    fs,
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::Result;

use crate::{chromium, test_bed::Group, test_bed::TestBed, tools::GuestTools};

/// The longest time that a client may be without a frame, apart from the machine's stalls. Shorter than anything that an
/// applet could wrongly wait for (a pipeline's start takes 300 ms, a backoff a second), longer than covering takes in slow
/// emulation. `make bench` allows three frames.
const LONGEST_GAP: Duration = Duration::from_millis(250);
/// Timeout for a state change or a frame.
const SOON: Duration = Duration::from_secs(5);
/// Timeout for stopping a worker, a backoff and a new start.
const LATER: Duration = Duration::from_secs(40);

struct Scenario {
    name: &'static str,
    play: fn(&TestBed) -> Result<()>,
    /// The groups that it runs in.
    fits: fn(&Group) -> bool,
}

/// With every driver.
fn always(_: &Group) -> bool {
    true
}

/// With every v4l2loopback, not with vcam: scenarios that reload the driver or change the size.
fn loopback(group: &Group) -> bool {
    !group.is_vcam()
}

/// With vcam only.
fn vcam(group: &Group) -> bool {
    group.is_vcam()
}

/// With drivers that report which clients stream.
fn reports_streams(group: &Group) -> bool {
    group.module != "0.12"
}

/// With kernels on which unprivileged programs can allocate DMA buffers, as libcamera does: not 6.1.
fn makes_dma_buffers(group: &Group) -> bool {
    group.module != "0.12"
}

/// Both: with another writer before the applet.
fn loopback_reports_streams(group: &Group) -> bool {
    loopback(group) && reports_streams(group)
}

/// Only when selected by name: it changes the whole machine.
fn by_name(_: &Group) -> bool {
    false
}

macro_rules! scenarios {
    ($($module:ident::$name:ident: $fits:ident,)*) => {
        &[$(Scenario { name: stringify!($name), play: $module::$name, fits: $fits },)*]
    };
}

const SCENARIOS: &[Scenario] = scenarios![
    picture::placeholder_camera_placeholder: always,
    picture::nv12_goes_through: always,
    picture::no_torn_frames: loopback,
    picture::vivid_is_a_camera: loopback,
    sources::vivid_is_found_with_its_modes: always,
    sources::a_missing_camera_is_replaced: loopback,
    sources::libcamera_shows_a_picture: makes_dma_buffers,
    pipewire::the_driver_and_pipewire_share_a_camera: loopback,
    pipewire::a_pinned_device_is_kept: loopback,
    pipewire::a_device_that_appears_later_is_used: loopback,
    pipewire::a_device_that_is_freed_is_used: loopback,
    user::delay_is_kept: always,
    user::no_delay_is_fast: always,
    user::a_client_in_the_cooldown_keeps_the_camera: always,
    user::probes_leave_the_camera_alone: always,
    user::pause_and_resume: always,
    user::config_changes_apply_at_once: loopback,
    user::status_names_the_client: always,
    user::works_without_a_session_bus: loopback,
    faults::worker_killed: always,
    faults::camera_crashes: always,
    faults::camera_segfaults: always,
    faults::camera_hangs: always,
    faults::camera_stops_sending: always,
    faults::camera_does_not_start: always,
    faults::sensor_lacks_the_size: always,
    faults::applet_killed_while_live: always,
    covering::paused_buffers_are_covered: always,
    covering::idle_buffers_are_covered: always,
    device::driver_comes_and_goes: loopback,
    device::rival_writer: loopback_reports_streams,
    device::second_client_is_refused: reports_streams,
    applications::v4l2_ctl: loopback,
    applications::ffmpeg: loopback,
    applications::gstreamer: always,
    applications::gstreamer_with_a_slow_sensor: always,
    cost::activations_leak_nothing: always,
    cost::idle_costs_nothing: always,
    cost::frames_bypass_the_main_loop: loopback_reports_streams,
    vcam::a_missing_driver_is_reported: vcam,
    vcam::v4l2_ctl: vcam,
    vcam::v4l2_ctl_with_its_own_memory: vcam,
    vcam::ffmpeg_with_the_format: vcam,
    vcam::a_killed_client_is_detected: vcam,
    vcam::size_stays: vcam,
    vcam::a_preview_starts_the_camera: vcam,
    vcam::works_beside_v4l2loopback: vcam,
    vcam::devices_lists_it: vcam,
    vcam::a_blocked_client_blocks_no_other: vcam,
    vcam::kernel_has_no_errors: vcam,
    chromium::browser: by_name,
    doctor::doctor_prints_a_working_fix: by_name,
    doctor::doctor_fixes_with_the_helper: by_name,
    doctor::doctor_overrides_other_options: by_name,
    doctor::doctor_builds_the_module: by_name,
    doctor::doctor_ends_rivals: by_name,
    doctor::doctor_fixes_pipewire: by_name,
    doctor::doctor_fixes_permissions: by_name,
    doctor::doctor_finds_a_stale_registry: by_name,
    doctor::doctor_reports_raw_sensors: by_name,
    doctor::doctor_reports_flatpak_limits: by_name,
    doctor::doctor_reports_a_rejected_module: by_name,
];

/// Runs the scenarios that fit or are named, and prints a line for each and a summary.
pub fn play(tools: &GuestTools, group: &Group, names: &[String]) -> ExitCode {
    let wanted = |scenario: &&Scenario| match names {
        [] => (scenario.fits)(group),
        names => names
            .iter()
            .any(|name| scenario.name.contains(name.as_str())),
    };
    let mut passed = 0;
    let mut failed = 0;
    for scenario in SCENARIOS.iter().filter(wanted) {
        let started = Instant::now();
        match TestBed::set(tools, group).and_then(|bed| (scenario.play)(&bed)) {
            Ok(()) => {
                passed += 1;
                println!(
                    "PASS {} ({:.1} s)",
                    scenario.name,
                    started.elapsed().as_secs_f64()
                );
            }
            Err(error) => {
                failed += 1;
                println!("FAIL {}: {error:#}", scenario.name);
                print_log();
            }
        }
    }
    println!("{passed} passed, {failed} failed");
    if failed == 0 && passed > 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Prints the end of the applet's log.
fn print_log() {
    let log = fs::read_to_string("/tmp/stage/applet.log").unwrap_or_default();
    let lines: Vec<_> = log.lines().collect();
    for line in &lines[lines.len().saturating_sub(25)..] {
        println!("     | {line}");
    }
}
