//! The config file as it is written, and the one way from there to [`Settings`].

use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, SeqAccess, Visitor};

use crate::i18n::{gettext_f, ngettext_f};
use crate::settings::{self, Settings, SpecError, check_outputs, n_};
use crate::settings::{parse_buffer_count, parse_device, parse_format, parse_framerate};
use crate::settings::{parse_ms, parse_size};

/// The file. Every key may be missing; none of the values is checked yet.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct File {
    camera: Camera,
    delays: Delays,
    output: Output,
    desktop: Desktop,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Camera {
    source: Option<Text>,
    width: Option<Text>,
    height: Option<Text>,
    framerate: Option<Text>,
    buffer_count: Option<Text>,
    transform: Option<Text>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Delays {
    activation_ms: Option<Text>,
    cooldown_ms: Option<Text>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Output {
    kind: Option<Texts>,
    device: Option<Text>,
    format: Option<Text>,
    placeholder: Option<Text>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Desktop {
    tray: Option<bool>,
    notifications: Option<bool>,
    autostart: Option<bool>,
    cover_when_locked: Option<bool>,
}

/// A value as text, whether it was written as a string or as a whole number: both then go through
/// the parser that the command line uses.
#[derive(Debug)]
struct Text(String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor).map(Self)
    }
}

struct TextVisitor;

impl Visitor<'_> for TextVisitor {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text or a whole number")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<String, E> {
        Ok(text.to_owned())
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<String, E> {
        Ok(number.to_string())
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<String, E> {
        Ok(number.to_string())
    }
}

/// One value, or a list of them.
#[derive(Debug)]
struct Texts(Vec<Text>);

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextsVisitor).map(Self)
    }
}

struct TextsVisitor;

impl<'de> Visitor<'de> for TextsVisitor {
    type Value = Vec<Text>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text or a list of texts")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Vec<Text>, E> {
        Ok(vec![Text(text.to_owned())])
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<Text>, A::Error> {
        let mut texts = Vec::new();
        while let Some(text) = list.next_element()? {
            texts.push(text);
        }
        Ok(texts)
    }
}

/// Reads the file's text. `Ok` comes with what is odd, a line each; `Err` is one line.
pub fn parse(text: &str) -> Result<(Settings, Vec<String>), String> {
    let mut warnings = Vec::new();
    let file: File = toml::Deserializer::parse(text)
        .and_then(|document| {
            serde_ignored::deserialize(document, |key| {
                warnings.push(format!("unknown key '{key}' is ignored"));
            })
        })
        .map_err(|error| describe(text, &error))?;
    Ok((file.into_settings()?, warnings))
}

/// A TOML error in one line; its own rendering takes five.
fn describe(text: &str, error: &toml::de::Error) -> String {
    let message = error.message().replace('\n', ", ");
    match error.span() {
        Some(span) => {
            let before = text.get(..span.start).unwrap_or_default();
            let line = 1 + before.matches('\n').count();
            gettext_f(
                "line {line}: {problem}",
                &[("line", &line.to_string()), ("problem", &message)],
            )
        }
        None => message,
    }
}

impl File {
    fn into_settings(self) -> Result<Settings, String> {
        let mut to = Settings::default();
        let mut bad = Problems::default();
        self.camera.apply(&mut to.camera, &mut bad);
        self.delays.apply(&mut to.delays, &mut bad);
        self.output.apply(&mut to.output, &mut bad);
        self.desktop.apply(&mut to.desktop);
        bad.into_result().map(|()| to)
    }
}

impl Camera {
    fn apply(self, to: &mut settings::Camera, bad: &mut Problems) {
        bad.set(&mut to.source, "camera.source", self.source, str::parse);
        bad.set(&mut to.width, "camera.width", self.width, parse_size);
        bad.set(&mut to.height, "camera.height", self.height, parse_size);
        bad.set(
            &mut to.framerate,
            "camera.framerate",
            self.framerate,
            parse_framerate,
        );
        bad.set(
            &mut to.buffer_count,
            "camera.buffer_count",
            self.buffer_count,
            parse_buffer_count,
        );
        bad.set(
            &mut to.transform,
            "camera.transform",
            self.transform,
            str::parse,
        );
    }
}

