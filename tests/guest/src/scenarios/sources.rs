//! Finding, losing and regaining the kernel's virtual test cameras.

use std::{collections::HashSet, fs, process::Command, thread, time::Duration};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::{LATER, LONGEST_GAP};
use crate::{
    applet::{Applet, AppletBuilder},
    client::Client,
    test_bed::{TestBed, run, wait_until},
};

/// An ordinary camera with a stable name.
const VIVID: [&str; 4] = ["vivid", "n_devs=1", "node_types=0x1", "vid_cap_nr=20"];

fn load(module: &[&str]) -> Result<()> {
    run("modprobe", module)?;
    run("udevadm", &["settle", "--timeout=10"]).map(drop)
}

/// Unloads a module as soon as its devices are closed.
fn unload(module: &str) -> Result<()> {
    wait_until("the module is unused", LATER, || {
        Ok(run("rmmod", &[module]).is_ok())
    })
}

/// The cameras that `lenscap devices` lists, without the fake icamerasrc.
fn cameras(bed: &TestBed) -> Result<Vec<Value>> {
    let output = Command::new(bed.tools.lenscap())
        .args(["devices", "--json"])
        .env("HOME", &bed.home)
        .output()?;
    let lines = String::from_utf8(output.stdout)?;
    let all: Vec<Value> = lines
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()?;
    Ok(all
        .into_iter()
        .filter(|line| line["type"] == "source")
        .collect())
}

fn text(camera: &Value, key: &str) -> Result<String> {
    let text = camera[key].as_str();
    text.map(str::to_owned)
        .with_context(|| format!("no {key} in {camera}"))
}

/// Waits for more distinct pictures than there are placeholders.
fn expect_pictures(applet: &Applet, client: Client) -> Result<()> {
    applet.wait_for_state("live", LATER)?;
    thread::sleep(Duration::from_secs(3));
    let seen = client.stop();
    let pictures: HashSet<_> = seen.frames.iter().map(|seen| seen.digest).collect();
    ensure!(
        pictures.len() >= 10,
        "only {} different pictures",
        pictures.len()
    );
    Ok(())
}

/// A camera is found with its modes and a stable name.
pub fn vivid_is_found_with_its_modes(bed: &TestBed) -> Result<()> {
    load(&VIVID)?;
    let found = vivid(bed)?;
    let id = text(&found, "id")?;
    ensure!(id.starts_with("v4l2:/dev/v4l/by-path/"), "the id is {id}");
    let mut modes = found["modes"].as_array().context("no modes")?.iter();
    let mode = modes.find(|mode| mode["width"] == 640 && mode["format"] == "YUY2");
    let mode = mode.context("no 640 in YUY2")?;
    let rates = mode["framerates"].as_array().context("no rates")?;
    // The rate of vivid in every kernel; newer ones have 30 as well.
    ensure!(rates.contains(&15.into()), "no 15 in {mode}");
    unload("vivid")
}

fn vivid(bed: &TestBed) -> Result<Value> {
    let is_vivid = |camera: &Value| camera["name"].as_str() == Some("vivid");
    let found = cameras(bed)?.into_iter().find(is_vivid);
    found.context("vivid is not found")
}

/// The config file's camera is missing: another one replaces it until it appears, but not during a
/// call.
pub fn a_missing_camera_is_replaced(bed: &TestBed) -> Result<()> {
    load(&VIVID)?;
    let wanted = text(&vivid(bed)?, "id")?;
    unload("vivid")?;
    let folder = bed.folder.join("config/lenscap");
    fs::create_dir_all(&folder)?;
    let config = format!("[camera]\nsource = \"{wanted}\"\n");
    fs::write(folder.join("lenscap.toml"), config)?;
    let applet = AppletBuilder::default().without("--source").start(bed)?;
    wait_for_source(&applet, "icamerasrc")?;
    let instead_of = applet.status()?["source"]["instead_of"].clone();
    ensure!(instead_of == wanted.as_str(), "instead of {instead_of}");

    let client = bed.client()?;
    client.wait_for_camera(LATER)?;
    load(&VIVID)?;
    client.wait_for_camera_frames(60, LATER)?;
    let source = applet.status()?["source"].clone();
    ensure!(
        source["kind"] == "icamerasrc",
        "changed under a call: {source}"
    );
    client.stop().ensure_unbroken(LONGEST_GAP)?;
    wait_for_source(&applet, "v4l2")?;
    let source = applet.status()?["source"].clone();
    ensure!(source["instead_of"].is_null(), "still: {source}");

    expect_pictures(&applet, bed.client()?)?;
    applet.wait_for_state("idle", LATER)?;
    unload("vivid")?;
    wait_for_source(&applet, "icamerasrc")
}

/// libcamera's virtual camera.
pub fn libcamera_shows_a_picture(bed: &TestBed) -> Result<()> {
    let _virtual_camera = VirtualCamera::plug_in()?;
    let is_libcamera = |camera: &Value| camera["kind"] == "libcamera";
    let found = cameras(bed)?.into_iter().find(is_libcamera);
    let found = found.context("libcamera's camera is not found")?;
    let id = text(&found, "id")?;
    ensure!(id == "libcamera:Virtual0", "the id is {id}");
    let applet = AppletBuilder::default().option("--source", id).start(bed)?;
    expect_pictures(&applet, bed.client()?)?;
    applet.wait_for_state("idle", LATER)
}

/// libcamera's virtual camera with a moving pattern, removed on drop.
struct VirtualCamera;

impl VirtualCamera {
    const FOLDER: &str = "/usr/share/libcamera/pipeline/virtual";
    const CONFIG: &str = "Virtual0:
  supported_formats:
  - width: 640
    height: 480
    frame_rates: [30, 60]
  test_pattern: lines
  location: CameraLocationFront
  model: Virtual camera
";

    fn plug_in() -> Result<Self> {
        fs::create_dir_all(Self::FOLDER)?;
        fs::write(format!("{}/virtual.yaml", Self::FOLDER), Self::CONFIG)?;
        Ok(Self)
    }
}

impl Drop for VirtualCamera {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(Self::FOLDER);
    }
}

fn wait_for_source(applet: &Applet, kind: &str) -> Result<()> {
    // Longer than the probe's own timeout.
    wait_until(kind, Duration::from_secs(30), || {
        Ok(applet.status()?["source"]["kind"] == kind)
    })
    .with_context(|| format!("{:?}", applet.status()))
}
