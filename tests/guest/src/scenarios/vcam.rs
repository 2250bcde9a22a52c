//! Scenarios for vcam only, in addition to those for every driver.

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
    applet::{Applet, AppletBuilder, ChildGuard},
    client::Client,
    test_bed::{Group, TestBed, run, wait_until},
    vcam,
};

/// Without `--stream-poll`, it would wait in DQBUF, which blocks the camera in kernels before 6.13: see
/// [`a_blocked_client_blocks_no_other`].
pub fn v4l2_ctl(bed: &TestBed) -> Result<()> {
    streams(bed, "--stream-mmap")
}

/// The driver copies into memory that the client allocated.
pub fn v4l2_ctl_with_its_own_memory(bed: &TestBed) -> Result<()> {
    streams(bed, "--stream-user")
}

/// Without the option, ffmpeg requests a format that the camera lacks and would accept another, but the driver returns
/// EBUSY while it is streaming.
pub fn ffmpeg_with_the_format(bed: &TestBed) -> Result<()> {
    let arguments =
        format!("-v error -f v4l2 -input_format yuyv422 -i DEVICE -frames:v {FRAMES} -f null -");
    applications::streams(bed, "ffmpeg", &arguments.split(' ').collect::<Vec<_>>())
}

fn streams(bed: &TestBed, memory: &str) -> Result<()> {
    let arguments = format!("-d DEVICE {memory} --stream-poll --stream-count={FRAMES} --silent");
    applications::streams(bed, "v4l2-ctl", &arguments.split(' ').collect::<Vec<_>>())
}

fn start_v4l2_ctl(bed: &TestBed, poll: bool) -> Result<ChildGuard> {
    let mut command = bed.tools.command("v4l2-ctl");
    command
        .arg("-d")
        .arg(bed.device())
        .args(["--stream-mmap", "--silent"])
        .args(poll.then_some("--stream-poll"));
    Ok(ChildGuard(command.stdout(Stdio::null()).spawn()?))
}

/// A killed client's buffers are returned in another way; the next client must not see their frames.
pub fn a_killed_client_is_detected(bed: &TestBed) -> Result<()> {
    let applet = AppletBuilder::default().start(bed)?;
    for round in 1..=2 {
        let client = start_v4l2_ctl(bed, true)?;
        applet.wait_for_state("live", LATER)?;
        drop(client); // by SIGKILL
        applet.wait_for_state("cooldown", SOON)?;
        applet.wait_for_state("idle", SOON)?;
        bed.camera().wait_until_closed(SOON)?;
        let next = bed.client()?;
        let first = next.wait_for("frame", SOON, |_| true)?;
        ensure!(!first.is_camera(), "the next client starts with the camera");
        next.wait_for_camera_frames(30, LATER)?;
        next.stop().ensure_unbroken(LONGEST_GAP)?;
        applet.wait_for_state("idle", LATER)?;
        let openings = bed.camera().openings();
        ensure!(
            openings == 2 * round,
            "the camera was opened {openings} times"
        );
    }
    Ok(())
}

/// A client that waits in the driver holds its lock, which blocks the feeder but not the applet. A pause closes the camera,
/// and everything works again after the client has gone.
pub fn a_blocked_client_blocks_no_other(bed: &TestBed) -> Result<()> {
    let applet = AppletBuilder::default().start(bed)?;
    let client = start_v4l2_ctl(bed, false)?;
    applet.wait_for_state("live", LATER)?;
    thread::sleep(Duration::from_secs(1));
    let asked = Instant::now();
    applet.pause()?;
    applet.wait_for_state("paused", SOON)?;
    let took = asked.elapsed();
    ensure!(took < Duration::from_secs(1), "a pause took {took:?}");
    bed.camera().wait_until_closed(Duration::from_secs(6))?;
    drop(client);
    applet.resume()?;
    applet.wait_for_state("idle", SOON)?;
    let next = bed.client()?;
    let first = next.wait_for("frame", SOON, |_| true)?;
    ensure!(!first.is_camera(), "the next client starts with the camera");
    next.wait_for_camera_frames(30, LATER)?;
    next.stop().ensure_unbroken(LONGEST_GAP)
}

/// The camera can't be recreated: the old size stays, although `auto` could use PipeWire, and the status reports that.
pub fn size_stays(bed: &TestBed) -> Result<()> {
    let refusals = |count: usize| {
        wait_until("the log says that the size stays", SOON, || {
            let log = bed.applet_log()?;
            let refusals = log.lines().filter(|line| line.contains("settings wait"));
            Ok(refusals
                .filter(|line| line.contains("keeps its size"))
                .count()
                == count)
        })
    };
    bed.set_size(640, 480)?;
    let applet = AppletBuilder::default()
        .sized_by_config()
        .option("--output", "auto")
        .start(bed)?;
    let node = bed.device();
    bed.set_size(1280, 720)?;
    refusals(1)?;
    for round in 2..=3 {
        let client = bed.client()?;
        let width = client.format.width;
        ensure!(width == 640, "a client gets {width} pixels");
        client.wait_for_camera(LATER)?;
        client.stop().ensure_unbroken(LONGEST_GAP)?;
        // Retried in vain after the client has gone.
        refusals(round)?;
        let outputs = &applet.status()?["outputs"];
        ensure!(
            outputs[0]["width"] == 640 && outputs[0]["watch"] == "vcam-wait",
            "{outputs}"
        );
        ensure!(bed.device() == node, "there is another node now");
    }
    Ok(())
}

