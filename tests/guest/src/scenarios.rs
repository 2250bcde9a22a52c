//! What Lenscap promises, played out on a real driver.

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

use crate::{chromium, kit::Kit, stage::Group, stage::Stage};

/// The longest time that a client may be without a frame, beside what the guest's processors missed. Less than whatever an
/// applet could wait for before it shows a picture (a pipeline's start takes 300 ms, a backoff a second); more than it takes
/// to cover one, however slow the emulator is. `make bench` holds it to three frames.
const LONGEST_GAP: Duration = Duration::from_millis(250);
/// For what takes a moment: a state to change, a frame to come.
const SOON: Duration = Duration::from_secs(5);
/// For what takes a stopped worker, a backoff and a new start.
const LATER: Duration = Duration::from_secs(40);

struct Scenario {
    name: &'static str,
    play: fn(&Stage) -> Result<()>,
    /// Which groups it is for.
    fits: fn(&Group) -> bool,
}

/// With every driver.
fn always(_: &Group) -> bool {
    true
}

/// With every v4l2loopback: it loads the driver in its own way, or changes the camera's size.
fn loopback(group: &Group) -> bool {
    !group.is_vcam()
}

/// With vcam alone.
fn vcam(group: &Group) -> bool {
    group.is_vcam()
}

/// Where the driver tells a client that streams from one that only looks.
fn reports_streams(group: &Group) -> bool {
    group.module != "0.12"
}

/// Where programs may make buffers that hardware could fill, as libcamera does: not with kernel 6.1.
fn makes_dma_buffers(group: &Group) -> bool {
    group.module != "0.12"
}

/// As the name says: one that writes when the applet comes.
fn loopback_reports_streams(group: &Group) -> bool {
    loopback(group) && reports_streams(group)
}

/// Only when it is asked for by name: it wants the machine for itself.
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
    sources::an_absent_camera_is_stood_in_for: loopback,
    sources::libcamera_gives_a_picture: makes_dma_buffers,
    pipewire::the_driver_and_pipewire_share_a_camera: loopback,
    pipewire::a_pinned_device_is_kept: loopback,
    pipewire::a_device_that_comes_later_is_used: loopback,
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
    faults::camera_falls_silent: always,
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
    applications::gstreamer_in_the_dark: always,
    cost::activations_leave_nothing_behind: always,
    cost::idle_costs_nothing: always,
    cost::frames_go_past_the_main_loop: loopback_reports_streams,
    vcam::no_driver_is_said: vcam,
    vcam::v4l2_ctl: vcam,
    vcam::v4l2_ctl_with_its_own_memory: vcam,
    vcam::ffmpeg_with_the_format: vcam,
    vcam::killed_client_is_seen: vcam,
    vcam::size_stays: vcam,
    vcam::a_preview_starts_the_camera: vcam,
    vcam::beside_v4l2loopback: vcam,
    vcam::devices_know_it: vcam,
    vcam::blocked_client_stops_nobody: vcam,
    vcam::kernel_is_well: vcam,
    chromium::browser: by_name,
    doctor::doctor_prints_what_mends: by_name,
    doctor::doctor_has_the_helper_mend: by_name,
    doctor::doctor_outdoes_other_options: by_name,
    doctor::doctor_has_the_module_built: by_name,
    doctor::doctor_ends_rivals: by_name,
    doctor::doctor_wakes_pipewire: by_name,
    doctor::doctor_opens_nodes: by_name,
    doctor::doctor_knows_a_stale_plugin: by_name,
    doctor::doctor_passes_over_sensors: by_name,
    doctor::doctor_knows_a_flatpak: by_name,
    doctor::doctor_knows_a_refused_module: by_name,
];

/// Plays what fits, or what is named; prints a line for each, and a sum.
pub fn play(kit: &Kit, group: &Group, names: &[String]) -> ExitCode {
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
        match Stage::set(kit, group).and_then(|stage| (scenario.play)(&stage)) {
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

/// The applet's last words.
fn print_log() {
    let log = fs::read_to_string("/tmp/stage/applet.log").unwrap_or_default();
    let lines: Vec<_> = log.lines().collect();
    for line in &lines[lines.len().saturating_sub(25)..] {
        println!("     | {line}");
    }
}
