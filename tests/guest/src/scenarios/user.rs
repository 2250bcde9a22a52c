//! When the camera turns on and off: by clients, delays and the user.

use std::{
    process, thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};

use super::{LATER, LONGEST_GAP, SOON};
use crate::{
    applet::AppletBuilder,
    client::Client,
    test_bed::{TestBed, run, wait_until},
    v4l2::Device,
};

/// From STREAMON to the first camera frame.
fn time_to_camera(client: &Client) -> Result<Duration> {
    Ok(client.wait_for_camera(LATER)?.at - client.started)
}

pub fn delay_is_kept(bed: &TestBed) -> Result<()> {
    let delay = Duration::from_millis(1500);
    let applet = AppletBuilder::default()
        .option("--activation-delay-ms", delay.as_millis())
        .start(bed)?;
    let short = bed.client()?;
    thread::sleep(delay / 2);
    drop(short);
    applet.wait_for_state("idle", SOON)?;
    thread::sleep(delay);
    ensure!(
        bed.camera().openings() == 0,
        "the camera opened for a client that left within the delay"
    );

    let alone = bed.tools.time_to_first_buffer()?;
    let took = time_to_camera(&bed.client()?)?;
    ensure!(took >= delay, "the camera came after {took:?}");
    ensure!(
        took <= delay + alone,
        "the camera came only after {took:?}, alone it takes {alone:?}"
    );
    Ok(())
}

pub fn no_delay_is_fast(bed: &TestBed) -> Result<()> {
    let applet = AppletBuilder::default()
        .option("--activation-delay-ms", 0)
        .start(bed)?;
    applet.wait_until_settled(LATER)?;
    let alone = bed.tools.time_to_first_buffer()?;
    let took = time_to_camera(&bed.client()?)?;
    ensure!(
        took <= alone * 3 / 2,
        "the camera came only after {took:?}, alone it takes {alone:?}"
    );
    Ok(())
}

pub fn a_client_in_the_cooldown_keeps_the_camera(bed: &TestBed) -> Result<()> {
    let applet = AppletBuilder::default()
        .option("--cooldown-ms", 5000)
        .start(bed)?;
    bed.client()?.wait_for_camera(LATER)?;
    applet.wait_for_state("cooldown", SOON)?;
    let back = bed.client()?;
    back.wait_for_camera(SOON)?;
    applet.wait_for_state("live", SOON)?;
    back.stop().ensure_unbroken(LONGEST_GAP)?;
    let openings = bed.camera().openings();
    ensure!(openings == 1, "the camera was opened {openings} times");
    Ok(())
}

/// Programs that open all cameras and stream from none.
pub fn probes_leave_the_camera_alone(bed: &TestBed) -> Result<()> {
    // If the driver reports opens only, a probe must end before the delay does.
    let applet = AppletBuilder::default()
        .option("--activation-delay-ms", 1500)
        .start(bed)?;
    let device = bed.device().display().to_string();
    for _ in 0..bed.length(25, 100) {
        let probe = Device::open(&bed.device())?;
        probe.format()?;
        drop(probe);
        thread::sleep(Duration::from_millis(20));
    }
    for _ in 0..bed.length(3, 20) {
        run("v4l2-ctl", &["-d", &device, "--all"])?;
    }
    if bed.reports_streams() {
        let lingering = Device::open(&bed.device())?;
        let buffers = lingering.map(2)?;
        thread::sleep(Duration::from_secs(2));
        drop((buffers, lingering));
    }
    applet.wait_for_state("idle", SOON)?;
    let openings = bed.camera().openings();
    ensure!(openings == 0, "probes opened the camera {openings} times");
    Ok(())
}

pub fn pause_and_resume(bed: &TestBed) -> Result<()> {
    let applet = AppletBuilder::default().start(bed)?;
    let client = bed.client()?;
    client.wait_for_camera(LATER)?;
    applet.pause()?;
    let paused = Instant::now();
    applet.wait_for_state("paused", SOON)?;
    bed.camera().wait_until_closed(SOON)?;
    thread::sleep(Duration::from_millis(500));
    let late = client
        .frame_log()
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

/// A shorter cooldown and another size, without a restart.
pub fn config_changes_apply_at_once(bed: &TestBed) -> Result<()> {
    bed.set_size(640, 480)?;
    let applet = AppletBuilder::default().sized_by_config().start(bed)?;
    let width = || anyhow::Ok(applet.status()?["outputs"][0]["width"].as_u64());
    ensure!(width()? == Some(640), "the width is {:?}", width()?);
    bed.set_size(1280, 720)?;
    wait_until("the output is 1280 wide", SOON, || {
        Ok(width()? == Some(1280))
    })?;
    let client = bed.client()?;
    ensure!(
        client.format.width == 1280,
        "a client gets {} pixels",
        client.format.width
    );
    client.wait_for_camera(LATER)?;
    Ok(())
}

/// Without tray, notifications and status, the relay works.
pub fn works_without_a_session_bus(bed: &TestBed) -> Result<()> {
    let _applet = AppletBuilder::default().start_without_bus(bed)?;
    bed.wait_for_writer()?;
    let client = bed.client()?;
    client.wait_for_camera(LATER)?;
    client.stop().ensure_unbroken(LONGEST_GAP)?;
    bed.camera().wait_until_closed(SOON)
}

/// In the API and on the command line.
pub fn status_names_the_client(bed: &TestBed) -> Result<()> {
    let applet = AppletBuilder::default().start(bed)?;
    let client = bed.client()?;
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

    let printed = bed
        .tools
        .command(bed.tools.lenscap())
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
