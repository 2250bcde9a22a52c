//! The settings one by one, each as text: that is how rows speak of them.

use lenscap::settings::{Settings, SpecError, Transform};
use lenscap::settings::{parse_device, parse_format, parse_framerate, parse_ms, parse_size};

/// A setting that has a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Key {
    /// The real camera.
    Source,
    /// Width and height.
    Size,
    /// Frames a second.
    Framerate,
    /// Left and right exchanged.
    Mirror,
    /// Turned by 180°.
    UpsideDown,
    /// How long an application must look before the camera goes on.
    Activation,
    /// How long the camera stays on after the last one left.
    Cooldown,
    /// What is shown while the camera is off.
    Placeholder,
    /// The kind of virtual camera.
    Kind,
    /// The virtual camera's device.
    Device,
    /// The pixel format that applications get.
    Format,
    /// The icon in the panel.
    Tray,
    /// Telling when the camera goes on.
    Notifications,
    /// Starting with the session.
    Autostart,
    /// Covering the camera while the screen is locked.
    CoverWhenLocked,
}

impl Key {
    /// Every key.
    pub const ALL: [Self; 15] = [
        Self::Source,
        Self::Size,
        Self::Framerate,
        Self::Mirror,
        Self::UpsideDown,
        Self::Activation,
        Self::Cooldown,
        Self::Placeholder,
        Self::Kind,
        Self::Device,
        Self::Format,
        Self::Tray,
        Self::Notifications,
        Self::Autostart,
        Self::CoverWhenLocked,
    ];

    /// The keys of the config file that it stands for. The first one is its name in templates.
    pub fn names(self) -> &'static [&'static str] {
        match self {
            Self::Source => &["source"],
            Self::Size => &["width", "height"],
            Self::Framerate => &["framerate"],
            Self::Mirror => &["mirror", "transform"],
            Self::UpsideDown => &["upside-down", "transform"],
            Self::Activation => &["activation_ms"],
            Self::Cooldown => &["cooldown_ms"],
            Self::Placeholder => &["placeholder"],
            Self::Kind => &["output"],
            Self::Device => &["device"],
            Self::Format => &["format"],
            Self::Tray => &["tray"],
            Self::Notifications => &["notifications"],
            Self::Autostart => &["autostart"],
            Self::CoverWhenLocked => &["cover_when_locked"],
        }
    }

    /// The key of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|key| key.names()[0] == name)
    }

    /// The setting as text.
    pub fn read(self, settings: &Settings) -> String {
        let Settings {
            camera,
            delays,
            output,
            desktop,
        } = settings;
        match self {
            Self::Source => camera.source.revealed(),
            Self::Size => format!("{}x{}", camera.width, camera.height),
            Self::Framerate => camera.framerate.to_string(),
            Self::Mirror => turns(camera.transform).0.to_string(),
            Self::UpsideDown => turns(camera.transform).1.to_string(),
            Self::Activation => delays.activation.to_string(),
            Self::Cooldown => delays.cooldown.as_millis().to_string(),
            Self::Placeholder => output.placeholder.to_string(),
            Self::Kind => output.kinds(),
            Self::Device => match output.device() {
                Some(path) => path.display().to_string(),
                None => "auto".to_owned(),
            },
            Self::Format => output
                .format
                .map_or("auto", |format| format.name())
                .to_owned(),
            Self::Tray => desktop.tray.to_string(),
            Self::Notifications => desktop.notifications.to_string(),
            Self::Autostart => desktop.autostart.to_string(),
            Self::CoverWhenLocked => desktop.cover_when_locked.to_string(),
        }
    }

    /// Sets the setting from text.
    pub fn write(self, settings: &mut Settings, text: &str) -> Result<(), SpecError> {
        let Settings {
            camera,
            delays,
            output,
            desktop,
        } = settings;
        match self {
            Self::Source => camera.source = text.parse()?,
            Self::Size => {
                let (width, height) = text.split_once('x').unwrap_or((text, ""));
                (camera.width, camera.height) = (parse_size(width)?, parse_size(height)?);
            }
            Self::Framerate => camera.framerate = parse_framerate(text)?,
            Self::Mirror => {
                let (_, upside_down) = turns(camera.transform);
                camera.transform = turned(flag(text)?, upside_down);
            }
            Self::UpsideDown => {
                let (mirror, _) = turns(camera.transform);
                camera.transform = turned(mirror, flag(text)?);
            }
            Self::Activation => delays.activation = text.parse()?,
            Self::Cooldown => delays.cooldown = parse_ms(text)?,
            Self::Placeholder => output.placeholder = text.parse()?,
            Self::Kind => output.set_kinds(text.split(','))?,
            Self::Device => {
                output.set_device(parse_device(text)?.as_ref());
            }
            Self::Format => output.format = parse_format(text)?,
            Self::Tray => desktop.tray = flag(text)?,
            Self::Notifications => desktop.notifications = flag(text)?,
            Self::Autostart => desktop.autostart = flag(text)?,
            Self::CoverWhenLocked => desktop.cover_when_locked = flag(text)?,
        }
        Ok(())
    }
}

