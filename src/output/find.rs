//! Finding a virtual camera. A v4l2loopback device is known by its driver, never by its number or
//! label alone.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use rustix::io::Errno;
use serde::Serialize;

use super::{Device, Output, Pipewire, V4l2loopback, Vcam, pipewire, vcam};
use crate::i18n::{gettext, gettext_f};
use crate::relay::{Fault, FaultKind};
use crate::settings::{Geometry, OutputKind, OutputSpec, Settings};
use crate::v4l2::{VIDEO_CAPTURE, VIDEO_OUTPUT};

/// What `QUERYCAP` says of v4l2loopback.
const DRIVER: &str = "v4l2 loopback";

/// What brings a device about, whatever modprobe's configuration says.
pub const LOAD: &str =
    "sudo modprobe v4l2loopback exclusive_caps=1 max_buffers=8 card_label=\"Intel MIPI Camera\"";

/// What adds a device to a driver that has none.
pub const ADD: &str = "sudo v4l2loopback-ctl add -x 1 -b 8 -n \"Intel MIPI Camera\"";

/// A virtual camera, and why it can't be used if it can't.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FoundOutput {
    /// The output's kind, as `--output` takes it.
    pub kind: String,
    /// The device node; empty where there is none.
    pub device: String,
    /// The name that applications list.
    pub name: String,
    /// Why it can't be used; `None` if it can.
    pub problem: Option<Fault>,
}

/// Opens a virtual camera, showing black; `kept` is one of vcam that was made before. `auto` is
/// v4l2loopback where that can be used, because every application finds it there, else vcam, and
/// else PipeWire; with a device, it is that device.
pub fn open(
    spec: &OutputSpec,
    settings: &Settings,
    kept: &mut Option<Vcam>,
) -> Result<Output, Fault> {
    let device = spec.device.as_deref();
    match spec.kind {
        OutputKind::Auto if device.is_none() => open_best(settings, kept),
        OutputKind::Auto | OutputKind::V4l2loopback => open_loopback(device, settings),
        OutputKind::Vcam => open_vcam(settings, kept),
        OutputKind::Pipewire => open_pipewire(settings),
    }
    .map_err(|text| Fault::new(FaultKind::NoOutput, text))
}

/// A virtual camera, and why it was passed over.
type Skipped = (OutputKind, String);

fn open_best(settings: &Settings, kept: &mut Option<Vcam>) -> Result<Output, String> {
    let mut skipped: Vec<Skipped> = Vec::new();
    for kind in [
        OutputKind::V4l2loopback,
        OutputKind::Vcam,
        OutputKind::Pipewire,
    ] {
        let opened = match kind {
            OutputKind::Vcam => open_vcam(settings, kept),
            OutputKind::Pipewire => open_pipewire(settings),
            _ => open_loopback(None, settings),
        };
        match opened {
            Ok(output) => {
                for (kind, reason) in skipped {
                    tracing::info!("skipped {}: {reason}", kind.name());
                }
                return Ok(output);
            }
            // Applications have it open or listed, and would lose it to the next kind.
            Err(reason) if kind == OutputKind::Vcam && kept.is_some() => return Err(reason),
            Err(reason) => skipped.push((kind, reason)),
        }
    }
    Err(why_none(skipped, vcam::is_there()))
}

/// Whether `auto` could have something better than PipeWire. What can't be told by looking is tried.
pub fn has_better(settings: &Settings) -> bool {
    open_any(settings).is_ok() || vcam::find().problem.is_none()
}

/// Why nothing could be opened. A driver that few kernels have is nobody's lack.
fn why_none(skipped: Vec<Skipped>, has_vcam: bool) -> String {
    let reasons = skipped.into_iter().filter_map(|(kind, reason)| {
        let counts = kind != OutputKind::Vcam || has_vcam;
        if !counts {
            tracing::debug!("skipped {}: {reason}", kind.name());
        }
        counts.then_some(reason)
    });
    let joined = reasons.reduce(|reason, other| {
        let reasons = [("reason", reason.as_str()), ("other", other.as_str())];
        // Translators: two ways to get a virtual camera, and why neither works.
        gettext_f("{reason}; or: {other}", &reasons)
    });
    joined.unwrap_or_default()
}

fn open_vcam(settings: &Settings, kept: &mut Option<Vcam>) -> Result<Output, String> {
    vcam::open(settings, kept).map(Output::Vcam)
}

fn open_pipewire(settings: &Settings) -> Result<Output, String> {
    pipewire::check()
        .and_then(|()| Pipewire::connect(settings))
        .map(Output::Pipewire)
        .map_err(|error| error.to_string())
}

fn open_loopback(device: Option<&Path>, settings: &Settings) -> Result<Output, String> {
    match device {
        Some(path) => open_at(path, settings),
        None => open_any(settings),
    }
    .map(Output::V4l2loopback)
}

