//! The settings, one entry each: what the config file, the command line, the manual page and the
//! preferences know of a setting besides its value, which is a field of [`Settings`].

use std::fmt;

use super::spec::{parse_buffer_count, parse_device, parse_framerate};
use super::spec::{parse_ms, parse_poll_interval, parse_size};
use super::text::{SpecError, n_};
use super::{Settings, parse_format};

/// One setting. Its values are read and written as text everywhere.
#[derive(Debug)]
pub struct Key {
    /// Its table in the config file.
    pub section: &'static str,
    /// Its name in that table.
    pub name: &'static str,
    /// How the config file writes it; `None` if only the command line can set it.
    pub file: Option<FileType>,
    /// What it is, for the help and the manual page.
    pub about: &'static str,
    /// Which values it takes, for the help and the manual page.
    pub values: &'static str,
    /// What has to happen before a change counts.
    pub effect: Effect,
    /// The option that overrides it.
    pub option: Option<CommandOption>,
    get: fn(&Settings) -> String,
    set: fn(&mut Settings, &str) -> Result<(), SpecError>,
}

/// How the config file writes a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileType {
    /// A string, or a whole number where the text is one.
    Text,
    /// `true` or `false`.
    Flag,
    /// A string, or a list of several, which are one text with commas here.
    List,
}

/// What has to happen before a change of a setting counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing: it is read whenever it is needed.
    AtOnce,
    /// The outputs are set up anew.
    Outputs,
    /// The worker is started anew.
    Worker,
}

/// An option of the command line.
#[derive(Clone, Copy, Debug)]
pub struct CommandOption {
    /// The name after two dashes.
    pub long: &'static str,
    /// The letter after one dash.
    pub short: Option<char>,
    /// What the help calls its value; `None` for an option without one, which turns a flag off.
    pub value_name: Option<&'static str>,
    /// The help, where it isn't the setting's own.
    pub help: Option<&'static str>,
}

impl Key {
    /// The setting of that name, as [`id`](Self::id) gives it.
    pub fn named(id: &str) -> Option<&'static Self> {
        KEYS.iter().copied().find(|key| key.id() == id)
    }

    /// The settings that the config file may hold, in the order in which it is documented.
    pub fn in_file() -> impl Iterator<Item = (&'static Self, FileType)> {
        KEYS.iter().filter_map(|key| Some((*key, key.file?)))
    }

    /// The name where no section stands beside it: in the status and in window templates.
    pub fn id(&self) -> &'static str {
        if *self == KIND {
            self.section
        } else {
            self.name
        }
    }

    /// The setting as text.
    pub fn get(&self, settings: &Settings) -> String {
        (self.get)(settings)
    }

    /// Sets it from text. An error leaves the settings as they were.
    pub fn set(&self, settings: &mut Settings, text: &str) -> Result<(), SpecError> {
        (self.set)(settings, text)
    }

    /// The default as text.
    pub fn default_text(&self) -> String {
        self.get(&Settings::default())
    }

    /// What the help and the manual page say: what it is, its values, its default.
    pub fn help(&self) -> String {
        let help = format!("{}: {}", self.about, self.values);
        let help = self
            .option
            .and_then(|option| option.help)
            .map_or(help, str::to_owned);
        match self.option {
            Some(CommandOption {
                value_name: None, ..
            }) => help,
            _ => format!("{help} [default: {}]", self.default_text()),
        }
    }
}

/// The name in the config file: `camera.width`.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.section, self.name)
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        (self.section, self.name) == (other.section, other.name)
    }
}

impl Eq for Key {}

/// Whether a setting with this effect differs. The default format is the same as YUY2.
pub fn differs(before: &Settings, after: &Settings, effect: Effect) -> bool {
    let resolved = |settings: &Settings| {
        let mut resolved = settings.clone();
        resolved.output.format = Some(settings.geometry().format);
        resolved
    };
    let (before, after) = (resolved(before), resolved(after));
    let mut keys = KEYS.iter().filter(|key| key.effect == effect);
    keys.any(|key| key.get(&before) != key.get(&after))
}