impl Delays {
    fn apply(self, to: &mut settings::Delays, bad: &mut Problems) {
        bad.set(
            &mut to.activation,
            "delays.activation_ms",
            self.activation_ms,
            str::parse,
        );
        bad.set(
            &mut to.cooldown,
            "delays.cooldown_ms",
            self.cooldown_ms,
            parse_ms,
        );
    }
}

impl Output {
    fn apply(self, to: &mut settings::Output, bad: &mut Problems) {
        if let Some(Texts(kinds)) = self.kind {
            bad.take("output.kind", set_kinds(to, &kinds));
        }
        let mut device = None;
        bad.set(&mut device, "output.device", self.device, parse_device);
        to.set_device(device.as_ref());
        bad.take("output.kind", check_outputs(&to.specs));
        bad.set(&mut to.format, "output.format", self.format, parse_format);
        bad.set(
            &mut to.placeholder,
            "output.placeholder",
            self.placeholder,
            str::parse,
        );
    }
}

fn set_kinds(to: &mut settings::Output, kinds: &[Text]) -> Result<(), SpecError> {
    if kinds.is_empty() {
        let text = n_("an empty list: name a virtual camera, or write auto");
        return Err(SpecError::new(text, &[]));
    }
    to.set_kinds(kinds.iter().map(|Text(kind)| kind.as_str()))
}

impl Desktop {
    fn apply(self, to: &mut settings::Desktop) {
        to.tray = self.tray.unwrap_or(to.tray);
        to.notifications = self.notifications.unwrap_or(to.notifications);
        to.autostart = self.autostart.unwrap_or(to.autostart);
        to.cover_when_locked = self.cover_when_locked.unwrap_or(to.cover_when_locked);
    }
}

/// The values that make no sense, collected so that one line can count them.
#[derive(Default)]
struct Problems(Vec<String>);

impl Problems {
    /// Sets `field` from the file's value, where there is one and it parses.
    fn set<T>(
        &mut self,
        field: &mut T,
        key: &str,
        value: Option<Text>,
        parse: impl FnOnce(&str) -> Result<T, SpecError>,
    ) {
        let value = value.map(|Text(text)| parse(&text)).transpose();
        self.take(key, value.map(|value| value.map(|value| *field = value)));
    }

    /// Takes down what is wrong.
    fn take<T>(&mut self, key: &str, result: Result<T, SpecError>) {
        if let Err(error) = result {
            self.0.push(format!("{key}: {}", error.say(gettext_f)));
        }
    }

