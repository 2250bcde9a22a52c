//! Whether there is a vcam driver that can be used, and what to do if not.

use std::io::{self, ErrorKind};
use std::path::Path;

use rustix::io::Errno;

use super::camera::Camera;
use super::memory;
use super::memory::UDMABUF;
use super::uapi::{self, Control, FORMATS, LONGEST_NAME};
use crate::i18n::{gettext, gettext_f};
use crate::output::FoundOutput;
use crate::relay::{Fault, FaultKind};
use crate::settings::{OutputKind, PixelFormat, Settings};

/// What loads the driver.
const LOAD: &str = "sudo modprobe vcam";

/// What applications list if our name has nothing that the driver takes.
const PLAIN_NAME: &str = "Lenscap";

/// The camera that the settings describe: the one that is unused, or a new one, showing black.
pub fn open(settings: &Settings, unused: &mut Option<Camera>) -> Result<Camera, String> {
    check()?;
    let geometry = settings.geometry();
    check_format(geometry.format)?;
    if unused.is_some() {
        let fits = |camera: &mut Camera| {
            camera.geometry() == geometry && camera.framerate() == settings.camera.framerate
        };
        return unused.take_if(fits).ok_or_else(|| {
            gettext("a vcam camera keeps its size, format and rate; restart Lenscap to change them")
        });
    }
    let wanted = gettext("Lenscap Camera");
    let name = valid_name(&wanted);
    if name != wanted {
        tracing::info!("vcam takes letters, digits and blanks alone: '{wanted}' becomes '{name}'");
    }
    Camera::new(&name, geometry, settings.camera.framerate).map_err(|error| {
        match Errno::from_io_error(&error) {
            Some(Errno::INVAL | Errno::TOOBIG) => gettext_f(
                "vcam refuses {width}x{height} in {format}; choose another resolution",
                &[
                    ("width", &geometry.width.to_string()),
                    ("height", &geometry.height.to_string()),
                    ("format", geometry.format.name()),
                ],
            ),
            _ => gettext_f(
                "vcam: {error}; choose another virtual camera: --output auto",
                &[("error", &error.to_string())],
            ),
        }
    })
}

/// Whether the driver is loaded.
pub fn is_there() -> bool {
    Path::new(uapi::PATH).exists()
}

/// The driver, without making a camera.
pub fn find() -> FoundOutput {
    let problem = check().err();
    FoundOutput {
        kind: OutputKind::Vcam.name().to_owned(),
        device: uapi::PATH.to_owned(),
        name: valid_name(&gettext("Lenscap Camera")),
        problem: problem.map(|text| Fault::new(FaultKind::NoOutput, text)),
    }
}

/// Whether both devices can be opened.
fn check() -> Result<(), String> {
    Control::open().map_err(|error| no_driver(&error))?;
    memory::open().map_err(|error| no_udmabuf(&error))?;
    Ok(())
}

fn check_format(format: PixelFormat) -> Result<(), String> {
    if FORMATS.contains(&format) {
        return Ok(());
    }
    let names = FORMATS.map(PixelFormat::name);
    Err(gettext_f(
        "vcam takes {one} and {other}, not {format}; choose one of them, or leave it to: --format auto",
        &[
            ("one", names[0]),
            ("other", names[1]),
            ("format", format.name()),
        ],
    ))
}

fn no_driver(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => gettext_f(
            "the vcam kernel module is not loaded; run: {command} (where a kernel has it), or choose \
             another virtual camera: --output auto",
            &[("command", LOAD)],
        ),
        ErrorKind::PermissionDenied => denied(uapi::PATH, "video"),
        _ => cannot_open(uapi::PATH, error),
    }
}

fn no_udmabuf(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => gettext_f(
            "vcam needs {device}, which this kernel lacks (CONFIG_UDMABUF); choose another virtual \
             camera: --output auto",
            &[("device", UDMABUF)],
        ),
        // systemd's group for it.
        ErrorKind::PermissionDenied => denied(UDMABUF, "kvm"),
        _ => cannot_open(UDMABUF, error),
    }
}

fn denied(path: &str, group: &str) -> String {
    gettext_f(
        "no permission to open {device}; install Lenscap's udev rules, or run: {command}, then log \
         out and in",
        &[
            ("device", path),
            ("command", &format!("sudo usermod -aG {group} $USER")),
        ],
    )
}

fn cannot_open(path: &str, error: &io::Error) -> String {
    gettext_f(
        "cannot open {device}: {error}",
        &[("device", path), ("error", &error.to_string())],
    )
}

/// A name that the driver takes: ASCII letters and digits with single blanks between them, and not
/// more of them than fit.
fn valid_name(name: &str) -> String {
    let is_taken = |letter: char| letter.is_ascii_alphanumeric();
    let words = name
        .split(|letter| !is_taken(letter))
        .filter(|word| !word.is_empty());
    let name: String = words.collect::<Vec<_>>().join(" ");
    let name = name[..name.len().min(LONGEST_NAME)].trim_end();
    if name.is_empty() { PLAIN_NAME } else { name }.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_ones_that_the_driver_takes() {
        let long = format!("{} {}", "a".repeat(62), "b".repeat(9));
        for (name, valid) in [
            ("Lenscap Camera", "Lenscap Camera"),
            ("Lenscap-Kamera", "Lenscap Kamera"),
            ("  Caméra (Lenscap) ", "Cam ra Lenscap"),
            ("カメラ", PLAIN_NAME),
            ("", PLAIN_NAME),
            (&long, &"a".repeat(62)),
        ] {
            assert_eq!(valid_name(name), valid);
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_what_to_do() {
        let text = |kind: ErrorKind| no_driver(&kind.into());
        assert!(text(ErrorKind::NotFound).contains("modprobe vcam"));
        assert!(text(ErrorKind::PermissionDenied).contains("/dev/vcam; install"));
        let text = |kind: ErrorKind| no_udmabuf(&kind.into());
        assert!(text(ErrorKind::NotFound).contains("CONFIG_UDMABUF"));
        assert!(text(ErrorKind::PermissionDenied).contains("-aG kvm"));
        let i420 = check_format(PixelFormat::I420).unwrap_err();
        assert!(i420.contains("YUY2 and NV12, not I420"), "{i420}");
        assert_eq!(check_format(PixelFormat::Nv12), Ok(()));
    }
}