const fn option(long: &'static str, short: Option<char>, value: &'static str) -> CommandOption {
    CommandOption {
        long,
        short,
        value_name: Some(value),
        help: None,
    }
}

fn parse_flag(text: &str) -> Result<bool, SpecError> {
    let sentence = n_("'{text}' is neither true nor false");
    let flag = text.parse();
    flag.map_err(|_| SpecError::new(sentence, &[("text", text)]))
}

/// Declares each setting once; its doc comment is its text in the help, too.
macro_rules! keys {
    ($(#[doc = $about:literal] $id:ident { $($field:ident: $value:expr),* $(,)? })*) => {
        $(#[doc = $about]
        pub static $id: Key = Key { about: $about.trim_ascii_start(), $($field: $value),* };)*

        /// Every setting, in the order in which it is documented.
        pub static KEYS: &[&Key] = &[$(&$id),*];
    };
}

keys! {
    /// The real camera
    SOURCE {
        section: "camera", name: "source", file: Some(FileType::Text),
        values: "auto, or one of those listed below SOURCES in lenscap(1)",
        effect: Effect::Worker, option: Some(option("source", None, "SOURCE")),
        get: |settings| settings.camera.source.revealed(),
        set: |settings, text| { settings.camera.source = text.parse()?; Ok(()) },
    }
    /// Pixels in a line
    WIDTH {
        section: "camera", name: "width", file: Some(FileType::Text),
        values: "even, 2 to 8192",
        effect: Effect::Outputs, option: Some(option("width", Some('w'), "WIDTH")),
        get: |settings| settings.camera.width.to_string(),
        set: |settings, text| { settings.camera.width = parse_size(text)?; Ok(()) },
    }
    /// Lines in a frame
    HEIGHT {
        section: "camera", name: "height", file: Some(FileType::Text),
        values: "even, 2 to 8192",
        effect: Effect::Outputs, option: Some(option("height", Some('H'), "HEIGHT")),
        get: |settings| settings.camera.height.to_string(),
        set: |settings, text| { settings.camera.height = parse_size(text)?; Ok(()) },
    }
    /// Frames a second
    FRAMERATE {
        section: "camera", name: "framerate", file: Some(FileType::Text),
        values: "1 to 240",
        effect: Effect::Outputs, option: Some(option("framerate", Some('f'), "FRAMERATE")),
        get: |settings| settings.camera.framerate.to_string(),
        set: |settings, text| { settings.camera.framerate = parse_framerate(text)?; Ok(()) },
    }
    /// Buffers that icamerasrc keeps in flight
    BUFFER_COUNT {
        section: "camera", name: "buffer_count", file: Some(FileType::Text),
        values: "2 to 10",
        effect: Effect::Worker, option: Some(option("buffer-count", Some('b'), "COUNT")),
        get: |settings| settings.camera.buffer_count.to_string(),
        set: |settings, text| { settings.camera.buffer_count = parse_buffer_count(text)?; Ok(()) },
    }
    /// How the picture is turned
    TRANSFORM {
        section: "camera", name: "transform", file: Some(FileType::Text),
        values: "none, mirror, rotate-180 or flip",
        effect: Effect::Worker, option: None,
        get: |settings| settings.camera.transform.name().to_owned(),
        set: |settings, text| { settings.camera.transform = text.parse()?; Ok(()) },
    }
    /// How long an application must stream before the camera goes on
    ACTIVATION {
        section: "delays", name: "activation_ms", file: Some(FileType::Text),
        values: "milliseconds, 0 to 3600000, or auto",
        effect: Effect::AtOnce, option: Some(option("activation-delay-ms", None, "MS|auto")),
        get: |settings| settings.delays.activation.to_string(),
        set: |settings, text| { settings.delays.activation = text.parse()?; Ok(()) },
    }
    /// How long the camera stays on after the last application left
    COOLDOWN {
        section: "delays", name: "cooldown_ms", file: Some(FileType::Text),
        values: "milliseconds, 0 to 3600000",
        effect: Effect::AtOnce, option: Some(option("cooldown-ms", Some('c'), "MS")),
        get: |settings| settings.delays.cooldown.as_millis().to_string(),
        set: |settings, text| { settings.delays.cooldown = parse_ms(text)?; Ok(()) },
    }
    /// How often to check whether applications still stream, where the driver does not report it
    POLL_INTERVAL {
        section: "delays", name: "poll_interval_ms", file: None,
        values: "milliseconds, 1 to 3600000",
        effect: Effect::AtOnce, option: Some(option("poll-interval-ms", None, "MS")),
        get: |settings| settings.delays.poll_interval.as_millis().to_string(),
        set: |settings, text| { settings.delays.poll_interval = parse_poll_interval(text)?; Ok(()) },
    }
    /// The kind of virtual camera
    KIND {
        section: "output", name: "kind", file: Some(FileType::List),
        values: "auto, v4l2loopback, vcam or pipewire, or a list of several",
        effect: Effect::Outputs,
        option: Some(CommandOption {
            long: "output", short: None, value_name: Some("OUTPUT"),
            help: Some("The virtual camera: auto, v4l2loopback[:PATH], vcam or pipewire; give it again for \
                        another one beside it"),
        }),
        get: |settings| settings.output.kinds(),
        set: |settings, text| settings.output.set_kinds(text),
    }
    /// The virtual camera's device
    DEVICE {
        section: "output", name: "device", file: Some(FileType::Text),
        values: "a path, or auto to find one by its driver",
        effect: Effect::Outputs, option: Some(option("device", Some('d'), "DEVICE")),
        get: |settings| {
            let device = settings.output.device();
            device.map_or("auto".to_owned(), |path| path.display().to_string())
        },
        set: |settings, text| { settings.output.set_device(parse_device(text)?.as_ref()); Ok(()) },
    }
    /// The pixel format that applications get
    FORMAT {
        section: "output", name: "format", file: Some(FileType::Text),
        values: "auto (which is YUY2), YUY2, UYVY, NV12 or I420",
        effect: Effect::Outputs, option: Some(option("format", None, "FORMAT")),
        get: |settings| settings.output.format.map_or("auto", |format| format.name()).to_owned(),
        set: |settings, text| { settings.output.format = parse_format(text)?; Ok(()) },
    }
    /// What applications get while the camera is off
    PLACEHOLDER {
        section: "output", name: "placeholder", file: Some(FileType::Text),
        values: "card, black, or the full path of an image",
        effect: Effect::AtOnce, option: None,
        get: |settings| settings.output.placeholder.to_string(),
        set: |settings, text| { settings.output.placeholder = text.parse()?; Ok(()) },
    }
    /// Show an icon in the panel
    TRAY {
        section: "desktop", name: "tray", file: Some(FileType::Flag),
        values: "true or false",
        effect: Effect::AtOnce,
        option: Some(CommandOption {
            long: "no-tray", short: None, value_name: None, help: Some("Show no tray icon"),
        }),
        get: |settings| settings.desktop.tray.to_string(),
        set: |settings, text| { settings.desktop.tray = parse_flag(text)?; Ok(()) },
    }
    /// Notify when the camera goes on
    NOTIFICATIONS {
        section: "desktop", name: "notifications", file: Some(FileType::Flag),
        values: "true or false",
        effect: Effect::AtOnce, option: None,
        get: |settings| settings.desktop.notifications.to_string(),
        set: |settings, text| { settings.desktop.notifications = parse_flag(text)?; Ok(()) },
    }
    /// Start with the session
    AUTOSTART {
        section: "desktop", name: "autostart", file: Some(FileType::Flag),
        values: "true or false",
        effect: Effect::AtOnce, option: None,
        get: |settings| settings.desktop.autostart.to_string(),
        set: |settings, text| { settings.desktop.autostart = parse_flag(text)?; Ok(()) },
    }
    /// Cover the camera while the screen is locked
    COVER_WHEN_LOCKED {
        section: "desktop", name: "cover_when_locked", file: Some(FileType::Flag),
        values: "true or false",
        effect: Effect::AtOnce, option: None,
        get: |settings| settings.desktop.cover_when_locked.to_string(),
        set: |settings, text| { settings.desktop.cover_when_locked = parse_flag(text)?; Ok(()) },
    }
    /// Restart after an update, as soon as the camera is off
    RESTART_AFTER_UPDATE {
        section: "desktop", name: "restart_after_update", file: Some(FileType::Flag),
        values: "true or false",
        effect: Effect::AtOnce, option: None,
        get: |settings| settings.desktop.restart_after_update.to_string(),
        set: |settings, text| {
            settings.desktop.restart_after_update = parse_flag(text)?;
            Ok(())
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What differs in the second settings, by its name in the file.
    fn different(before: &Settings, after: &Settings) -> Vec<String> {
        let keys = KEYS.iter().filter(|key| key.get(before) != key.get(after));
        keys.map(ToString::to_string).collect()
    }

    #[test]
    fn text_is_read_back_and_sets_nothing_else() {
        for (key, text) in [
            (&SOURCE, "v4l2:/dev/video3"),
            (&WIDTH, "640"),
            (&HEIGHT, "8192"),
            (&FRAMERATE, "240"),
            (&BUFFER_COUNT, "10"),
            (&TRANSFORM, "flip"),
            (&ACTIVATION, "250"),
            (&COOLDOWN, "0"),
            (&POLL_INTERVAL, "1"),
            (&KIND, "v4l2loopback,pipewire"),
            (&DEVICE, "/dev/video10"),
            (&FORMAT, "NV12"),
            (&PLACEHOLDER, "/a b.png"),
            (&TRAY, "false"),
            (&NOTIFICATIONS, "false"),
            (&AUTOSTART, "true"),
            (&COVER_WHEN_LOCKED, "true"),
            (&RESTART_AFTER_UPDATE, "false"),
        ] {
            let mut settings = Settings::default();
            key.set(&mut settings, text).unwrap();
            assert_eq!(key.get(&settings), text, "{key}");
            assert_eq!(
                different(&Settings::default(), &settings),
                [key.to_string()]
            );
            key.set(&mut settings, &key.default_text()).unwrap();
            assert_eq!(settings, Settings::default(), "{key}");
        }
    }

    #[test]
    fn nonsense_changes_nothing() {
        for (key, texts) in [
            (&SOURCE, &["nonsense"][..]),
            (&WIDTH, &["", "0", "641", "8194"]),
            (&HEIGHT, &["640x480"]),
            (&FRAMERATE, &["0", "241"]),
            (&BUFFER_COUNT, &["1", "11"]),
            (&TRANSFORM, &["maybe"]),
            (&ACTIVATION, &["soon"]),
            (&COOLDOWN, &["auto"]),
            (&POLL_INTERVAL, &["0"]),
            (&KIND, &["", "screen", "auto,pipewire", "pipewire,pipewire"]),
            (&DEVICE, &["video10"]),
            (&FORMAT, &["MJPG"]),
            (&PLACEHOLDER, &["image.png"]),
            (&TRAY, &["1"]),
        ] {
            for text in texts {
                let mut settings = Settings::default();
                assert!(key.set(&mut settings, text).is_err(), "{key} {text}");
                assert_eq!(settings, Settings::default(), "{key} {text}");
            }
        }
    }

    #[test]
    fn names_are_unique() {
        for key in KEYS {
            assert_eq!(Key::named(key.id()), Some(*key));
        }
    }

    #[test]
    fn a_change_has_the_effect_of_what_differs() {
        for (key, text, outputs, worker) in [
            (&WIDTH, "640", true, false),
            (&FRAMERATE, "15", true, false),
            (&KIND, "pipewire", true, false),
            (&DEVICE, "/dev/video3", true, false),
            (&FORMAT, "NV12", true, false),
            (&FORMAT, "YUY2", false, false),
            (&SOURCE, "test", false, true),
            (&TRANSFORM, "mirror", false, true),
            (&BUFFER_COUNT, "4", false, true),
            (&PLACEHOLDER, "black", false, false),
            (&COOLDOWN, "0", false, false),
        ] {
            let before = Settings::default();
            let mut after = before.clone();
            key.set(&mut after, text).unwrap();
            assert_eq!(differs(&before, &after, Effect::Outputs), outputs, "{key}");
            assert_eq!(differs(&before, &after, Effect::Worker), worker, "{key}");
        }
    }
}
