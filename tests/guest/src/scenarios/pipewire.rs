//! PipeWire beside the driver: two virtual cameras, one picture.

use std::{
    collections::HashSet,
    io::Read,
    process::{Child, ChildStdout, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use anyhow::{Context, Result, ensure};
use gsticamerasrc::picture::{Layout, Picture};
use serde_json::Value;

use super::{LATER, SOON, device::rival};
use crate::{
    applet::{Applet, Helper, Launch},
    stage::{Stage, wait_until},
    v4l2::Device,
};

const WIDTH: usize = 640;
const HEIGHT: usize = 480;

/// Frames that prove that it is the camera.
const ENOUGH: usize = 30;

/// A client of each, at the same time: either keeps the camera on, both see the same, and it is opened once.
pub fn the_driver_and_pipewire_share_a_camera(stage: &Stage) -> Result<()> {
    let _session = Session::start(stage)?;
    let applet = Launch::default()
        .option("--format", "YUY2")
        .also("--output", "pipewire")
        .start(stage)?;
    let status = applet.status()?;
    let outputs = status["outputs"].as_array().map_or(0, Vec::len);
    ensure!(outputs == 2, "{outputs} outputs: {status}");

    let viewer = Viewer::start(stage)?;
    viewer.wait_for_camera()?;
    ensure!(
        viewer.placeholders.load(Ordering::Relaxed) > 0,
        "no placeholder came before the camera"
    );
    let client = stage.client()?;
    client.wait_for_camera_frames(ENOUGH, LATER)?;
    let clients = applet.status()?["clients"].as_array().map_or(0, Vec::len);
    ensure!(clients == 2, "{clients} clients: {}", applet.status()?);
    let counters = client
        .diary()
        .camera_frames()
        .filter_map(|seen| seen.stamp)
        .map(|stamp| stamp.counter)
        .collect();
    let both = viewer.seen().intersection(&counters).count();
    ensure!(both >= ENOUGH / 2, "only {both} frames were seen by both");

    drop(viewer);
    let seen = client.diary().distinct_camera_frames();
    client.wait_for_camera_frames(seen + ENOUGH, LATER)?;
    drop(client);
    applet.wait_for_state("idle", SOON)?;
    let openings = stage.camera().openings();
    ensure!(openings == 1, "the camera was opened {openings} times");
    stage.camera().wait_until_closed(LATER)
}

/// A device that somebody has open takes no other size. It is kept, though `auto` could have PipeWire's, and takes the size
/// when it is closed.
pub fn a_pinned_device_is_kept(stage: &Stage) -> Result<()> {
    let _session = Session::start(stage)?;
    stage.set_size(640, 480)?;
    let applet = Launch::default()
        .sized_by_config()
        .option("--output", "auto")
        .start(stage)?;
    let width = || anyhow::Ok(applet.status()?["outputs"][0]["width"].clone());
    ensure!(kind(&applet)? == "v4l2loopback", "{}", applet.status()?);

    let device = Device::open(&stage.device())?;
    let maps = device.map(2)?;
    stage.set_size(1280, 720)?;
    wait_until("the log says that the settings wait", SOON, || {
        let log = stage.applet_log()?;
        Ok(log.contains("settings wait until"))
    })?;
    ensure!(kind(&applet)? == "v4l2loopback", "{}", applet.status()?);
    ensure!(width()? == 640, "{}", applet.status()?);

    drop((maps, device));
    wait_until("the output has the new size", SOON, || Ok(width()? == 1280))?;
    ensure!(kind(&applet)? == "v4l2loopback", "{}", applet.status()?);
    let log = stage.applet_log()?;
    ensure!(!log.contains("-> failed"), "failed meanwhile");
    stage.client()?.wait_for_camera(LATER).map(drop)
}

/// Where PipeWire stands in for a device that wasn't there, the device takes its place; but not while somebody looks.
pub fn a_device_that_comes_later_is_used(stage: &Stage) -> Result<()> {
    let _session = Session::start(stage)?;
    stage.unload()?;
    let applet = stand_in(stage)?;
    let viewer = Viewer::start(stage)?;
    viewer.wait_for_camera()?;
    stage.load(8)?;
    let seen = viewer.seen().len();
    wait_until("PipeWire's client goes on", LATER, || {
        Ok(viewer.seen().len() >= seen + ENOUGH)
    })?;
    ensure!(kind(&applet)? == "pipewire", "{}", applet.status()?);
    drop(viewer);
    gives_way(stage, &applet)
}

/// The same for one that somebody else had.
pub fn a_device_that_is_freed_is_used(stage: &Stage) -> Result<()> {
    let _session = Session::start(stage)?;
    let rival = rival(stage)?;
    let applet = stand_in(stage)?;
    drop(Device::open(&stage.device())?);
    ensure!(kind(&applet)? == "pipewire", "{}", applet.status()?);
    drop(rival);
    gives_way(stage, &applet)
}

/// An applet that had to take PipeWire.
fn stand_in(stage: &Stage) -> Result<Applet> {
    let applet = Launch::default()
        .option("--format", "YUY2")
        .option("--output", "auto")
        .start(stage)?;
    ensure!(kind(&applet)? == "pipewire", "{}", applet.status()?);
    Ok(applet)
}

/// The device takes PipeWire's place.
fn gives_way(stage: &Stage, applet: &Applet) -> Result<()> {
    wait_until("the device is used", LATER, || {
        Ok(kind(applet)? == "v4l2loopback")
    })?;
    stage.client()?.wait_for_camera(LATER).map(drop)
}

/// What the applet's only output is.
fn kind(applet: &Applet) -> Result<Value> {
    Ok(applet.status()?["outputs"][0]["kind"].clone())
}

/// PipeWire and its session manager, with whatever cameras they find.
struct Session {
    // They end in this order.
    _manager: Helper,
    _pipewire: Helper,
}

impl Session {
    fn start(stage: &Stage) -> Result<Self> {
        let pipewire = Self::spawn(stage, "pipewire")?;
        let socket = stage.folder.join("runtime/pipewire-0");
        wait_until("PipeWire listens", LATER, || Ok(socket.exists()))?;
        Ok(Self {
            _manager: Self::spawn(stage, "wireplumber")?,
            _pipewire: pipewire,
        })
    }

    fn spawn(stage: &Stage, program: &str) -> Result<Helper> {
        let mut command = stage.kit.command(program);
        let child = command
            .env("HOME", &stage.home)
            .env("XDG_RUNTIME_DIR", stage.folder.join("runtime"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Ok(Helper(child.with_context(|| program.to_owned())?))
    }
}

/// A `pipewiresrc`, and the numbers of the camera frames that it got.
struct Viewer {
    _process: Helper,
    seen: Arc<Mutex<HashSet<u32>>>,
    placeholders: Arc<AtomicUsize>,
}

impl Viewer {
    fn start(stage: &Stage) -> Result<Self> {
        let mut child = Self::spawn(stage)?;
        let stdout = child.stdout.take().context("stdout is piped")?;
        let (seen, placeholders) = (Arc::default(), Arc::default());
        thread::spawn({
            let (seen, placeholders) = (Arc::clone(&seen), Arc::clone(&placeholders));
            move || look(stdout, &seen, &placeholders)
        });
        Ok(Self {
            _process: Helper(child),
            seen,
            placeholders,
        })
    }

    fn spawn(stage: &Stage) -> Result<Child> {
        let mut command = stage.kit.command("gst-launch-1.0");
        let look = [
            "-q",
            "pipewiresrc",
            "target-object=lenscap",
            "!",
            "video/x-raw",
        ];
        command
            .args(look)
            .args(["!", "fdsink", "fd=1", "sync=false"])
            .env("XDG_RUNTIME_DIR", stage.folder.join("runtime"))
            .stdout(Stdio::piped());
        command.spawn().context("gst-launch-1.0")
    }

    fn seen(&self) -> HashSet<u32> {
        self.seen.lock().unwrap().clone()
    }

    fn wait_for_camera(&self) -> Result<()> {
        wait_until("PipeWire's client sees the camera", 2 * LATER, || {
            Ok(self.seen().len() >= ENOUGH)
        })
    }
}

fn look(mut stdout: ChildStdout, seen: &Mutex<HashSet<u32>>, placeholders: &AtomicUsize) {
    let mut data = vec![0; WIDTH * HEIGHT * 2];
    while stdout.read_exact(&mut data).is_ok() {
        let picture = Picture {
            data: &data,
            layout: Layout::Yuy2,
            width: WIDTH,
            height: HEIGHT,
        };
        match picture.stamp() {
            Some(stamp) => drop(seen.lock().unwrap().insert(stamp.counter)),
            None => drop(placeholders.fetch_add(1, Ordering::Relaxed)),
        }
    }
}
