//! The driver, and others at its door.

use std::{
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use anyhow::{Result, ensure};

use super::{LATER, SOON};
use crate::{
    applet::{Helper, Launch},
    stage::Stage,
};

/// The applet is there first, adopts the driver, and lets go of it when it quits.
pub fn driver_comes_and_goes(stage: &Stage) -> Result<()> {
    stage.unload()?;
    let applet = Launch::default().without("--output").start_unready(stage)?;
    applet.wait_for_state("failed", SOON)?;
    ensure!(
        applet.status()?["error"].is_string(),
        "the status has no error"
    );
    stage.load(2)?;
    applet.wait_for_state("idle", SOON)?;
    stage.client()?.wait_for_camera(LATER)?;
    let status = applet.quit()?;
    ensure!(status.success(), "quit ended it with {status}");
    stage.unload()
}

/// Somebody else writes to the device when the applet starts.
pub fn rival_writer(stage: &Stage) -> Result<()> {
    let rival = rival(stage)?;
    let applet = Launch::default().without("--output").start_unready(stage)?;
    applet.wait_for_state("failed", SOON)?;
    drop(rival);
    applet.wait_for_state("idle", LATER)?;
    stage.client()?.wait_for_camera(LATER).map(drop)
}

/// Somebody who writes to the device already.
pub fn rival(stage: &Stage) -> Result<Helper> {
    let device = format!("device={}", stage.device().display());
    let rival = stage
        .kit
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
    let rival = Helper(rival);
    stage.wait_for_writer()?;
    Ok(rival)
}

/// One reader at a time is the driver's rule; the first one does not suffer.
pub fn second_client_is_refused(stage: &Stage) -> Result<()> {
    let _applet = Launch::default().start(stage)?;
    let client = stage.client()?;
    client.wait_for_camera(LATER)?;
    let device = stage.device().display().to_string();
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
    // Which call is refused, and with what words, depends on the driver's version.
    ensure!(
        !String::from_utf8_lossy(&second.stderr).contains("<<<"),
        "the second client got frames"
    );
    thread::sleep(Duration::from_millis(200));
    let seen = client.stop();
    // REQBUFS of 0.13 forgets for everybody which buffers are mapped (its `init_buffers`). Whoever asks for a frame before
    // they are mapped again is told that there is none. 0.15 refuses the second one before that.
    let is_forgotten = |error: &String| error.contains("Invalid argument");
    if stage.group.module == "0.13" && seen.error.as_ref().is_some_and(is_forgotten) {
        return Ok(());
    }
    seen.ensure_unbroken(super::LONGEST_GAP)
}