/// A preview starts the camera, although the driver has no client.
pub fn a_preview_starts_the_camera(bed: &TestBed) -> Result<()> {
    let applet = AppletBuilder::default().start(bed)?;
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
    let client = bed.client()?;
    let first = client.first_frame(SOON)?;
    ensure!(!first.is_camera(), "a client starts with an old frame");
    client.wait_for_camera_frames(30, LATER)?;
    client.stop().ensure_unbroken(LONGEST_GAP)?;
    drop(preview);
    applet.wait_for_state("idle", SOON)?;
    bed.camera().wait_until_closed(SOON)?;
    let openings = bed.camera().openings();
    ensure!(openings == 1, "the camera was opened {openings} times");
    Ok(())
}

/// With v4l2loopback as well: each has its own client, and neither affects the other.
pub fn works_beside_v4l2loopback(bed: &TestBed) -> Result<()> {
    let both = Group {
        module: "0.15".to_owned(),
        ..bed.group.clone()
    };
    let bed = TestBed::set(bed.tools, &both)?;
    let folder = bed.folder.join("config/lenscap");
    fs::create_dir_all(&folder)?;
    let outputs = "[output]\nkind = [\"v4l2loopback\", \"vcam\"]\n[desktop]\ntray = false\n";
    fs::write(folder.join("lenscap.toml"), outputs)?;
    let applet = AppletBuilder::default().without("--output").start(&bed)?;
    vcam::keep_open(applet.pid())?;
    // vcam's nodes of earlier scenarios may have the number that it requests.
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
    let openings = bed.camera().openings();
    ensure!(openings == 1, "the camera was opened {openings} times");
    applet.quit()?;
    bed.unload()
}

/// Without the driver, or without udmabuf: one line with instructions, and `auto` uses another output.
pub fn a_missing_driver_is_reported(bed: &TestBed) -> Result<()> {
    for (device, helps) in [
        ("/dev/vcam", "modprobe vcam"),
        ("/dev/udmabuf", "CONFIG_UDMABUF"),
    ] {
        let away = format!("{device}-away");
        fs::rename(device, &away)?;
        let named = refusal(bed);
        let auto = says_why_it_is_skipped(bed, helps);
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

fn refusal(bed: &TestBed) -> Result<(Option<i32>, String)> {
    let mut command = bed.tools.command(bed.tools.lenscap());
    command
        .args(["run", "--no-tray", "--source", "test", "--output", "vcam"])
        .env("RUST_LOG", "off")
        .env("XDG_CONFIG_HOME", bed.folder.join("config"))
        .env("XDG_RUNTIME_DIR", bed.folder.join("runtime"));
    let done = command.output()?;
    Ok((done.status.code(), String::from_utf8(done.stderr)?))
}

fn says_why_it_is_skipped(bed: &TestBed, helps: &str) -> Result<()> {
    let launch = AppletBuilder::default().without("--output");
    let applet = launch.environment("LENSCAP_LOG", "debug");
    let applet: Applet = applet.start_unready(bed)?;
    wait_until("the log says why vcam is skipped", SOON, || {
        let log = bed.applet_log()?;
        // As a warning if there is no other output.
        Ok(log.contains(helps))
    })?;
    applet.quit().map(drop)
}

/// The driver is listed as an output, and its camera as an unusable source.
pub fn devices_lists_it(bed: &TestBed) -> Result<()> {
    let applet = AppletBuilder::default().start(bed)?;
    let client = bed.client()?;
    let mut command = bed.tools.command(bed.tools.lenscap());
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
    let own = format!("v4l2:{}", bed.device().display());
    let source = lines.iter().find(|line| line["spec"] == *own);
    let problem = source.context("our node is not listed")?["problem"].to_string();
    ensure!(problem.contains("vcam"), "{problem}");
    client.stop().ensure_unbroken(LONGEST_GAP)?;
    applet.quit().map(drop)
}

/// The kernel's warning about a race in the driver: it removes a pair of buffers from its lists before it copies, and a client
/// that stops at that moment doesn't get its buffer back. No producer can prevent that.
const OWN_RACE: [&str; 2] = ["__vb2_queue_cancel", "vb2_buffer_done"];

/// Earlier scenarios have caused no kernel errors.
pub fn kernel_has_no_errors(_: &TestBed) -> Result<()> {
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
