//! What is left of the camera's picture once it is covered: nothing.

use std::{fs, time::Duration};

use anyhow::{Result, ensure};
use gsticamerasrc::picture::shows_camera;

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
    ensure!(
        holds_frames(&applet)?,
        "no camera in the memory of a live applet: the check is blind"
    );
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
    let device = Device::open(&stage.device())?;
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

/// The memory that the worker's frames were in lives no longer than the worker may. Other memory without a name may
/// stay, with no camera in it.
fn ensure_frames_are_gone(stage: &Stage, applet: &Applet) -> Result<()> {
    stage.camera().wait_until_closed(Duration::from_secs(6))?;
    wait_until("no memory file shows the camera", SOON, || {
        Ok(!holds_frames(applet)?)
    })
}

fn holds_frames(applet: &Applet) -> Result<bool> {
    let files = proc::files_named(applet.pid(), "memfd:")?;
    Ok(files
        .iter()
        .any(|file| fs::read(file).is_ok_and(|memory| shows_camera(&memory))))
}