    fn into_result(self) -> Result<(), String> {
        match self.0.as_slice() {
            [] => Ok(()),
            [only] => Err(only.clone()),
            [first, more @ ..] => {
                let count = u32::try_from(more.len()).unwrap_or(u32::MAX);
                // Translators: a problem, and how many others there are.
                Err(ngettext_f(
                    "{problem} (and {n} more)",
                    "{problem} (and {n} more)",
                    count,
                    &[("problem", first)],
                ))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::settings::{Delay, PixelFormat, PlaceholderSpec, SourceSpec, Transform};

    #[test]
    fn an_empty_file_means_the_defaults() {
        assert_eq!(parse("").unwrap(), (Settings::default(), Vec::new()));
        assert_eq!(parse("[camera]\n").unwrap().0, Settings::default());
    }

    #[test]
    fn every_key_is_read() {
        let (settings, warnings) = parse(
            r#"
            [camera]
            source = "v4l2:/dev/video3"
            width = 640
            height = "480"
            framerate = 15
            buffer_count = 4
            transform = "mirror"
            [delays]
            activation_ms = 250
            cooldown_ms = "100"
            [output]
            kind = "v4l2loopback"
            device = "/dev/video10"
            format = "nv12"
            placeholder = "black"
            [desktop]
            tray = false
            notifications = false
            autostart = true
            cover_when_locked = true
            "#,
        )
        .unwrap();
        assert_eq!(warnings, Vec::<String>::new());
        let mut wanted = Settings::default();
        wanted.camera.source = SourceSpec::V4l2("/dev/video3".into());
        wanted.camera.width = 640;
        wanted.camera.height = 480;
        wanted.camera.framerate = 15;
        wanted.camera.buffer_count = 4;
        wanted.camera.transform = Transform::Mirror;
        wanted.delays.activation = Delay::Fixed(Duration::from_millis(250));
        wanted.delays.cooldown = Duration::from_millis(100);
        wanted.output.specs = vec!["v4l2loopback:/dev/video10".parse().unwrap()];
        wanted.output.format = Some(PixelFormat::Nv12);
        wanted.output.placeholder = PlaceholderSpec::Black;
        wanted.desktop.tray = false;
        wanted.desktop.notifications = false;
        wanted.desktop.autostart = true;
        wanted.desktop.cover_when_locked = true;
        assert_eq!(settings, wanted);
    }

    #[test]
    fn virtual_cameras_may_stand_together() {
        let (settings, _) =
            parse("[output]\nkind = [\"v4l2loopback\", \"pipewire\"]\ndevice = \"/dev/video10\"\n")
                .unwrap();
        let specs: Vec<_> = settings
            .output
            .specs
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(specs, ["v4l2loopback:/dev/video10", "pipewire"]);
    }

    #[test]
    fn unknown_keys_are_warned_about_by_name_and_the_rest_counts() {
        let (settings, warnings) =
            parse("colour = 1\n[camera]\nwidht = 1\nheight = 480\n[extra]\na = 1\n").unwrap();
        assert_eq!(settings.camera.height, 480);
        assert_eq!(
            warnings,
            ["colour", "camera.widht", "extra"]
                .map(|key| format!("unknown key '{key}' is ignored"))
        );
    }

    #[test]
    fn what_is_wrong_is_told_in_one_line_with_its_place() {
        for (text, wanted) in [
            ("[camera]\nwidth = 0\n", "camera.width: '0' is not a size"),
            ("[camera]\nwidth = -2\n", "camera.width: '-2' is not"),
            ("[camera]\nframerate = 1000\n", "camera.framerate: '1000'"),
            ("[camera]\nwidth = true\n", "line 2: invalid type: boolean"),
            ("[camera]\nwidth = 1.5\n", "line 2: invalid type: float"),
            ("[camera]\n\nsource = [1]\n", "line 3: invalid type"),
            ("camera = 1\n", "line 1: invalid type"),
            ("[desktop]\ntray = \"yes\"\n", "line 2: invalid type"),
            ("[camera\nwidth = 640\n", "line 1: "),
            ("[camera]\nwidth = \n", "line 2: "),
            ("[camera]\nwidth = 2\nwidth = 4\n", "line 3: duplicate key"),
            ("[camera]\nwidth = 99999999999999999999\n", "line 2: "),
            (
                "[delays]\ncooldown_ms = \"soon\"\n",
                "delays.cooldown_ms: 'soon'",
            ),
            (
                "[output]\nkind = \"window\"\n",
                "output.kind: unknown output",
            ),
            ("[output]\nkind = []\n", "output.kind: an empty list"),
            (
                "[output]\nkind = [\"auto\", \"pipewire\"]\n",
                "output.kind: output 'auto' stands alone",
            ),
            (
                "[output]\nkind = [\"pipewire\", \"pipewire\"]\n",
                "output.kind: output 'pipewire' is named twice",
            ),
            ("[output]\nkind = 1\n", "line 2: invalid type"),
            (
                "[output]\nformat = \"MJPG\"\n",
                "output.format: unknown format",
            ),
            (
                "[camera]\nwidth = 1\nheight = 1\n",
                "camera.width: '1' is not a size: give an even number of pixels from 2 to 8192 \
                 (and 1 more)",
            ),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.starts_with(wanted), "{text:?}: {error}");
            assert!(!error.contains('\n'), "{text:?}: {error}");
        }
    }
}
