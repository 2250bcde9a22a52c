//! When the camera goes on and off: by clients, by delays, and by the user.

use std::{
    process, thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};

use super::{LATER, LONGEST_GAP, SOON};
use crate::{
    applet::Launch,
    client::Client,
    stage::{Stage, run, wait_until},
    v4l2::Device,
};

/// From STREAMON to the first camera frame.
fn time_to_camera(client: &Client) -> Result<Duration> {
    Ok(client.wait_for_camera(LATER)?.at - client.started)
}

pub fn delay_is_kept(stage: &Stage) -> Result<()> {
    let delay = Duration::from_millis(1500);
    let applet = Launch::default()
        .option("--activation-delay-ms", delay.as_millis())
        .start(stage)?;
    let short = stage.client()?;
    thread::sleep(delay / 2);
    drop(short);
    applet.wait_for_state("idle", SOON)?;
    thread::sleep(delay);
    ensure!(
        stage.camera().openings() == 0,
        "the camera opened for a client that left within the delay"
    );

    let took = time_to_camera(&stage.client()?)?;
    ensure!(took >= delay, "the camera came after {took:?}");
    // The sensor's own 300 ms, and what an emulated processor takes to open it.
    ensure!(
        took <= delay + Duration::from_millis(700),
        "the camera came only after {took:?}"
    );
    Ok(())
}

pub fn no_delay_is_fast(stage: &Stage) -> Result<()> {
    let _applet = Launch::default()
        .option("--activation-delay-ms", 0)
        .start(stage)?;
    let took = time_to_camera(&stage.client()?)?;
    ensure!(
        took <= Duration::from_secs(4),
        "the camera came only after {took:?}"
    );
    Ok(())
}

pub fn a_client_in_the_cooldown_keeps_the_camera(stage: &Stage) -> Result<()> {
    let applet = Launch::default()
        .option("--cooldown-ms", 5000)
        .start(stage)?;
    stage.client()?.wait_for_camera(LATER)?;
    applet.wait_for_state("cooldown", SOON)?;
    let back = stage.client()?;
    back.wait_for_camera(SOON)?;
    applet.wait_for_state("live", SOON)?;
    back.stop().ensure_unbroken(LONGEST_GAP)?;
    let openings = stage.camera().openings();
    ensure!(openings == 1, "the camera was opened {openings} times");
    Ok(())
}

/// Programs that look at every camera there is, and stream from none.
pub fn probes_leave_the_camera_alone(stage: &Stage) -> Result<()> {
    // Where only opens are seen, a probe has to be gone before the delay is over.
    let applet = Launch::default()
        .option("--activation-delay-ms", 1500)
        .start(stage)?;
    let device = stage.device().display().to_string();
    for _ in 0..stage.length(25, 100) {
        let probe = Device::open(&stage.device())?;
        probe.format()?;
        drop(probe);
        thread::sleep(Duration::from_millis(20));
    }
    for _ in 0..stage.length(3, 20) {
        run("v4l2-ctl", &["-d", &device, "--all"])?;
    }
    if stage.reports_streams() {
        let lingering = Device::open(&stage.device())?;
        let buffers = lingering.map(2)?;
        thread::sleep(Duration::from_secs(2));
        drop((buffers, lingering));
    }
    applet.wait_for_state("idle", SOON)?;
    let openings = stage.camera().openings();
    ensure!(openings == 0, "probes opened the camera {openings} times");
    Ok(())
}

pub fn pause_and_resume(stage: &Stage) -> Result<()> {
    let applet = Launch::default().start(stage)?;
    let client = stage.client()?;
    client.wait_for_camera(LATER)?;
    applet.pause()?;
    let paused = Instant::now();
    applet.wait_for_state("paused", SOON)?;
    stage.camera().wait_until_closed(SOON)?;
    thread::sleep(Duration::from_millis(500));
    let late = client
        .diary()
        .camera_frames()
        .last()
        .map(|seen| seen.at.saturating_duration_since(paused));
    ensure!(
        late <= Some(Duration::from_millis(70)),
        "a camera frame {late:?} after the pause"
    );

    ensure!(
        applet.status()?["paused"] == true,
        "the status does not say paused"
    );
    applet.resume()?;
    client.wait_for_camera(LATER)?;
    client.stop().ensure_unbroken(LONGEST_GAP)
}

/// A shorter cooldown and another size, with no restart.
pub fn config_changes_apply_at_once(stage: &Stage) -> Result<()> {
    stage.set_size(640, 480)?;
    let applet = Launch::default().sized_by_config().start(stage)?;
    let width = || anyhow::Ok(applet.status()?["outputs"][0]["width"].as_u64());
    ensure!(width()? == Some(640), "the width is {:?}", width()?);
    stage.set_size(1280, 720)?;
    wait_until("the output is 1280 wide", SOON, || {
        Ok(width()? == Some(1280))
    })?;
    let client = stage.client()?;
    ensure!(
        client.format.width == 1280,
        "a client gets {} pixels",
        client.format.width
    );
    client.wait_for_camera(LATER)?;
    Ok(())
}

/// Tray, notifications and status are missing then; the relay is not.
pub fn works_without_a_session_bus(stage: &Stage) -> Result<()> {
    let _applet = Launch::default().start_without_bus(stage)?;
    stage.wait_for_writer()?;
    let client = stage.client()?;
    client.wait_for_camera(LATER)?;
    client.stop().ensure_unbroken(LONGEST_GAP)?;
    stage.camera().wait_until_closed(SOON)
}

/// In the API and on the command line.
pub fn status_names_the_client(stage: &Stage) -> Result<()> {
    let applet = Launch::default().start(stage)?;
    let client = stage.client()?;
    client.wait_for_camera(LATER)?;
    let status = applet.status()?;
    let me = process::id();
    let named = status["clients"].as_array().context("no clients")?;
    ensure!(
        named
            .iter()
            .any(|client| client["pid"] == me && client["name"] == "guest"),
        "clients are {named:?}"
    );
    ensure!(
        status["camera_open"] == true && status["state"] == "live",
        "{status}"
    );

    let printed = stage
        .kit
        .command(stage.kit.lenscap())
        .args(["status", "--json"])
        .output()?;
    let printed: serde_json::Value =
        serde_json::from_slice(&printed.stdout).context("lenscap status --json")?;
    ensure!(
        printed["worker_pid"] == status["worker_pid"],
        "{printed} is not {status}"
    );
    Ok(())
}
