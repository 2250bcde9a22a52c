//! Whether there is a vcam driver that can be used, and what to do if not.

use std::io::{self, ErrorKind};
use std::path::Path;

use rustix::io::Errno;

use super::camera::Camera;
use super::memory;
use super::memory::UDMABUF;
use super::uapi::{self, Control, FORMATS, LONGEST_NAME};
use crate::i18n::gettext;
use crate::output::FoundOutput;
use crate::relay::{Fault, FaultKind};
use crate::settings::{Message, OutputKind, PixelFormat, Settings, n_};

/// What loads the driver.
const LOAD: &str = "sudo modprobe vcam";

/// What applications list if our name has nothing that the driver takes.
const PLAIN_NAME: &str = "Lenscap";

/// The camera that the settings describe: the one that is unused, or a new one, showing black.
pub fn open(settings: &Settings, unused: &mut Option<Camera>) -> Result<Camera, Message> {
    check()?;
    let geometry = settings.geometry();
    check_format(geometry.format)?;
    if unused.is_some() {
        let fits = |camera: &mut Camera| {
            camera.geometry() == geometry && camera.framerate() == settings.camera.framerate
        };
        return unused.take_if(fits).ok_or_else(|| {
            n_("a vcam camera keeps its size, format and rate; restart Lenscap to change them")
                .into()
        });
    }
    let wanted = gettext("Lenscap Camera");
    let name = valid_name(&wanted);
    if name != wanted {
        tracing::info!("vcam takes letters, digits and blanks alone: '{wanted}' becomes '{name}'");
    }
    Camera::new(&name, geometry, settings.camera.framerate).map_err(|error| {
        match Errno::from_io_error(&error) {
            Some(Errno::INVAL | Errno::TOOBIG) => Message::new(n_(
                "vcam refuses {width}x{height} in {format}; choose another resolution",
            ))
            .with("width", geometry.width)
            .with("height", geometry.height)
            .with("format", geometry.format.name()),
            _ => Message::new(n_(
                "vcam: {error}; choose another virtual camera: --output auto",
            ))
            .with("error", error),
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
        problem: problem.map(|reason| Fault::new(FaultKind::NoOutput, reason)),
    }
}

/// Whether both devices can be opened.
fn check() -> Result<(), Message> {
    Control::open().map_err(|error| no_driver(&error))?;
    memory::open().map_err(|error| no_udmabuf(&error))?;
    Ok(())
}

fn check_format(format: PixelFormat) -> Result<(), Message> {
    if FORMATS.contains(&format) {
        return Ok(());
    }
    let names = FORMATS.map(PixelFormat::name);
    Err(Message::new(n_("vcam takes {one} and {other}, not {format}; choose one of them, or leave it to: --format auto")).with("one", names[0]).with("other", names[1]).with("format", format.name()))
}

fn no_driver(error: &io::Error) -> Message {
    match error.kind() {
        ErrorKind::NotFound => Message::new(n_("the vcam kernel module is not loaded; run: {command} (where a kernel has it), or choose \
             another virtual camera: --output auto")).with("command", LOAD),
        ErrorKind::PermissionDenied => denied(uapi::PATH, "video"),
        _ => cannot_open(uapi::PATH, error),
    }
}

fn no_udmabuf(error: &io::Error) -> Message {
    match error.kind() {
        ErrorKind::NotFound => Message::new(n_(
            "vcam needs {device}, which this kernel lacks (CONFIG_UDMABUF); choose another virtual \
             camera: --output auto",
        ))
        .with("device", UDMABUF),
        // systemd's group for it.
        ErrorKind::PermissionDenied => denied(UDMABUF, "kvm"),
        _ => cannot_open(UDMABUF, error),
    }
}

fn denied(path: &str, group: &str) -> Message {
    Message::new(n_(
        "no permission to open {device}; install Lenscap's udev rules, or run: {command}, then log \
         out and in",
    ))
    .with("device", path)
    .with("command", format!("sudo usermod -aG {group} $USER"))
}

fn cannot_open(path: &str, error: &io::Error) -> Message {
    Message::new(n_("cannot open {device}: {error}"))
        .with("device", path)
        .with("error", error)
}

/// A name that the driver takes: ASCII letters and digits with single blanks between them, and not
/// more of them than fit.
fn valid_name(name: &str) -> String {
    let is_taken = |letter: char| letter.is_ascii_alphanumeric();
    let parts = name
        .split(|letter| !is_taken(letter))
        .filter(|part| !part.is_empty());
    let name: String = parts.collect::<Vec<_>>().join(" ");
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
        assert!(
            text(ErrorKind::NotFound)
                .to_string()
                .contains("modprobe vcam")
        );
        assert!(
            text(ErrorKind::PermissionDenied)
                .to_string()
                .contains("/dev/vcam; install")
        );
        let text = |kind: ErrorKind| no_udmabuf(&kind.into());
        assert!(
            text(ErrorKind::NotFound)
                .to_string()
                .contains("CONFIG_UDMABUF")
        );
        assert!(
            text(ErrorKind::PermissionDenied)
                .to_string()
                .contains("-aG kvm")
        );
        let i420 = check_format(PixelFormat::I420).unwrap_err();
        assert!(
            i420.to_string().contains("YUY2 and NV12, not I420"),
            "{i420}"
        );
        assert_eq!(check_format(PixelFormat::Nv12), Ok(()));
    }
}
