//! What the command line lays over the config file, for this run only.
//!
//! The options are made from the settings' entries, and kept as text for as long as the applet runs:
//! they are laid over the file again after every reload.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};

use crate::i18n::{gettext_f, translate};
use crate::settings::key::{self, CommandOption, KEYS, Key};
use crate::settings::{OutputKind, OutputSpec, Settings, SpecError, check_outputs, parse_device};

/// How the applet is to run.
#[derive(Args, Clone, Debug, Default)]
pub struct RunArgs {
    /// The values that override the config file.
    #[command(flatten)]
    pub overrides: Overrides,

    /// Read this config file instead of the user's own
    #[arg(long, value_name = "FILE", help_heading = "Program")]
    pub config: Option<PathBuf>,
}

/// Values named on the command line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// Each value has been parsed once, so that setting it can't fail. The outputs are not among them.
    values: Vec<(&'static Key, String)>,
    /// `--output` names kind and device in one.
    outputs: Vec<OutputSpec>,
}

/// Options that contradict each other.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    /// Two devices are named for one virtual camera.
    #[error("{}", gettext_f("--device {device} and --output {output} name different devices: give one of them", &[("device", &.0.display().to_string()), ("output", &.1.display().to_string())]))]
    Devices(PathBuf, PathBuf),
    /// A device is named for virtual cameras that have none.
    #[error("{}", gettext_f("--device {device} names a device for v4l2loopback: add --output v4l2loopback, or leave it out", &[("device", &.0.display().to_string())]))]
    NoDevice(PathBuf),
    /// The virtual cameras can't stand together.
    #[error("{}", translate(.0.message()))]
    Outputs(#[from] SpecError),
}

impl RunArgs {
    /// Those in a command line of this program; `None` in one that doesn't run the applet.
    pub fn of_command_line(words: impl IntoIterator<Item = OsString>) -> Option<Self> {
        let mut words = words.into_iter().skip(1).peekable();
        words.next_if(|word| word == "run");
        let command = Self::augment_args(Command::new("lenscap").no_binary_name(true));
        let matches = command.try_get_matches_from(words).ok()?;
        Self::from_arg_matches(&matches).ok()
    }
}

