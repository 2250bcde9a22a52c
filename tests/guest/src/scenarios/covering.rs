//! What is left of the camera's picture once it is covered: nothing.

use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::{LATER, SOON};
use crate::{
    applet::{Applet, Launch},
    proc,
    stage::{Stage, wait_until},
    v4l2::Device,
};

pub fn paused_buffers_are_covered(stage: &Stage) -> Result<()> {
    let applet = Launch::default().start(stage)?;
    let client = stage.client()?;
    client.wait_for_camera_frames(30, LATER)?;
    applet.pause()?;
    applet.wait_for_state("paused", SOON)?;
    client.wait_for_placeholder(SOON)?;
    drop(client);
    ensure_covered(stage)?;
    ensure_frames_are_gone(stage, &applet)
}

pub fn idle_buffers_are_covered(stage: &Stage) -> Result<()> {
    let applet = Launch::default().start(stage)?;
    let client = stage.client()?;
    client.wait_for_camera_frames(30, LATER)?;
    drop(client);
    applet.wait_for_state("cooldown", SOON)?;
    applet.wait_for_state("idle", SOON)?;
    ensure_covered(stage)?;
    ensure_frames_are_gone(stage, &applet)
}

/// Maps every buffer of the device, without streaming, and looks for the camera's colour.
fn ensure_covered(stage: &Stage) -> Result<()> {
    let device = Device::open(stage.device())?;
    let format = device.format()?;
    let buffers = device.map(32)?;
    for (index, buffer) in buffers.iter().enumerate() {
        let pixels = buffer.picture(&format)?.camera_pixels();
        ensure!(
            pixels == 0,
            "buffer {index} of {} shows {pixels} camera pixels",
            buffers.len()
        );
    }
    Ok(())
}

/// The memory that the worker's frames were in lives no longer than the worker may.
fn ensure_frames_are_gone(stage: &Stage, applet: &Applet) -> Result<()> {
    stage.camera().wait_until_closed(Duration::from_secs(6))?;
    let left = || proc::files_named(applet.pid(), "memfd:");
    wait_until("no memfd is left", SOON, || Ok(left()?.is_empty()))
        .with_context(|| format!("{:?}", left()))
}
