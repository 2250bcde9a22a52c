//! Finding the v4l2loopback device: by its driver, never by its number or label alone.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use rustix::io::Errno;
use serde::Serialize;

use super::{Device, V4l2loopback};
use crate::relay::{Fault, FaultKind};
use crate::settings::{Geometry, OutputKind, Settings};
use crate::v4l2::{VIDEO_CAPTURE, VIDEO_OUTPUT};

/// What `QUERYCAP` says of v4l2loopback.
const DRIVER: &str = "v4l2 loopback";

/// What to do where there is no device.
const LOAD: &str = "load it with: sudo modprobe v4l2loopback exclusive_caps=1 max_buffers=8 card_label=\"Intel MIPI Camera\"";

/// A virtual camera, and why it can't be used if it can't.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FoundOutput {
    /// The output's kind, as `--output` takes it.
    pub kind: String,
    /// The device node.
    pub device: String,
    /// The name that applications list.
    pub name: String,
    /// Why it can't be used; `None` if it can.
    pub problem: Option<Fault>,
}

/// Opens the virtual camera that the settings ask for, showing black.
pub fn open(settings: &Settings) -> Result<V4l2loopback, Fault> {
    match &settings.output.spec.device {
        Some(path) => open_at(path, settings),
        None => open_any(settings),
    }
    .map_err(|text| Fault::new(FaultKind::NoOutput, text))
}

/// Every v4l2loopback device there is, without claiming any.
pub fn find_all() -> Vec<FoundOutput> {
    nodes()
        .into_iter()
        .map(|path| {
            let identity = Device::open(&path).and_then(|device| device.identity());
            let (name, problem) = match identity {
                Err(error) => (String::new(), Some(cannot_open(&path, &error))),
                Ok(identity) => {
                    let taken = identity.caps & VIDEO_OUTPUT == 0;
                    (identity.card, taken.then(|| taken_by_another(&path)))
                }
            };
            FoundOutput {
                kind: OutputKind::V4l2loopback.name().to_owned(),
                device: path.display().to_string(),
                name,
                problem: problem.map(|text| Fault::new(FaultKind::NoOutput, text)),
            }
        })
        .collect()
}

fn open_any(settings: &Settings) -> Result<V4l2loopback, String> {
    let mut reasons = Vec::new();
    for path in nodes() {
        match open_at(&path, settings) {
            Ok(output) => return Ok(output),
            Err(reason) => reasons.push(reason),
        }
    }
    if reasons.is_empty() {
        reasons.push(if Path::new("/sys/module/v4l2loopback").exists() {
            "v4l2loopback is loaded without a device; add one with: sudo v4l2loopback-ctl add -x 1"
                .to_owned()
        } else {
            format!("the v4l2loopback kernel module is not loaded; {LOAD}")
        });
    }
    Err(reasons.join("; "))
}

fn open_at(path: &Path, settings: &Settings) -> Result<V4l2loopback, String> {
    let device = Device::open(path).map_err(|error| cannot_open(path, &error))?;
    let identity = device
        .identity()
        .map_err(|_| not_ours(path, "not a camera at all"))?;
    if identity.driver != DRIVER {
        return Err(not_ours(path, &identity.driver));
    }
    if identity.caps & (VIDEO_OUTPUT | VIDEO_CAPTURE) == VIDEO_CAPTURE {
        return Err(taken_by_another(path));
    }
    claim(device, path, settings.geometry(), settings.camera.framerate)
}

fn claim(
    device: Device,
    path: &Path,
    geometry: Geometry,
    framerate: u32,
) -> Result<V4l2loopback, String> {
    V4l2loopback::new(device, path, geometry, framerate).map_err(
        |error| match Errno::from_io_error(&error) {
            Some(Errno::BUSY) => taken_by_another(path),
            Some(Errno::INVAL) => format!(
                "{} refuses {}x{} at {framerate} frames a second in {}; choose another resolution",
                path.display(),
                geometry.width,
                geometry.height,
                geometry.format.name(),
            ),
            _ => format!("{}: {error}", path.display()),
        },
    )
}

fn cannot_open(path: &Path, error: &io::Error) -> String {
    let path = path.display();
    match error.kind() {
        ErrorKind::NotFound => format!("{path} does not exist; {LOAD}"),
        ErrorKind::PermissionDenied => format!(
            "no permission to open {path}; run: sudo usermod -aG video $USER, then log out and in"
        ),
        _ => format!("cannot open {path}: {error}"),
    }
}

fn not_ours(path: &Path, driver: &str) -> String {
    let path = path.display();
    format!(
        "{path} is no v4l2loopback device (it is {driver}); name one, or leave it to: --device auto"
    )
}

fn taken_by_another(path: &Path) -> String {
    let path = path.display();
    format!(
        "{path} is used by another program; end it (fuser -v {path} names it), or name another device"
    )
}

/// The nodes of all v4l2loopback devices, lowest number first, without opening any device: sysfs
/// shows `max_openers`, which no other driver has.
pub fn nodes() -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir("/sys/class/video4linux") else {
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
