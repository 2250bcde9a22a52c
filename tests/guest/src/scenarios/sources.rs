//! A camera of the kernel's own making, as it is found, lost and found again.

use std::{collections::HashSet, fs, process::Command, thread, time::Duration};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::{LATER, LONGEST_GAP};
use crate::{
    applet::{Applet, Launch},
    client::Client,
    stage::{Stage, run, wait_until},
};

/// An ordinary camera, which udev names.
const VIVID: [&str; 4] = ["vivid", "n_devs=1", "node_types=0x1", "vid_cap_nr=20"];

fn load(module: &[&str]) -> Result<()> {
    run("modprobe", module)?;
    run("udevadm", &["settle", "--timeout=10"]).map(drop)
}

/// Unloads a module as soon as nobody looks at its devices any more.
fn unload(module: &str) -> Result<()> {
    wait_until("the module is unused", LATER, || {
        Ok(run("rmmod", &[module]).is_ok())
    })
}

/// The cameras that `lenscap devices` lists, without the stand-in for Intel's.
fn cameras(stage: &Stage) -> Result<Vec<Value>> {
    let output = Command::new(stage.kit.lenscap())
        .args(["devices", "--json"])
        .env("HOME", &stage.home)
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

/// Pictures that differ, and are no placeholder: there are three of those at most.
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

/// A camera is found with its modes and a name that lasts.
pub fn vivid_is_found_with_its_modes(stage: &Stage) -> Result<()> {
    load(&VIVID)?;
    let found = vivid(stage)?;
    let id = text(&found, "id")?;
    ensure!(id.starts_with("v4l2:/dev/v4l/by-path/"), "the id is {id}");
    let mut modes = found["modes"].as_array().context("no modes")?.iter();
    let mode = modes.find(|mode| mode["width"] == 640 && mode["format"] == "YUY2");
    let mode = mode.context("no 640 in YUY2")?;
    let rates = mode["framerates"].as_array().context("no rates")?;
    // The rate that every kernel's vivid has; newer ones have 30 as well.
    ensure!(rates.contains(&15.into()), "no 15 in {mode}");
    unload("vivid")
}

fn vivid(stage: &Stage) -> Result<Value> {
    let is_vivid = |camera: &Value| camera["name"].as_str() == Some("vivid");
    let found = cameras(stage)?.into_iter().find(is_vivid);
    found.context("vivid is not found")
}

/// The camera that the config file asks for is not there: another one serves until it is, and is not
/// taken away under a call.
pub fn an_absent_camera_is_stood_in_for(stage: &Stage) -> Result<()> {
    load(&VIVID)?;
    let wanted = text(&vivid(stage)?, "id")?;
    unload("vivid")?;
    let folder = stage.folder.join("config/lenscap");
    fs::create_dir_all(&folder)?;
    let config = format!("[camera]\nsource = \"{wanted}\"\n");
    fs::write(folder.join("lenscap.toml"), config)?;
    let applet = Launch::default().without("--source").start(stage)?;
    wait_for_source(&applet, "icamerasrc")?;
    let instead_of = applet.status()?["source"]["instead_of"].clone();
    ensure!(instead_of == wanted.as_str(), "instead of {instead_of}");

    let client = stage.client()?;
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

    expect_pictures(&applet, stage.client()?)?;
    applet.wait_for_state("idle", LATER)?;
    unload("vivid")?;
    wait_for_source(&applet, "icamerasrc")
}

/// The camera that libcamera makes up where it is told to. Everything but its sensor is real.
pub fn libcamera_gives_a_picture(stage: &Stage) -> Result<()> {
    let _virtual_camera = VirtualCamera::plug_in()?;
    let is_libcamera = |camera: &Value| camera["kind"] == "libcamera";
    let found = cameras(stage)?.into_iter().find(is_libcamera);
    let found = found.context("libcamera's camera is not found")?;
    let id = text(&found, "id")?;
    ensure!(id == "libcamera:Virtual0", "the id is {id}");
    let applet = Launch::default().option("--source", id).start(stage)?;
    expect_pictures(&applet, stage.client()?)?;
    applet.wait_for_state("idle", LATER)
}

/// A moving pattern of libcamera's own, until it is dropped.
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
    // The probe's own time limit, and then some.
    wait_until(kind, Duration::from_secs(30), || {
        Ok(applet.status()?["source"]["kind"] == kind)
    })
    .with_context(|| format!("{:?}", applet.status()))
}
