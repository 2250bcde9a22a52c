//! What the rows of the window set: a setting, two at once, or a part of one.

use lenscap::settings::key::{self, HEIGHT, TRANSFORM, WIDTH};
use lenscap::settings::{Settings, SpecError, Transform};

/// What a row sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// A setting of the config file.
    One(&'static key::Key),
    /// Width and height.
    Size,
    /// Left and right exchanged.
    Mirror,
    /// Turned by 180°.
    UpsideDown,
}

impl Key {
    /// What a template calls by this name.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "size" => Some(Self::Size),
            "mirror" => Some(Self::Mirror),
            "upside-down" => Some(Self::UpsideDown),
            _ => key::Key::named(name).map(Self::One),
        }
    }

    /// The settings that it stands for.
    pub fn settings(self) -> Vec<&'static key::Key> {
        match self {
            Self::One(key) => vec![key],
            Self::Size => vec![&WIDTH, &HEIGHT],
            Self::Mirror | Self::UpsideDown => vec![&TRANSFORM],
        }
    }

    /// Its value as text.
    pub fn read(self, settings: &Settings) -> String {
        let (mirror, upside_down) = turns(settings.camera.transform);
        match self {
            Self::One(key) => key.get(settings),
            Self::Size => format!("{}x{}", WIDTH.get(settings), HEIGHT.get(settings)),
            Self::Mirror => mirror.to_string(),
            Self::UpsideDown => upside_down.to_string(),
        }
    }

    /// Sets it from text. An error leaves the settings as they were.
    pub fn write(self, settings: &mut Settings, text: &str) -> Result<(), SpecError> {
        let (mirror, upside_down) = turns(settings.camera.transform);
        match self {
            Self::One(key) => key.set(settings, text)?,
            Self::Size => {
                let (width, height) = text.split_once('x').unwrap_or((text, ""));
                let mut sized = settings.clone();
                WIDTH.set(&mut sized, width)?;
                HEIGHT.set(&mut sized, height)?;
                *settings = sized;
            }
            Self::Mirror => settings.camera.transform = turned(text == "true", upside_down),
            Self::UpsideDown => settings.camera.transform = turned(mirror, text == "true"),
        }
        Ok(())
    }
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
        for (name, text) in [
            ("size", "640x480"),
            ("mirror", "true"),
            ("upside-down", "true"),
            ("source", "v4l2:/dev/video3"),
            ("output", "v4l2loopback"),
            ("activation_ms", "250"),
        ] {
            let key = Key::named(name).unwrap();
            let mut settings = Settings::default();
            key.write(&mut settings, text).unwrap();
            assert_eq!(key.read(&settings), text, "{name}");
        }
        assert_eq!(Key::named("nothing"), None);
    }

    #[test]
    fn a_size_that_makes_no_sense_changes_nothing() {
        for text in ["640", "640x", "641x480", "640x481"] {
            let mut settings = Settings::default();
            assert!(Key::Size.write(&mut settings, text).is_err(), "{text}");
            assert_eq!(settings, Settings::default(), "{text}");
        }
    }

    #[test]
    fn two_switches_make_every_transform() {
        for (transform, name) in Transform::ALL {
            let (mirror, upside_down) = turns(transform);
            assert_eq!(turned(mirror, upside_down), transform, "{name}");
            let mut settings = Settings::default();
            for (key, is_on) in [(Key::Mirror, mirror), (Key::UpsideDown, upside_down)] {
                key.write(&mut settings, &is_on.to_string()).unwrap();
            }
            assert_eq!(settings.camera.transform, transform);
        }
    }
}
