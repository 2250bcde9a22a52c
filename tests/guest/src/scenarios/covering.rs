//! Nothing of the camera's picture is left once it is covered.

use std::{fs, time::Duration};

use anyhow::{Result, ensure};
use gsticamerasrc::picture::shows_camera;

use super::{LATER, SOON};
use crate::{
    applet::{Applet, AppletBuilder},
    proc,
    test_bed::{TestBed, wait_until},
    v4l2::Device,
};

pub fn paused_buffers_are_covered(bed: &TestBed) -> Result<()> {
    let applet = AppletBuilder::default().start(bed)?;
    let client = bed.client()?;
    client.wait_for_camera_frames(30, LATER)?;
    ensure!(
        holds_frames(&applet)?,
        "no camera in the memory of a live applet: the check is blind"
    );
    applet.pause()?;
    applet.wait_for_state("paused", SOON)?;
    client.wait_for_placeholder(SOON)?;
    drop(client);
    ensure_covered(bed)?;
    ensure_frames_are_gone(bed, &applet)
}

pub fn idle_buffers_are_covered(bed: &TestBed) -> Result<()> {
    let applet = AppletBuilder::default().start(bed)?;
    let client = bed.client()?;
    client.wait_for_camera_frames(30, LATER)?;
    drop(client);
    applet.wait_for_state("cooldown", SOON)?;
    applet.wait_for_state("idle", SOON)?;
    ensure_covered(bed)?;
    ensure_frames_are_gone(bed, &applet)
}

/// Maps every buffer of the device, without streaming, and checks for the camera's colour.
fn ensure_covered(bed: &TestBed) -> Result<()> {
    let device = Device::open(&bed.device())?;
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

/// The memory of the worker's frames is freed within the time for its stop. Other anonymous memory may remain, without
/// camera pictures.
fn ensure_frames_are_gone(bed: &TestBed, applet: &Applet) -> Result<()> {
    bed.camera().wait_until_closed(Duration::from_secs(6))?;
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
