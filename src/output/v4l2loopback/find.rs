//! Finding a device of v4l2loopback. It is known by its driver, never by its number or label alone.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use lenscap_actions::module::{ADD, LOAD};
use rustix::io::Errno;

use super::V4l2loopback;
use crate::output::v4l2::Device;
use crate::output::{FoundOutput, Notify};
use crate::relay::{Fault, FaultKind};
use crate::settings::{Geometry, Message, OutputKind, Settings, n_};
use crate::v4l2::{VIDEO_CAPTURE, VIDEO_OUTPUT};

/// The driver's name in `QUERYCAP`.
const DRIVER: &str = "v4l2 loopback";

/// Opens a device, or the first one that can be used.
pub fn open(
    device: Option<&Path>,
    settings: &Settings,
    notify: &Notify,
) -> Result<V4l2loopback, Fault> {
    match device {
        Some(path) => open_at(path, settings, notify),
        None => open_any(settings, notify),
    }
    .map_err(fault)
}

fn fault(reason: Message) -> Fault {
    Fault::new(FaultKind::NoOutput, reason)
}

fn open_any(settings: &Settings, notify: &Notify) -> Result<V4l2loopback, Message> {
    let mut reasons = Vec::new();
    for path in nodes() {
        match open_at(&path, settings, notify) {
            Ok(output) => return Ok(output),
            Err(reason) => reasons.push(reason),
        }
    }
    Err(Message::joined(reasons).unwrap_or_else(no_device))
}

fn open_at(path: &Path, settings: &Settings, notify: &Notify) -> Result<V4l2loopback, Message> {
    check(path, settings)?;
    let device = Device::open(path).map_err(|error| cannot_open(path, &error))?;
    let (geometry, framerate) = (settings.geometry(), settings.camera.framerate);
    V4l2loopback::open(device, path, geometry, framerate, notify)
        .map_err(|error| refused(path, &error, geometry, framerate))
}

/// Whether a device could be opened by these settings; the reason if not. It is opened for reading
/// alone: closing it is no sign for those who wait for another program to stop writing.
pub fn check(path: &Path, settings: &Settings) -> Result<(), Message> {
    let device = Device::open_read_only(path).map_err(|error| cannot_open(path, &error))?;
    let identity = device
        .identity()
        .map_err(|_| not_ours(path, n_("not a camera at all").into()))?;
    if identity.driver != DRIVER {
        return Err(not_ours(path, Message::verbatim(identity.driver)));
    }
    if identity.caps & (VIDEO_OUTPUT | VIDEO_CAPTURE) == VIDEO_CAPTURE {
        return Err(taken_by_another(path));
    }
    let (geometry, framerate) = (settings.geometry(), settings.camera.framerate);
    device
        .set_format(geometry)
        .map_err(|error| refused(path, &error, geometry, framerate))
}

fn refused(path: &Path, error: &io::Error, geometry: Geometry, framerate: u32) -> Message {
    match Errno::from_io_error(error) {
        Some(Errno::BUSY) => taken_by_another(path),
        Some(Errno::INVAL) => Message::new(n_(
            "{device} refuses {width}x{height} at {framerate} frames a second in {format}; \
             choose another resolution",
        ))
        .with("device", path.display())
        .with("width", geometry.width)
        .with("height", geometry.height)
        .with("framerate", framerate)
        .with("format", geometry.format.name()),
        _ => Message::verbatim("{device}: {error}")
            .with("device", path.display())
            .with("error", error),
    }
}

/// Every device, or why there is none.
pub fn find() -> Vec<FoundOutput> {
    let found: Vec<_> = nodes().iter().map(|path| found_at(path)).collect();
    if found.is_empty() {
        let problem = Some(fault(no_device()));
        return vec![FoundOutput::new(OutputKind::V4l2loopback, problem)];
    }
    found
}

fn found_at(path: &Path) -> FoundOutput {
    let identity = Device::open_read_only(path).and_then(|device| device.identity());
    let (name, problem) = match identity {
        Err(error) => (String::new(), Some(cannot_open(path, &error))),
        Ok(identity) => {
            let taken = identity.caps & VIDEO_OUTPUT == 0;
            (identity.card, taken.then(|| taken_by_another(path)))
        }
    };
    FoundOutput {
        device: path.display().to_string(),
        name,
        ..FoundOutput::new(OutputKind::V4l2loopback, problem.map(fault))
    }
}

fn no_device() -> Message {
    if Path::new("/sys/module/v4l2loopback").exists() {
        Message::new(n_(
            "v4l2loopback is loaded without a device; add one with: {command}",
        ))
        .with("command", ADD)
    } else {
        Message::new(n_(
            "the v4l2loopback kernel module is not loaded; load it with: {command}",
        ))
        .with("command", LOAD)
    }
}

fn cannot_open(path: &Path, error: &io::Error) -> Message {
    let path = path.display();
    match error.kind() {
        ErrorKind::NotFound => Message::new(n_(
            "{device} does not exist; load v4l2loopback with: {command}",
        ))
        .with("device", path)
        .with("command", LOAD),
        ErrorKind::PermissionDenied => Message::new(n_(
            "no permission to open {device}: run `sudo usermod -aG video $USER`, then log in again",
        ))
        .with("device", path),
        _ => Message::new(n_("cannot open {device}: {error}"))
            .with("device", path)
            .with("error", error),
    }
}

fn not_ours(path: &Path, driver: Message) -> Message {
    Message::new(n_("{device} is no v4l2loopback device (it is {driver}); name one, or leave it to: --device auto")).with("device", path.display()).with_message("driver", driver)
}

fn taken_by_another(path: &Path) -> Message {
    Message::new(n_("{device} is used by another program; end it (`fuser -v {device}` names it), or name another device")).with("device", path.display())
}

/// The nodes of all v4l2loopback devices, lowest number first, without opening any device: sysfs
/// shows `max_openers`, which no other driver has.
pub fn nodes() -> Vec<PathBuf> {
    nodes_below(Path::new("/"))
}

/// [`nodes`] of the machine whose files are below this root.
pub fn nodes_below(root: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(root.join("sys/class/video4linux")) else {
        return Vec::new();
    };
    let mut numbers: Vec<u32> = entries
        .flatten()
        .filter(|entry| entry.path().join("max_openers").exists())
        .filter_map(|entry| {
            entry
                .file_name()
                .to_str()?
                .strip_prefix("video")?
                .parse()
                .ok()
        })
        .collect();
    numbers.sort_unstable();
    numbers
        .iter()
        .map(|number| format!("/dev/video{number}").into())
        .collect()
}

/// What a device reports that it can do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// Programs can read pictures from it.
    pub capture: bool,
    /// A program can write pictures to it.
    pub output: bool,
}

/// Asks a device what it can do, and closes it again.
pub fn capabilities(path: &Path) -> io::Result<Capabilities> {
    let identity = Device::open_read_only(path)?.identity()?;
    Ok(Capabilities {
        capture: identity.caps & VIDEO_CAPTURE != 0,
        output: identity.caps & VIDEO_OUTPUT != 0,
    })
}
