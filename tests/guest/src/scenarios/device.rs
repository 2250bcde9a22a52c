//! Loading and unloading the driver, and contention for its device.

use std::{
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use anyhow::{Result, ensure};

use super::{LATER, SOON};
use crate::{
    applet::{AppletBuilder, ChildGuard},
    test_bed::TestBed,
};

/// The applet starts before the driver is loaded, uses it, and releases it when it quits.
pub fn driver_comes_and_goes(bed: &TestBed) -> Result<()> {
    bed.unload()?;
    let applet = AppletBuilder::default()
        .without("--output")
        .start_unready(bed)?;
    applet.wait_for_state("failed", SOON)?;
    ensure!(
        applet.status()?["error"].is_string(),
        "the status has no error"
    );
    bed.load(2)?;
    applet.wait_for_state("idle", SOON)?;
    bed.client()?.wait_for_camera(LATER)?;
    let status = applet.quit()?;
    ensure!(status.success(), "quit ended it with {status}");
    bed.unload()
}

/// Another program writes to the device when the applet starts.
pub fn rival_writer(bed: &TestBed) -> Result<()> {
    let rival = rival(bed)?;
    let applet = AppletBuilder::default()
        .without("--output")
        .start_unready(bed)?;
    applet.wait_for_state("failed", SOON)?;
    drop(rival);
    applet.wait_for_state("idle", LATER)?;
    bed.client()?.wait_for_camera(LATER).map(drop)
}

/// A program that writes to the device.
pub fn rival(bed: &TestBed) -> Result<ChildGuard> {
    let device = format!("device={}", bed.device().display());
    let rival = bed
        .tools
        .command("gst-launch-1.0")
        .args([
            "-q",
            "videotestsrc",
            "is-live=true",
            "!",
            "video/x-raw,format=YUY2",
            "!",
            "v4l2sink",
            &device,
        ])
        .stdout(Stdio::null())
        .spawn()?;
    let rival = ChildGuard(rival);
    bed.wait_for_writer()?;
    Ok(rival)
}

/// The driver allows one reader at a time; a second one doesn't disturb the first.
pub fn second_client_is_refused(bed: &TestBed) -> Result<()> {
    let _applet = AppletBuilder::default().start(bed)?;
    let client = bed.client()?;
    client.wait_for_camera(LATER)?;
    let device = bed.device().display().to_string();
    let second = Command::new("timeout")
        .args([
            "5",
            "v4l2-ctl",
            "-d",
            &device,
            "--stream-mmap",
            "--stream-count=3",
        ])
        .output()?;
    thread::sleep(Duration::from_millis(200));
    let seen = client.stop();
    // In 0.13, REQBUFS resets the mapped state of all openers' buffers (`init_buffers`), so that the first client gets an
    // error until they are mapped again; one that ends by it has left the stream to the second. 0.15 rejects that earlier.
    let is_forgotten = |error: &String| error.contains("Invalid argument");
    if bed.group.module == "0.13" && seen.error.as_ref().is_some_and(is_forgotten) {
        return Ok(());
    }
    // Which call fails with which error depends on the driver's version.
    ensure!(
        !String::from_utf8_lossy(&second.stderr).contains("<<<"),
        "the second client got frames"
    );
    seen.ensure_unbroken(super::LONGEST_GAP)
}
