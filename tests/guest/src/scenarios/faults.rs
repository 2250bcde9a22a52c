//! A camera stack that crashes, hangs or fails while a client streams, which sees the placeholder and nothing worse.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rustix::process::Signal;

use super::{LATER, LONGEST_GAP, SOON};
use crate::{
    applet::{AppletBuilder, send},
    client::Client,
    proc,
    test_bed::{TestBed, wait_until},
};

/// The client sees camera, placeholder, camera, without an error or a gap, from the same applet.
fn camera_comes_back(bed: &TestBed, launch: AppletBuilder, inject: impl FnOnce(u32)) -> Result<()> {
    let applet = launch.start(bed)?;
    let client = bed.client()?;
    client.wait_for_camera(LATER).context("before the fault")?;
    inject(applet.worker()?);
    client
        .wait_for_placeholder(SOON)
        .context("after the fault")?;
    comes_back(bed, client)
}

fn comes_back(bed: &TestBed, client: Client) -> Result<()> {
    client.wait_for_camera(LATER).context("after the backoff")?;
    let openings = bed.camera().openings();
    ensure!(openings >= 2, "the camera was opened {openings} times");
    client.stop().ensure_unbroken(LONGEST_GAP)
}

pub fn worker_killed(bed: &TestBed) -> Result<()> {
    camera_comes_back(bed, AppletBuilder::default(), |worker| {
        send(worker, Signal::KILL);
    })
}

pub fn camera_crashes(bed: &TestBed) -> Result<()> {
    camera_comes_back(bed, AppletBuilder::default().fault("crash:30", 1), |_| {})
}

pub fn camera_segfaults(bed: &TestBed) -> Result<()> {
    camera_comes_back(
        bed,
        AppletBuilder::default().fault("segfault:30", 1),
        |_| {},
    )
}

/// The hung worker reacts to SIGKILL only.
pub fn camera_hangs(bed: &TestBed) -> Result<()> {
    camera_comes_back(bed, AppletBuilder::default().fault("hang:30", 1), |_| {})
}

pub fn camera_stops_sending(bed: &TestBed) -> Result<()> {
    camera_comes_back(bed, AppletBuilder::default().fault("silent:30", 1), |_| {})
}

/// Twice, to check the backoff; meanwhile the card shows the failure.
pub fn camera_does_not_start(bed: &TestBed) -> Result<()> {
    let applet = AppletBuilder::default().fault("start-fail", 2).start(bed)?;
    let client = bed.client()?;
    let before = client.wait_for_placeholder(SOON)?;
    applet.wait_for_state("failed", SOON)?;
    ensure!(
        applet.status()?["error"].is_string(),
        "the status has no error"
    );
    client.wait_for("card that differs", SOON, |seen| {
        !seen.is_camera() && seen.digest != before.digest
    })?;
    comes_back(bed, client)
}

/// Caps negotiate, but there is no frame: the start times out.
pub fn sensor_lacks_the_size(bed: &TestBed) -> Result<()> {
    let applet = AppletBuilder::default()
        .environment("STAND_IN_SIZES", "1280x720")
        .start(bed)?;
    let client = bed.client()?;
    applet.wait_for_state("failed", Duration::from_secs(20))?;
    ensure!(
        applet.status()?["error"].is_string(),
        "the status has no error"
    );
    bed.camera().wait_until_closed(Duration::from_secs(10))?;
    client.stop().ensure_unbroken(LONGEST_GAP)
}

/// The worker must end by itself, or the camera stays on.
pub fn applet_killed_while_live(bed: &TestBed) -> Result<()> {
    let mut applet = AppletBuilder::default().start(bed)?;
    let client = bed.client()?;
    client.wait_for_camera(LATER)?;
    let worker = applet.worker()?;
    applet.kill()?;
    bed.camera().wait_until_closed(SOON)?;
    // It closes the camera before it ends.
    wait_until("the worker is gone", SOON, || Ok(!proc::is_running(worker)))?;
    drop(client);
    let _again = AppletBuilder::default().start(bed)?;
    bed.client()?.wait_for_camera(LATER)?;
    Ok(())
}
