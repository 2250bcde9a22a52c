//! PipeWire and the driver: two virtual cameras with the same picture.

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
    applet::{Applet, AppletBuilder, ChildGuard},
    test_bed::{TestBed, wait_until},
    v4l2::Device,
};

const WIDTH: usize = 640;
const HEIGHT: usize = 480;

/// Enough frames to prove that it is the camera.
const ENOUGH: usize = 30;

/// A client of each at the same time: either keeps the camera on, both see the same picture, and it is opened once.
pub fn the_driver_and_pipewire_share_a_camera(bed: &TestBed) -> Result<()> {
    let _session = Session::start(bed)?;
    let applet = AppletBuilder::default()
        .option("--format", "YUY2")
        .also("--output", "pipewire")
        .start(bed)?;
    let status = applet.status()?;
    let outputs = status["outputs"].as_array().map_or(0, Vec::len);
    ensure!(outputs == 2, "{outputs} outputs: {status}");

    let viewer = Viewer::start(bed)?;
    viewer.wait_for_camera()?;
    ensure!(
        viewer.placeholders.load(Ordering::Relaxed) > 0,
        "no placeholder came before the camera"
    );
    let client = bed.client()?;
    client.wait_for_camera_frames(ENOUGH, LATER)?;
    let clients = applet.status()?["clients"].as_array().map_or(0, Vec::len);
    ensure!(clients == 2, "{clients} clients: {}", applet.status()?);
    let counters = client
        .frame_log()
        .camera_frames()
        .filter_map(|seen| seen.stamp)
        .map(|stamp| stamp.counter)
        .collect();
    let both = viewer.seen().intersection(&counters).count();
    ensure!(both >= ENOUGH / 2, "only {both} frames were seen by both");

    drop(viewer);
    let seen = client.frame_log().distinct_camera_frames();
    client.wait_for_camera_frames(seen + ENOUGH, LATER)?;
    drop(client);
    applet.wait_for_state("idle", SOON)?;
    let openings = bed.camera().openings();
    ensure!(openings == 1, "the camera was opened {openings} times");
    bed.camera().wait_until_closed(LATER)
}

/// A device with a client can't change its size. It is kept, although `auto` could use PipeWire, and gets the new size when
/// the client closes it.
pub fn a_pinned_device_is_kept(bed: &TestBed) -> Result<()> {
    let _session = Session::start(bed)?;
    bed.set_size(640, 480)?;
    let applet = AppletBuilder::default()
        .sized_by_config()
        .option("--output", "auto")
        .start(bed)?;
    let width = || anyhow::Ok(applet.status()?["outputs"][0]["width"].clone());
    ensure!(kind(&applet)? == "v4l2loopback", "{}", applet.status()?);

    let device = Device::open(&bed.device())?;
    let maps = device.map(2)?;
    bed.set_size(1280, 720)?;
    wait_until("the log says that the settings wait", SOON, || {
        let log = bed.applet_log()?;
        Ok(log.contains("settings wait until"))
    })?;
    ensure!(kind(&applet)? == "v4l2loopback", "{}", applet.status()?);
    ensure!(width()? == 640, "{}", applet.status()?);

    drop((maps, device));
    wait_until("the output has the new size", SOON, || Ok(width()? == 1280))?;
    ensure!(kind(&applet)? == "v4l2loopback", "{}", applet.status()?);
    let log = bed.applet_log()?;
    ensure!(!log.contains("-> failed"), "failed meanwhile");
    bed.client()?.wait_for_camera(LATER).map(drop)
}

/// A device that appears later replaces PipeWire, but not while a client streams.
pub fn a_device_that_appears_later_is_used(bed: &TestBed) -> Result<()> {
    let _session = Session::start(bed)?;
    bed.unload()?;
    let applet = stand_in(bed)?;
    let viewer = Viewer::start(bed)?;
    viewer.wait_for_camera()?;
    bed.load(8)?;
    let seen = viewer.seen().len();
    wait_until("PipeWire's client goes on", LATER, || {
        Ok(viewer.seen().len() >= seen + ENOUGH)
    })?;
    ensure!(kind(&applet)? == "pipewire", "{}", applet.status()?);
    drop(viewer);
    device_replaces_pipewire(bed, &applet)
}

/// The same for a device that another program had open.
pub fn a_device_that_is_freed_is_used(bed: &TestBed) -> Result<()> {
    let _session = Session::start(bed)?;
    let rival = rival(bed)?;
    let applet = stand_in(bed)?;
    drop(Device::open(&bed.device())?);
    ensure!(kind(&applet)? == "pipewire", "{}", applet.status()?);
    drop(rival);
    device_replaces_pipewire(bed, &applet)
}

/// An applet that uses PipeWire for lack of a device.
fn stand_in(bed: &TestBed) -> Result<Applet> {
    let applet = AppletBuilder::default()
        .option("--format", "YUY2")
        .option("--output", "auto")
        .start(bed)?;
    ensure!(kind(&applet)? == "pipewire", "{}", applet.status()?);
    Ok(applet)
}

/// The device replaces PipeWire.
fn device_replaces_pipewire(bed: &TestBed, applet: &Applet) -> Result<()> {
    wait_until("the device is used", LATER, || {
        Ok(kind(applet)? == "v4l2loopback")
    })?;
    bed.client()?.wait_for_camera(LATER).map(drop)
}

/// The kind of the applet's only output.
fn kind(applet: &Applet) -> Result<Value> {
    Ok(applet.status()?["outputs"][0]["kind"].clone())
}

/// PipeWire and its session manager.
struct Session {
    // Dropped in this order.
    _manager: ChildGuard,
    _pipewire: ChildGuard,
}

impl Session {
    fn start(bed: &TestBed) -> Result<Self> {
        let pipewire = Self::spawn(bed, "pipewire")?;
        let socket = bed.folder.join("runtime/pipewire-0");
        wait_until("PipeWire listens", LATER, || Ok(socket.exists()))?;
        Ok(Self {
            _manager: Self::spawn(bed, "wireplumber")?,
            _pipewire: pipewire,
        })
    }

    fn spawn(bed: &TestBed, program: &str) -> Result<ChildGuard> {
        let mut command = bed.tools.command(program);
        let child = command
            .env("HOME", &bed.home)
            .env("XDG_RUNTIME_DIR", bed.folder.join("runtime"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Ok(ChildGuard(child.with_context(|| program.to_owned())?))
    }
}

/// A `pipewiresrc` and the numbers of its camera frames.
struct Viewer {
    _process: ChildGuard,
    seen: Arc<Mutex<HashSet<u32>>>,
    placeholders: Arc<AtomicUsize>,
}

impl Viewer {
    fn start(bed: &TestBed) -> Result<Self> {
        let mut child = Self::spawn(bed)?;
        let stdout = child.stdout.take().context("stdout is piped")?;
        let (seen, placeholders) = (Arc::default(), Arc::default());
        thread::spawn({
            let (seen, placeholders) = (Arc::clone(&seen), Arc::clone(&placeholders));
            move || read(stdout, &seen, &placeholders)
        });
        Ok(Self {
            _process: ChildGuard(child),
            seen,
            placeholders,
        })
    }

    fn spawn(bed: &TestBed) -> Result<Child> {
        let mut command = bed.tools.command("gst-launch-1.0");
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
            .env("XDG_RUNTIME_DIR", bed.folder.join("runtime"))
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

fn read(mut stdout: ChildStdout, seen: &Mutex<HashSet<u32>>, placeholders: &AtomicUsize) {
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