fn flag(text: &str) -> Result<bool, SpecError> {
    let flag = text.parse();
    flag.map_err(|_| SpecError::new("'{text}' is neither true nor false", &[("text", text)]))
}

/// The transform as two switches: mirrored, and upside down. Both at once exchange top and bottom.
fn turns(transform: Transform) -> (bool, bool) {
    match transform {
        Transform::None => (false, false),
        Transform::Mirror => (true, false),
        Transform::Rotate180 => (false, true),
        Transform::Flip => (true, true),
    }
}

fn turned(mirror: bool, upside_down: bool) -> Transform {
    match (mirror, upside_down) {
        (false, false) => Transform::None,
        (true, false) => Transform::Mirror,
        (false, true) => Transform::Rotate180,
        (true, true) => Transform::Flip,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        for (key, text) in [
            (Key::Source, "v4l2:/dev/video3"),
            (Key::Size, "640x480"),
            (Key::Framerate, "15"),
            (Key::Mirror, "true"),
            (Key::UpsideDown, "true"),
            (Key::Activation, "auto"),
            (Key::Activation, "250"),
            (Key::Cooldown, "0"),
            (Key::Placeholder, "black"),
            (Key::Placeholder, "/a b.png"),
            (Key::Kind, "v4l2loopback"),
            (Key::Device, "/dev/video10"),
            (Key::Device, "auto"),
            (Key::Format, "NV12"),
            (Key::Format, "auto"),
            (Key::Tray, "false"),
            (Key::Notifications, "false"),
            (Key::Autostart, "true"),
            (Key::CoverWhenLocked, "true"),
        ] {
            let mut settings = Settings::default();
            key.write(&mut settings, text).unwrap();
            assert_eq!(key.read(&settings), text, "{key:?}");
            for other in Key::ALL.into_iter().filter(|other| *other != key) {
                let default = other.read(&Settings::default());
                assert_eq!(other.read(&settings), default, "{key:?} changed {other:?}");
            }
        }
    }

    #[test]
    fn what_makes_no_sense_changes_nothing() {
        for (key, text) in [
            (Key::Source, "nonsense"),
            (Key::Size, "640"),
            (Key::Size, "640x"),
            (Key::Size, "641x480"),
            (Key::Size, "640x481"),
            (Key::Framerate, "0"),
            (Key::Mirror, "maybe"),
            (Key::Activation, "soon"),
            (Key::Cooldown, "auto"),
            (Key::Placeholder, "image.png"),
            (Key::Kind, "screen"),
            (Key::Device, "video10"),
            (Key::Format, "MJPG"),
            (Key::Tray, "1"),
        ] {
            let mut settings = Settings::default();
            assert!(key.write(&mut settings, text).is_err(), "{key:?} {text}");
            assert_eq!(settings, Settings::default(), "{key:?} {text}");
        }
    }

    #[test]
    fn two_switches_make_every_transform() {
        for (transform, name) in Transform::ALL {
            let (mirror, upside_down) = turns(transform);
            assert_eq!(turned(mirror, upside_down), transform, "{name}");
        }
    }

    #[test]
    fn every_key_is_found_by_its_name() {
        for key in Key::ALL {
            assert_eq!(Key::named(key.names()[0]), Some(key));
        }
        assert_eq!(Key::named("height"), None);
    }
}