impl Args for Overrides {
    fn augment_args(command: Command) -> Command {
        command.args(options().map(|(key, option)| argument(key, option)))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Overrides {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let outputs = matches.get_many(key::KIND.id()).into_iter().flatten();
        let values = options().filter_map(|(key, option)| {
            let value = match option.value_name {
                None => matches.get_flag(key.id()).then(|| "false".to_owned()),
                Some(_) if *key == key::KIND => None,
                Some(_) => matches.get_one::<String>(key.id()).cloned(),
            };
            Some((key, value?))
        });
        Ok(Self {
            values: values.collect(),
            outputs: outputs.cloned().collect(),
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// The settings that have an option.
fn options() -> impl Iterator<Item = (&'static Key, CommandOption)> {
    KEYS.iter().filter_map(|key| Some((*key, key.option?)))
}

fn argument(key: &'static Key, option: CommandOption) -> Arg {
    let heading = match key.section {
        "camera" => "Camera",
        "delays" => "Delays",
        "output" => "Virtual camera",
        _ => "Program",
    };
    let argument = Arg::new(key.id())
        .long(option.long)
        .short(option.short)
        .help(key.help())
        .help_heading(heading);
    let Some(value_name) = option.value_name else {
        return argument.action(ArgAction::SetTrue);
    };
    let argument = argument.value_name(value_name);
    if *key == key::KIND {
        let parse = |text: &str| text.parse::<OutputSpec>();
        return argument.action(ArgAction::Append).value_parser(parse);
    }
    // Other values never begin with a dash, so that a forgotten one is reported as missing.
    let is_number = key.default_text().parse::<u32>().is_ok() || *key == key::ACTIVATION;
    argument
        .allow_negative_numbers(is_number)
        .value_parser(move |text: &str| {
            key.set(&mut Settings::default(), text)?;
            Ok::<_, SpecError>(text.to_owned())
        })
}

impl Overrides {
    /// Checks what no single value can tell.
    pub fn check(&self) -> Result<(), Conflict> {
        check_outputs(&self.outputs)?;
        let Some(device) = self.device() else {
            return Ok(());
        };
        let mut named = self.outputs.iter().filter_map(|spec| spec.device.as_ref());
        if let Some(other) = named.find(|other| **other != device) {
            return Err(Conflict::Devices(device, other.clone()));
        }
        let mut settings = Settings::default();
        self.apply(&mut settings);
        if !settings.output.set_device(Some(&device)) {
            return Err(Conflict::NoDevice(device));
        }
        Ok(check_outputs(&settings.output.specs)?)
    }

    /// Lays the values over `settings`.
    pub fn apply(&self, settings: &mut Settings) {
        if !self.outputs.is_empty() {
            settings.output.specs.clone_from(&self.outputs);
        }
        for (key, text) in &self.values {
            if let Err(error) = key.set(settings, text) {
                tracing::error!("{key}: {error}");
            }
        }
    }

    /// The names of what is overridden, as the config file calls it. `--output` overrides two keys.
    pub fn names(&self) -> Vec<&'static str> {
        let is_output = |key: &Key| *key == key::KIND || *key == key::DEVICE;
        let is_overridden =
            |key: &&&Key| self.text(key).is_some() || (is_output(key) && !self.outputs.is_empty());
        KEYS.iter()
            .filter(is_overridden)
            .map(|key| key.id())
            .collect()
    }

    /// The options that the others lack, or have with another value.
    pub fn options_beyond(&self, others: &Self) -> Vec<String> {
        let is_beyond = |key: &Key| match self.text(key) {
            _ if *key == key::KIND => !self.outputs.is_empty() && self.outputs != others.outputs,
            text => text.is_some() && text != others.text(key),
        };
        let beyond = options().filter(|(key, _)| is_beyond(key));
        beyond
            .map(|(_, option)| format!("--{}", option.long))
            .collect()
    }

    /// Whether a camera is named: the applet then doesn't start without it.
    pub fn names_source(&self) -> bool {
        self.text(&key::SOURCE)
            .is_some_and(|source| source != "auto")
    }

    /// Whether this virtual camera is named: the applet then doesn't start without it. What the config
    /// file alone asks for may come later.
    pub fn names_output(&self, spec: &OutputSpec) -> bool {
        let by_kind = !self.outputs.is_empty() && spec.kind != OutputKind::Auto;
        let by_device = spec.device.is_some() && self.device() == spec.device;
        by_kind || by_device
    }

    fn text(&self, key: &Key) -> Option<&str> {
        let named = self.values.iter().find(|(named, _)| *named == key);
        named.map(|(_, text)| text.as_str())
    }

    /// The path that `--device` names.
    fn device(&self) -> Option<PathBuf> {
        parse_device(self.text(&key::DEVICE)?).ok().flatten()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use clap::Parser;

    use super::*;
    use crate::settings::{Delay, PixelFormat, SourceSpec};

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: RunArgs,
    }

    fn overrides(line: &str) -> Overrides {
        Line::parse_from(line.split(' ')).args.overrides
    }

    fn device(line: &str) -> Option<PathBuf> {
        let mut settings = Settings::default();
        settings.output.specs = vec!["v4l2loopback:/dev/video7".parse().unwrap()];
        overrides(line).apply(&mut settings);
        settings.output.specs[0].device.clone()
    }

    #[test]
    fn options_that_another_command_line_lacks_are_named() {
        let args = |line: &str| {
            RunArgs::of_command_line(line.split(' ').map(OsString::from)).unwrap_or_default()
        };
        for (ours, theirs, wanted) in [
            ("lenscap", "lenscap -w 640", ""),
            ("lenscap run -w 640", "lenscap --width 640", ""),
            (
                "lenscap -w 640 -H 480",
                "lenscap run -w 320 -H 480",
                "--width",
            ),
            ("lenscap --no-tray", "lenscap", "--no-tray"),
            (
                "lenscap --output vcam",
                "lenscap --output pipewire",
                "--output",
            ),
            ("lenscap --source test", "python3 applet.py", "--source"),
        ] {
            let beyond = args(ours).overrides.options_beyond(&args(theirs).overrides);
            assert_eq!(beyond.join(" "), wanted, "{ours}; {theirs}");
        }
    }

    #[test]
    fn nothing_named_changes_nothing() {
        let mut settings = Settings::default();
        overrides("lenscap").apply(&mut settings);
        assert_eq!(settings, Settings::default());
        assert_eq!(overrides("lenscap").names(), Vec::<&str>::new());
    }

    #[test]
    fn every_option_is_laid_over_the_settings() {
        let line = "lenscap -d /dev/video3 -w 640 -H 480 -f 15 -c 100 -b 4 \
                    --activation-delay-ms 20 --poll-interval-ms 70";
        let mut settings = Settings::default();
        overrides(line).apply(&mut settings);
        let mut wanted = Settings::default();
        wanted.output.specs[0].device = Some("/dev/video3".into());
        wanted.camera.width = 640;
        wanted.camera.height = 480;
        wanted.camera.framerate = 15;
        wanted.camera.buffer_count = 4;
        wanted.delays.activation = Delay::Fixed(Duration::from_millis(20));
        wanted.delays.cooldown = Duration::from_millis(100);
        wanted.delays.poll_interval = Duration::from_millis(70);
        assert_eq!(settings, wanted);
        let names = "width height framerate buffer_count activation_ms cooldown_ms \
                     poll_interval_ms device";
        assert_eq!(overrides(line).names().join(" "), names);
    }

    #[test]
    fn long_names_are_laid_over_the_settings_too() {
        let line =
            "lenscap --source test --output v4l2loopback:/dev/video4 --format nv12 --no-tray";
        let mut settings = Settings::default();
        overrides(line).apply(&mut settings);
        assert_eq!(settings.camera.source, SourceSpec::Test);
        let spec = "v4l2loopback:/dev/video4".parse().unwrap();
        assert_eq!(settings.output.specs, [spec]);
        assert_eq!(settings.output.format, Some(PixelFormat::Nv12));
        assert!(!settings.desktop.tray);
        let names = ["source", "output", "device", "format", "tray"];
        assert_eq!(overrides(line).names(), names);
    }

    #[test]
    fn the_device_is_the_most_precise_one_named() {
        assert_eq!(device("lenscap"), Some("/dev/video7".into()));
        assert_eq!(device("lenscap -d auto"), None);
        assert_eq!(device("lenscap --output auto"), None);
        assert_eq!(
            device("lenscap --output v4l2loopback -d /dev/video1"),
            Some("/dev/video1".into())
        );
    }

    #[test]
    fn only_a_named_device_or_kind_must_be_there() {
        for (line, source, output) in [
            ("lenscap", false, false),
            ("lenscap --source auto --output auto -d auto", false, false),
            ("lenscap --source test", true, false),
            ("lenscap --output v4l2loopback", false, true),
            ("lenscap --output pipewire", false, true),
            ("lenscap -d /dev/video1", false, true),
        ] {
            assert_eq!(overrides(line).names_source(), source, "{line}");
            let mut settings = Settings::default();
            overrides(line).apply(&mut settings);
            let spec = &settings.output.specs[0];
            assert_eq!(overrides(line).names_output(spec), output, "{line}");
        }
    }

    #[test]
    fn a_named_device_doesnt_name_what_the_file_asks_for_beside_it() {
        let mut settings = Settings::default();
        settings.output.specs = ["v4l2loopback", "pipewire"]
            .map(|spec| spec.parse().unwrap())
            .into();
        let line = overrides("lenscap -d /dev/video1");
        line.apply(&mut settings);
        let specs = settings.output.specs.iter();
        let named: Vec<_> = specs.map(|spec| line.names_output(spec)).collect();
        assert_eq!(named, [true, false]);
    }

    #[test]
    fn two_options_may_not_name_two_devices() {
        let named = |line| overrides(line).check().is_ok();
        assert!(named(
            "lenscap -d /dev/video1 --output v4l2loopback:/dev/video1"
        ));
        assert!(named("lenscap -d /dev/video1 --output auto"));
        assert!(!named(
            "lenscap -d /dev/video1 --output v4l2loopback:/dev/video2"
        ));
    }

    #[test]
    fn outputs_stand_together_where_that_makes_sense() {
        let specs = |line: &str| {
            let mut settings = Settings::default();
            overrides(line).apply(&mut settings);
            let specs = settings.output.specs.iter().map(ToString::to_string);
            (
                overrides(line).check().is_ok(),
                specs.collect::<Vec<_>>().join(" "),
            )
        };
        let both = "--output v4l2loopback --output pipewire";
        for (line, fits, wanted) in [
            (both.to_owned(), true, "v4l2loopback pipewire"),
            (
                format!("{both} -d /dev/video1"),
                true,
                "v4l2loopback:/dev/video1 pipewire",
            ),
            (
                "--output pipewire -d /dev/video1".to_owned(),
                false,
                "pipewire",
            ),
            ("--output pipewire -d auto".to_owned(), true, "pipewire"),
            (
                "--output pipewire --output pipewire".to_owned(),
                false,
                "pipewire pipewire",
            ),
            (
                format!("{both} --output auto"),
                false,
                "v4l2loopback pipewire auto",
            ),
        ] {
            let line = format!("lenscap {line}");
            assert_eq!(specs(&line), (fits, wanted.to_owned()), "{line}");
        }
    }
}
