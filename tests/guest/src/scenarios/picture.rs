//! A client's frames without faults.

use std::{collections::HashSet, fs, path::PathBuf, thread, time::Duration};

use anyhow::{Context, Result, ensure};

use super::{LATER, LONGEST_GAP, SOON};
use crate::{
    applet::AppletBuilder,
    client::{Client, ClientOptions},
    test_bed::{TestBed, run},
};

/// The placeholder at once, then the camera, and the placeholder again for the next client.
pub fn placeholder_camera_placeholder(bed: &TestBed) -> Result<()> {
    let applet = AppletBuilder::default().start(bed)?;
    let client = bed.client()?;
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
    bed.camera().wait_until_closed(SOON)?;
    let next = bed.client()?;
    let first = next.wait_for("frame", SOON, |_| true)?;
    ensure!(
        !first.is_camera(),
        "the next client's first frame is the last one's camera"
    );
    Ok(())
}

/// No conversion and no lost frame.
pub fn nv12_goes_through(bed: &TestBed) -> Result<()> {
    let applet = AppletBuilder::default()
        .option("--format", "NV12")
        .start(bed)?;
    let client = bed.client()?;
    ensure!(
        client.format.fourcc() == "NV12",
        "the format is {}",
        client.format.fourcc()
    );
    client.wait_for_camera_frames(30, LATER)?;
    applet.wait_for_state("live", SOON)?;
    client.stop().ensure_unbroken(LONGEST_GAP)
}

/// No frame is torn, even for a reader that keeps it. (A reader slower than the camera falls behind until the driver gives it
/// buffers that are about to be overwritten, which no writer can prevent.)
pub fn no_torn_frames(bed: &TestBed) -> Result<()> {
    for (buffers, hold) in [
        (2, Duration::from_millis(15)),
        (8, Duration::from_millis(25)),
    ] {
        bed.unload()?;
        bed.load(buffers)?;
        let applet = AppletBuilder::default().start(bed)?;
        let client = Client::with_options(
            &bed.device(),
            ClientOptions {
                buffers,
                hold,
                ..ClientOptions::default()
            },
        )?;
        let frames = bed.length(150, 10_000);
        client.wait_for_camera_frames(frames, LATER + hold * u32::try_from(frames)? * 2)?;
        // The slow reader causes gaps itself.
        client
            .stop()
            .ensure_unbroken(LONGEST_GAP * 3)
            .with_context(|| format!("{buffers} buffers"))?;
        applet.quit()?;
    }
    Ok(())
}

/// A real V4L2 camera as the source.
pub fn vivid_is_a_camera(bed: &TestBed) -> Result<()> {
    run(
        "modprobe",
        &["vivid", "n_devs=1", "node_types=0x1", "vid_cap_nr=20"],
    )?;
    run("udevadm", &["settle", "--timeout=10"])?;
    let node = vivid().context("vivid made no node")?;
    let applet = AppletBuilder::default()
        .option("--source", format!("v4l2:{}", node.display()))
        .start(bed)?;
    let client = bed.client()?;
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
