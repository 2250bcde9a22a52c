//! Programs that people use.

use std::{process::Stdio, time::Duration};

use anyhow::{Result, ensure};

use super::SOON;
use crate::{
    applet::{Helper, Launch},
    stage::Stage,
};

/// Enough frames at 30 a second to get through the delay, the camera's start on a busy machine, and some of the camera.
pub const FRAMES: u32 = 150;

/// `DEVICE` in an argument is the virtual camera's node.
pub fn streams(stage: &Stage, program: &str, arguments: &[&str]) -> Result<()> {
    streams_from(stage, Launch::default(), program, arguments)
}

fn streams_from(stage: &Stage, launch: Launch, program: &str, arguments: &[&str]) -> Result<()> {
    let applet = launch.start(stage)?;
    let device = stage.device().display().to_string();
    let arguments = arguments.iter().map(|text| text.replace("DEVICE", &device));
    let child = stage
        .kit
        .command(program)
        .args(arguments)
        .stdout(Stdio::null())
        .spawn()?;
    let running = Helper(child);
    applet.wait_for_state("live", Duration::from_secs(15))?;
    running.ensure_success(program, Duration::from_secs(30))?;
    applet.wait_for_state("idle", SOON)?;
    let openings = stage.camera().openings();
    ensure!(openings == 1, "the camera was opened {openings} times");
    Ok(())
}

pub fn v4l2_ctl(stage: &Stage) -> Result<()> {
    let count = format!("--stream-count={FRAMES}");
    streams(
        stage,
        "v4l2-ctl",
        &["-d", "DEVICE", "--stream-mmap", &count, "--silent"],
    )
}

pub fn ffmpeg(stage: &Stage) -> Result<()> {
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
    streams(stage, "ffmpeg", &arguments)
}

pub fn gstreamer(stage: &Stage) -> Result<()> {
    gstreamer_from(stage, Launch::default())
}

/// It ends its stream for good when a buffer comes that it still holds, as by a driver that repeats frames.
pub fn gstreamer_in_the_dark(stage: &Stage) -> Result<()> {
    gstreamer_from(stage, Launch::default().environment("STAND_IN_EVERY", 3))
}

fn gstreamer_from(stage: &Stage, launch: Launch) -> Result<()> {
    let frames = format!("num-buffers={FRAMES}");
    streams_from(
        stage,
        launch,
        "gst-launch-1.0",
        &["-q", "v4l2src", "device=DEVICE", &frames, "!", "fakesink"],
    )
}
