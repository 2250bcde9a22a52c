//! Real applications as clients.

use std::{
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use gsticamerasrc::stall_monitor::StallMonitor;

use super::SOON;
use crate::{
    applet::{AppletBuilder, ChildGuard},
    test_bed::TestBed,
};

/// Enough frames at 30 per second for the delay, the camera's start on a busy machine, and some of the camera.
pub const FRAMES: u32 = 150;

/// `DEVICE` in an argument is replaced by the virtual camera's node.
pub fn streams(bed: &TestBed, program: &str, arguments: &[&str]) -> Result<()> {
    streams_from(bed, AppletBuilder::default(), program, arguments)
}

fn streams_from(
    bed: &TestBed,
    launch: AppletBuilder,
    program: &str,
    arguments: &[&str],
) -> Result<()> {
    let applet = launch.start(bed)?;
    let device = bed.device().display().to_string();
    let arguments = arguments.iter().map(|text| text.replace("DEVICE", &device));
    let child = bed
        .tools
        .command(program)
        .args(arguments)
        .stdout(Stdio::null())
        .spawn()?;
    let running = ChildGuard(child);
    applet.wait_for_state("live", Duration::from_secs(15))?;
    running.ensure_success(program, Duration::from_secs(30))?;
    applet.wait_for_state("idle", SOON)?;
    let openings = bed.camera().openings();
    ensure!(openings == 1, "the camera was opened {openings} times");
    Ok(())
}

pub fn v4l2_ctl(bed: &TestBed) -> Result<()> {
    let count = format!("--stream-count={FRAMES}");
    streams(
        bed,
        "v4l2-ctl",
        &["-d", "DEVICE", "--stream-mmap", &count, "--silent"],
    )
}

pub fn ffmpeg(bed: &TestBed) -> Result<()> {
    let frames = FRAMES.to_string();
    let arguments = [
        "-v",
        "error",
        "-f",
        "v4l2",
        "-i",
        "DEVICE",
        "-frames:v",
        &frames,
        "-f",
        "null",
        "-",
    ];
    streams(bed, "ffmpeg", &arguments)
}

pub fn gstreamer(bed: &TestBed) -> Result<()> {
    gstreamer_from(bed, AppletBuilder::default())
}

/// GStreamer ends its stream if it receives a buffer that it still holds, as from a driver that repeats frames. The driver
/// hands out the newest buffer, so a client that doesn't run for as long as all of them last may receive its own again:
/// after such a stall of the machine, the scenario has shown nothing.
pub fn gstreamer_with_a_slow_sensor(bed: &TestBed) -> Result<()> {
    const ATTEMPTS: u32 = 3;
    /// Three buffers at 30 frames a second: the fourth is the client's.
    const RING: Duration = Duration::from_millis(100);
    let mut result = Ok(());
    for _ in 0..ATTEMPTS {
        let monitor = StallMonitor::start();
        let start = Instant::now();
        let launch = AppletBuilder::default().environment("STAND_IN_EVERY", 3);
        result = gstreamer_from(bed, launch);
        if result.is_ok() || monitor.stalled(start, Instant::now()) < RING {
            break;
        }
    }
    result
}

fn gstreamer_from(bed: &TestBed, launch: AppletBuilder) -> Result<()> {
    let frames = format!("num-buffers={FRAMES}");
    streams_from(
        bed,
        launch,
        "gst-launch-1.0",
        &["-q", "v4l2src", "device=DEVICE", &frames, "!", "fakesink"],
    )
}
