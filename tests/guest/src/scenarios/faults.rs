//! A camera stack that crashes, hangs and refuses, while an application streams: it must not notice more than the
//! placeholder.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rustix::process::Signal;

use super::{LATER, LONGEST_GAP, SOON};
use crate::{
    applet::{Launch, send},
    client::Client,
    proc,
    stage::{Stage, wait_until},
};

/// The client's way through a fault: camera, placeholder, camera; no error, no gap, the same applet.
fn camera_comes_back(stage: &Stage, launch: Launch, strike: impl FnOnce(u32)) -> Result<()> {
    let applet = launch.start(stage)?;
    let client = stage.client()?;
    client.wait_for_camera(LATER).context("before the fault")?;
    strike(applet.worker()?);
    client
        .wait_for_placeholder(SOON)
        .context("after the fault")?;
    comes_back(stage, client)
}

fn comes_back(stage: &Stage, client: Client) -> Result<()> {
    client.wait_for_camera(LATER).context("after the backoff")?;
    let openings = stage.camera().openings();
    ensure!(openings >= 2, "the camera was opened {openings} times");
    client.stop().ensure_unbroken(LONGEST_GAP)
}

pub fn worker_killed(stage: &Stage) -> Result<()> {
    camera_comes_back(stage, Launch::default(), |worker| {
        send(worker, Signal::KILL);
    })
}

pub fn camera_crashes(stage: &Stage) -> Result<()> {
    camera_comes_back(stage, Launch::default().fault("crash:30", 1), |_| {})
}

pub fn camera_segfaults(stage: &Stage) -> Result<()> {
    camera_comes_back(stage, Launch::default().fault("segfault:30", 1), |_| {})
}

/// The hung worker does not react to anything but SIGKILL.
pub fn camera_hangs(stage: &Stage) -> Result<()> {
    camera_comes_back(stage, Launch::default().fault("hang:30", 1), |_| {})
}

pub fn camera_falls_silent(stage: &Stage) -> Result<()> {
    camera_comes_back(stage, Launch::default().fault("silent:30", 1), |_| {})
}

/// Twice, so that the backoff is seen to go on; the card says that something is wrong meanwhile.
pub fn camera_does_not_start(stage: &Stage) -> Result<()> {
    let applet = Launch::default().fault("start-fail", 2).start(stage)?;
    let client = stage.client()?;
    let before = client.wait_for_placeholder(SOON)?;
    applet.wait_for_state("failed", SOON)?;
    ensure!(
        applet.status()?["error"].is_string(),
        "the status has no error"
    );
    client.wait_for("card that differs", SOON, |seen| {
        !seen.is_camera() && seen.digest != before.digest
    })?;
    comes_back(stage, client)
}

/// Caps negotiate, and no frame ever comes: the start is timed out.
pub fn sensor_lacks_the_size(stage: &Stage) -> Result<()> {
    let applet = Launch::default()
        .environment("STAND_IN_SIZES", "1280x720")
        .start(stage)?;
    let client = stage.client()?;
    applet.wait_for_state("failed", Duration::from_secs(20))?;
    ensure!(
        applet.status()?["error"].is_string(),
        "the status has no error"
    );
    stage.camera().wait_until_closed(Duration::from_secs(10))?;
    client.stop().ensure_unbroken(LONGEST_GAP)
}

/// Nobody is left to stop the worker: it has to go by itself, or the camera stays on.
pub fn applet_killed_while_live(stage: &Stage) -> Result<()> {
    let mut applet = Launch::default().start(stage)?;
    let client = stage.client()?;
    client.wait_for_camera(LATER)?;
    let worker = applet.worker()?;
    applet.kill()?;
    stage.camera().wait_until_closed(SOON)?;
    // It closes the camera first and then itself.
    wait_until("the worker is gone", SOON, || Ok(!proc::is_running(worker)))?;
    drop(client);
    let _again = Launch::default().start(stage)?;
    stage.client()?.wait_for_camera(LATER)?;
    Ok(())
}
