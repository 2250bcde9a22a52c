//! What is special about the vcam driver. The scenarios that fit every driver are played with it, too.

use std::{
    fs,
    path::Path,
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::{
    LATER, LONGEST_GAP, SOON,
    applications::{self, FRAMES},
};
use crate::{
    applet::{Applet, Helper, Launch},
    client::Client,
    stage::{Group, Stage, run, wait_until},
    vcam,
};

/// Without `--stream-poll` it waits within DQBUF, where a kernel before 6.13 lets nobody else at the camera: see
/// [`blocked_client_stops_nobody`].
pub fn v4l2_ctl(stage: &Stage) -> Result<()> {
    streams(stage, "--stream-mmap")
}

/// The driver copies into memory that the client allocated.
pub fn v4l2_ctl_with_its_own_memory(stage: &Stage) -> Result<()> {
    streams(stage, "--stream-user")
}

/// By itself it asks for a format that the camera lacks, and would take what it gets; but the driver, while it is on as
/// Chromium and GStreamer need it, answers that it is busy.
pub fn ffmpeg_with_the_format(stage: &Stage) -> Result<()> {
    let arguments =
        format!("-v error -f v4l2 -input_format yuyv422 -i DEVICE -frames:v {FRAMES} -f null -");
    applications::streams(stage, "ffmpeg", &arguments.split(' ').collect::<Vec<_>>())
}

fn streams(stage: &Stage, memory: &str) -> Result<()> {
    let arguments = format!("-d DEVICE {memory} --stream-poll --stream-count={FRAMES} --silent");
    applications::streams(stage, "v4l2-ctl", &arguments.split(' ').collect::<Vec<_>>())
}

fn start_v4l2_ctl(stage: &Stage, poll: bool) -> Result<Helper> {
    let mut command = stage.kit.command("v4l2-ctl");
    command
        .arg("-d")
        .arg(stage.device())
        .args(["--stream-mmap", "--silent"])
        .args(poll.then_some("--stream-poll"));
    Ok(Helper(command.stdout(Stdio::null()).spawn()?))
}

/// Its frames come back in another way than those of one that says goodbye; the next client must not see them.
pub fn killed_client_is_seen(stage: &Stage) -> Result<()> {
    let applet = Launch::default().start(stage)?;
    for round in 1..=2 {
        let client = start_v4l2_ctl(stage, true)?;
        applet.wait_for_state("live", LATER)?;
        drop(client); // by SIGKILL
        applet.wait_for_state("cooldown", SOON)?;
        applet.wait_for_state("idle", SOON)?;
        stage.camera().wait_until_closed(SOON)?;
        let next = stage.client()?;
        let first = next.wait_for("frame", SOON, |_| true)?;
        ensure!(!first.is_camera(), "the next client starts with the camera");
        next.wait_for_camera_frames(30, LATER)?;
        next.stop().ensure_unbroken(LONGEST_GAP)?;
        applet.wait_for_state("idle", LATER)?;
        let openings = stage.camera().openings();
        ensure!(
            openings == 2 * round,
            "the camera was opened {openings} times"
        );
    }
    Ok(())
}

/// A client that waits in the driver holds its lock; the feeder waits for that, the applet for nobody. A pause closes the
/// camera; and when the client is gone, all is as before.
pub fn blocked_client_stops_nobody(stage: &Stage) -> Result<()> {
    let applet = Launch::default().start(stage)?;
    let client = start_v4l2_ctl(stage, false)?;
    applet.wait_for_state("live", LATER)?;
    thread::sleep(Duration::from_secs(1));
    let asked = Instant::now();
    applet.pause()?;
    applet.wait_for_state("paused", SOON)?;
    let took = asked.elapsed();
    ensure!(took < Duration::from_secs(1), "a pause took {took:?}");
    stage.camera().wait_until_closed(Duration::from_secs(6))?;
    drop(client);
    applet.resume()?;
    applet.wait_for_state("idle", SOON)?;
    let next = stage.client()?;
    let first = next.wait_for("frame", SOON, |_| true)?;
    ensure!(!first.is_camera(), "the next client starts with the camera");
    next.wait_for_camera_frames(30, LATER)?;
    next.stop().ensure_unbroken(LONGEST_GAP)
}

/// The camera can't be made anew: a new size is said to wait, and the old one stays, though `auto` could have PipeWire's.
pub fn size_stays(stage: &Stage) -> Result<()> {
    let refusals = |count: usize| {
        wait_until("the log says that the size stays", SOON, || {
            let log = stage.applet_log()?;
            let refusals = log.lines().filter(|line| line.contains("settings wait"));
            Ok(refusals
                .filter(|line| line.contains("keeps its size"))
                .count()
                == count)
        })
    };
    stage.set_size(640, 480)?;
    let applet = Launch::default()
        .sized_by_config()
        .option("--output", "auto")
        .start(stage)?;
    let node = stage.device();
    stage.set_size(1280, 720)?;
    refusals(1)?;
    for round in 2..=3 {
        let client = stage.client()?;
        let width = client.format.width;
        ensure!(width == 640, "a client gets {width} pixels");
        client.wait_for_camera(LATER)?;
        client.stop().ensure_unbroken(LONGEST_GAP)?;
        // Tried again, in vain, when the client has gone.
        refusals(round)?;
        let outputs = &applet.status()?["outputs"];
        ensure!(
            outputs[0]["width"] == 640 && outputs[0]["watch"] == "vcam-wait",
            "{outputs}"
        );
        ensure!(stage.device() == node, "there is another node now");
    }
    Ok(())
}

/// A preview looks at what a client would see, and is none: the driver has nobody to show the camera to.
pub fn a_preview_starts_the_camera(stage: &Stage) -> Result<()> {
    let applet = Launch::default().start(stage)?;
    let preview = applet.open_preview()?;
    applet.wait_for_state("live", LATER)?;
    let frames = || -> Result<u64> {
        let status = applet.status()?;
        status["stats"]["frames"].as_u64().context("no frames")
    };
    let before = frames()?;
    wait_until("30 frames are previewed", SOON, || {
        Ok(frames()? >= before + 30)
    })?;
    let client = stage.client()?;
    let first = client.wait_for("frame", SOON, |_| true)?;
    ensure!(!first.is_camera(), "a client starts with an old frame");
    client.wait_for_camera_frames(30, LATER)?;
    client.stop().ensure_unbroken(LONGEST_GAP)?;
    drop(preview);
    applet.wait_for_state("idle", SOON)?;
    stage.camera().wait_until_closed(SOON)?;
    let openings = stage.camera().openings();
    ensure!(openings == 1, "the camera was opened {openings} times");
    Ok(())
}

/// Beside v4l2loopback: each has its own client, and neither sees the other come or go.
pub fn beside_v4l2loopback(stage: &Stage) -> Result<()> {
    let both = Group {
        module: "0.15".to_owned(),
        ..stage.group.clone()
    };
    let stage = Stage::set(stage.kit, &both)?;
    let folder = stage.folder.join("config/lenscap");
    fs::create_dir_all(&folder)?;
    let outputs = "[output]\nkind = [\"v4l2loopback\", \"vcam\"]\n[desktop]\ntray = false\n";
    fs::write(folder.join("lenscap.toml"), outputs)?;
    let applet = Launch::default().without("--output").start(&stage)?;
    vcam::keep_open(applet.pid())?;
    // Nodes of vcam that other scenarios left may have the number that it asks for.
    let status = applet.status()?;
    let node = status["outputs"][0]["device"].as_str();
    let loopback = Client::start(Path::new(node.context("the device has no node")?))?;
    loopback.wait_for_camera_frames(30, LATER)?;
    let own = Client::start(&vcam::newest_node())?;
    own.wait_for_camera_frames(30, LATER)?;
    loopback.wait_for_camera_frames(60, LATER)?;
    loopback.stop().ensure_unbroken(LONGEST_GAP)?;
    own.wait_for_camera_frames(60, LATER)?;
    own.stop().ensure_unbroken(LONGEST_GAP)?;
    applet.wait_for_state("idle", SOON)?;
    let openings = stage.camera().openings();
    ensure!(openings == 1, "the camera was opened {openings} times");
    applet.quit()?;
    stage.unload()
}

/// Without the driver, and without what makes its memory: one line that helps, and `auto` goes on without.
pub fn no_driver_is_said(stage: &Stage) -> Result<()> {
    for (device, helps) in [
        ("/dev/vcam", "modprobe vcam"),
        ("/dev/udmabuf", "CONFIG_UDMABUF"),
    ] {
        let away = format!("{device}-away");
        fs::rename(device, &away)?;
        let named = refusal(stage);
        let auto = says_why_it_is_skipped(stage, helps);
        fs::rename(&away, device)?;
        let (code, complaint) = named?;
        ensure!(code == Some(1), "exit status {code:?}");
        ensure!(
            complaint.lines().count() == 1 && complaint.contains(helps),
            "{complaint}"
        );
        auto?;
    }
    Ok(())
}

fn refusal(stage: &Stage) -> Result<(Option<i32>, String)> {
    let mut command = stage.kit.command(stage.kit.lenscap());
    command
        .args(["run", "--no-tray", "--source", "test", "--output", "vcam"])
        .env("RUST_LOG", "off")
        .env("XDG_CONFIG_HOME", stage.folder.join("config"))
        .env("XDG_RUNTIME_DIR", stage.folder.join("runtime"));
    let done = command.output()?;
    Ok((done.status.code(), String::from_utf8(done.stderr)?))
}

fn says_why_it_is_skipped(stage: &Stage, helps: &str) -> Result<()> {
    let launch = Launch::default().without("--output");
    let applet = launch.environment("LENSCAP_LOG", "debug");
    let applet: Applet = applet.start_unready(stage)?;
    wait_until("the log says why vcam is skipped", SOON, || {
        let log = stage.applet_log()?;
        // Aloud where there is no other output either.
        Ok(log.contains(helps))
    })?;
    applet.quit().map(drop)
}

/// The driver among the outputs; its camera, which may be open once only, among the sources that are none.
pub fn devices_know_it(stage: &Stage) -> Result<()> {
    let applet = Launch::default().start(stage)?;
    let client = stage.client()?;
    let mut command = stage.kit.command(stage.kit.lenscap());
    let listed = command.args(["devices", "--json"]).output()?;
    let lines: Vec<Value> = String::from_utf8(listed.stdout)?
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()?;
    let is_driver = |line: &&Value| line["type"] == "output" && line["kind"] == "vcam";
    let driver = lines.iter().find(is_driver).context("no vcam")?;
    ensure!(
        driver["problem"].is_null() && driver["device"] == "/dev/vcam",
        "{driver}"
    );
    let own = format!("v4l2:{}", stage.device().display());
    let source = lines.iter().find(|line| line["spec"] == *own);
    let problem = source.context("our node is not listed")?["problem"].to_string();
    ensure!(problem.contains("vcam"), "{problem}");
    client.stop().ensure_unbroken(LONGEST_GAP)?;
    applet.quit().map(drop)
}

/// Where the kernel warns of the driver's own race: it takes a pair of buffers off its lists before it copies, and a client
/// that stops just then finds its buffer not given back. No producer can know when a client stops.
const OWN_RACE: [&str; 2] = ["__vb2_queue_cancel", "vb2_buffer_done"];

/// What was played before has not upset the driver.
pub fn kernel_is_well(_: &Stage) -> Result<()> {
    let log = run("dmesg", &[])?;
    let signs = [
        "BUG:",
        "Oops",
        "WARNING:",
        "general protection",
        "refcount_t",
        "blocked for more",
    ];
    let upset: Vec<_> = log
        .lines()
        .filter(|line| signs.iter().any(|sign| line.contains(sign)))
        .filter(|line| !OWN_RACE.iter().any(|place| line.contains(place)))
        .collect();
    ensure!(upset.is_empty(), "{upset:?}");
    Ok(())
}