/// Every virtual camera there is or could be, without claiming any.
pub fn find_all() -> Vec<FoundOutput> {
    let mut found: Vec<_> = nodes().iter().map(|path| found_at(path)).collect();
    if found.is_empty() {
        found.push(FoundOutput::new(
            OutputKind::V4l2loopback,
            Some(no_device()),
        ));
    }
    found.push(vcam::find());
    let problem = pipewire::check().err();
    let pipewire = FoundOutput::new(OutputKind::Pipewire, problem.map(|error| error.to_string()));
    found.push(FoundOutput {
        name: pipewire::DESCRIPTION.to_owned(),
        ..pipewire
    });
    found
}

fn found_at(path: &Path) -> FoundOutput {
    let identity = Device::open(path).and_then(|device| device.identity());
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
        ..FoundOutput::new(OutputKind::V4l2loopback, problem)
    }
}

impl FoundOutput {
    fn new(kind: OutputKind, problem: Option<String>) -> Self {
        Self {
            kind: kind.name().to_owned(),
            device: String::new(),
            name: String::new(),
            problem: problem.map(|text| Fault::new(FaultKind::NoOutput, text)),
        }
    }
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
        reasons.push(no_device());
    }
    Err(reasons.join("; "))
}

fn no_device() -> String {
    if Path::new("/sys/module/v4l2loopback").exists() {
        gettext_f(
            "v4l2loopback is loaded without a device; add one with: {command}",
            &[("command", ADD)],
        )
    } else {
        gettext_f(
            "the v4l2loopback kernel module is not loaded; load it with: {command}",
            &[("command", LOAD)],
        )
    }
}

fn open_at(path: &Path, settings: &Settings) -> Result<V4l2loopback, String> {
    let device = Device::open(path).map_err(|error| cannot_open(path, &error))?;
    let identity = device
        .identity()
        .map_err(|_| not_ours(path, &gettext("not a camera at all")))?;
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
            Some(Errno::INVAL) => gettext_f(
                "{device} refuses {width}x{height} at {framerate} frames a second in {format}; \
                 choose another resolution",
                &[
                    ("device", &path.display().to_string()),
                    ("width", &geometry.width.to_string()),
                    ("height", &geometry.height.to_string()),
                    ("framerate", &framerate.to_string()),
                    ("format", geometry.format.name()),
                ],
            ),
            _ => format!("{}: {error}", path.display()),
        },
    )
}

fn cannot_open(path: &Path, error: &io::Error) -> String {
    let path = path.display().to_string();
    match error.kind() {
        ErrorKind::NotFound => gettext_f(
            "{device} does not exist; load v4l2loopback with: {command}",
            &[("device", &path), ("command", LOAD)],
        ),
        ErrorKind::PermissionDenied => gettext_f(
            "no permission to open {device}: run `sudo usermod -aG video $USER`, then log in again",
            &[("device", &path)],
        ),
        _ => gettext_f(
            "cannot open {device}: {error}",
            &[("device", &path), ("error", &error.to_string())],
        ),
    }
}

fn not_ours(path: &Path, driver: &str) -> String {
    gettext_f(
        "{device} is no v4l2loopback device (it is {driver}); name one, or leave it to: --device auto",
        &[("device", &path.display().to_string()), ("driver", driver)],
    )
}

fn taken_by_another(path: &Path) -> String {
    gettext_f(
        "{device} is used by another program; end it (`fuser -v {device}` names it), or name another device",
        &[("device", &path.display().to_string())],
    )
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

/// What a device says it can do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// Somebody can read pictures from it.
    pub capture: bool,
    /// Somebody can write pictures to it.
    pub output: bool,
}

/// Asks a device what it can do, and closes it again.
pub fn capabilities(path: &Path) -> io::Result<Capabilities> {
    let identity = Device::open(path)?.identity()?;
    Ok(Capabilities {
        capture: identity.caps & VIDEO_CAPTURE != 0,
        output: identity.caps & VIDEO_OUTPUT != 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_driver_that_few_kernels_have_is_nobodys_lack() {
        let skipped = || {
            vec![
                (OutputKind::V4l2loopback, "not loaded".to_owned()),
                (OutputKind::Vcam, "closed".to_owned()),
                (OutputKind::Pipewire, "not running".to_owned()),
            ]
        };
        let there = "not loaded; or: closed; or: not running";
        assert_eq!(why_none(skipped(), true), there);
        assert_eq!(why_none(skipped(), false), "not loaded; or: not running");
    }

    #[test]
    fn every_kind_is_listed_in_the_order_of_auto() {
        let mut kinds: Vec<_> = find_all().into_iter().map(|found| found.kind).collect();
        kinds.dedup();
        assert_eq!(kinds, ["v4l2loopback", "vcam", "pipewire"]);
    }
}
