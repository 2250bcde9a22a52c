//! What a client sees while all is well.

use std::{collections::HashSet, fs, path::PathBuf, thread, time::Duration};

use anyhow::{Context, Result, ensure};

use super::{LATER, LONGEST_GAP, SOON};
use crate::{
    applet::Launch,
    client::{Client, Manners},
    stage::{Stage, run},
};

/// The placeholder at once, the camera, and the placeholder again for the next one.
pub fn placeholder_camera_placeholder(stage: &Stage) -> Result<()> {
    let applet = Launch::default().start(stage)?;
    let client = stage.client()?;
    let first = client.wait_for("frame", SOON, |_| true)?;
    ensure!(!first.is_camera(), "the first frame is the camera's");
    let waited = first.at - client.started;
    ensure!(waited <= LONGEST_GAP, "the placeholder took {waited:?}");

    client.wait_for_camera(SOON)?;
    applet.wait_for_state("live", SOON)?;
    client.wait_for_camera_frames(30, SOON)?;
    applet.pause()?;
    client.wait_for_placeholder(SOON)?;
    applet.resume()?;
    client.wait_for_camera(LATER)?;
    client.stop().ensure_unbroken(LONGEST_GAP)?;

    applet.wait_for_state("cooldown", SOON)?;
    applet.wait_for_state("idle", SOON)?;
    stage.camera().wait_until_closed(SOON)?;
    let next = stage.client()?;
    let first = next.wait_for("frame", SOON, |_| true)?;
    ensure!(
        !first.is_camera(),
        "the next client's first frame is the last one's camera"
    );
    Ok(())
}

/// No conversion on the way, and nothing lost.
pub fn nv12_goes_through(stage: &Stage) -> Result<()> {
    let applet = Launch::default().option("--format", "NV12").start(stage)?;
    let client = stage.client()?;
    ensure!(
        client.format.fourcc() == "NV12",
        "the format is {}",
        client.format.fourcc()
    );
    client.wait_for_camera_frames(30, LATER)?;
    applet.wait_for_state("live", SOON)?;
    client.stop().ensure_unbroken(LONGEST_GAP)
}

/// Every picture is of one moment, for a reader that holds on to it, too. (One that is slower than the camera falls behind
/// until the driver hands it buffers that are due to be filled; no writer can help that.)
pub fn no_torn_frames(stage: &Stage) -> Result<()> {
    for (buffers, hold) in [
        (2, Duration::from_millis(15)),
        (8, Duration::from_millis(25)),
    ] {
        stage.unload()?;
        stage.load(buffers)?;
        let applet = Launch::default().start(stage)?;
        let client = Client::with_manners(
            &stage.device(),
            Manners {
                buffers,
                hold,
                ..Manners::default()
            },
        )?;
        let frames = stage.length(150, 10_000);
        client.wait_for_camera_frames(frames, LATER + hold * u32::try_from(frames)? * 2)?;
        // The slow reader makes its own gaps.
        client
            .stop()
            .ensure_unbroken(LONGEST_GAP * 3)
            .with_context(|| format!("{buffers} buffers"))?;
        applet.quit()?;
    }
    Ok(())
}

/// A real V4L2 camera as the source.
pub fn vivid_is_a_camera(stage: &Stage) -> Result<()> {
    run(
        "modprobe",
        &["vivid", "n_devs=1", "node_types=0x1", "vid_cap_nr=20"],
    )?;
    run("udevadm", &["settle", "--timeout=10"])?;
    let node = vivid().context("vivid made no node")?;
    let applet = Launch::default()
        .option("--source", format!("v4l2:{}", node.display()))
        .start(stage)?;
    let client = stage.client()?;
    applet.wait_for_state("live", LATER)?;
    thread::sleep(Duration::from_secs(2));
    let seen = client.stop();
    seen.ensure_unbroken(LONGEST_GAP)?;
    let pictures: HashSet<_> = seen.frames.iter().map(|seen| seen.digest).collect();
    ensure!(
        pictures.len() >= 10,
        "only {} different pictures",
        pictures.len()
    );
    drop(applet);
    run("rmmod", &["vivid"]).map(drop)
}

fn vivid() -> Option<PathBuf> {
    fs::read_dir("/sys/class/video4linux")
        .ok()?
        .flatten()
        .find_map(|node| {
            let name = fs::read_to_string(node.path().join("name")).ok()?;
            name.starts_with("vivid")
                .then(|| PathBuf::from("/dev").join(node.file_name()))
        })
}
