//! What the command line lays over the config file, for this run only.
//!
//! The type derives its options here, and not in the command line's room, because the applet keeps
//! the values for as long as it runs: they are laid over the file again after every reload.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::i18n::gettext_f;
use crate::settings::check_outputs;
use crate::settings::{
    Delay, OutputKind, OutputSpec, PixelFormat, Settings, SourceSpec, SpecError,
};
use crate::settings::{parse_buffer_count, parse_device, parse_format, parse_framerate};
use crate::settings::{parse_ms, parse_poll_interval, parse_size};

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

/// Values named on the command line. `None` leaves the config file's.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// The real camera [default: auto]
    #[arg(long, value_name = "SOURCE", help_heading = "Camera")]
    pub source: Option<SourceSpec>,

    /// Pixels in a line, even [default: 1920]
    #[arg(short, long, value_parser = parse_size, allow_negative_numbers = true, help_heading = "Camera")]
    pub width: Option<u32>,

    /// Lines in a frame, even [default: 1080]
    #[arg(short = 'H', long, value_parser = parse_size, allow_negative_numbers = true, help_heading = "Camera")]
    pub height: Option<u32>,

    /// Frames a second [default: 30]
    #[arg(short, long, value_parser = parse_framerate, allow_negative_numbers = true, help_heading = "Camera")]
    pub framerate: Option<u32>,

    /// Buffers that icamerasrc keeps in flight, 2 to 10 [default: 7]
    #[arg(short, long, value_name = "COUNT", value_parser = parse_buffer_count, allow_negative_numbers = true, help_heading = "Camera")]
    pub buffer_count: Option<u32>,

    /// How long an application must look before the camera goes on [default: auto]
    #[arg(
        long = "activation-delay-ms",
        value_name = "MS|auto",
        allow_negative_numbers = true,
        help_heading = "Delays"
    )]
    pub activation_ms: Option<Delay>,

    /// How long the camera stays on after the last application left [default: 5000]
    #[arg(short, long, value_name = "MS", value_parser = parse_ms, allow_negative_numbers = true, help_heading = "Delays")]
    pub cooldown_ms: Option<Duration>,

    /// How often to look whether applications are still there, where the driver does not tell
    /// [default: 50]
    #[arg(long, value_name = "MS", value_parser = parse_poll_interval, allow_negative_numbers = true, help_heading = "Delays")]
    pub poll_interval_ms: Option<Duration>,

    /// The virtual camera: auto, v4l2loopback[:PATH], vcam or pipewire; give it again for another one
    /// beside it [default: auto]
    #[arg(long, help_heading = "Virtual camera")]
    pub output: Vec<OutputSpec>,

    /// The virtual camera's device: a path, or auto to find one by its driver [default: auto]
    #[arg(short, long, value_parser = parse_device, help_heading = "Virtual camera")]
    pub device: Option<Device>,

    /// What applications see: auto, YUY2, UYVY, NV12 or I420 [default: auto, which is YUY2]
    #[arg(long, value_parser = parse_format, help_heading = "Virtual camera")]
    pub format: Option<Format>,

    /// Show no tray icon
    #[arg(long, help_heading = "Program")]
    pub no_tray: bool,
}

/// A device path, or `None` to find one. Named, because clap reads a bare `Option<Option<_>>` as an
/// option whose value may be missing.
pub type Device = Option<PathBuf>;

/// A pixel format, or `None` to let the output choose.
pub type Format = Option<PixelFormat>;

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
    #[error("{}", .0.say(gettext_f))]
    Outputs(#[from] SpecError),
}

impl Overrides {
    /// Checks what no single value can tell.
    pub fn check(&self) -> Result<(), Conflict> {
        check_outputs(&self.output)?;
        let Some(Some(device)) = &self.device else {
            return Ok(());
        };
        let named = self.output.iter().filter_map(|spec| spec.device.as_ref());
        if let Some(other) = named.into_iter().find(|other| *other != device) {
            return Err(Conflict::Devices(device.clone(), other.clone()));
        }
        let mut settings = Settings::default();
        self.apply(&mut settings);
        if !settings.output.set_device(Some(device)) {
            return Err(Conflict::NoDevice(device.clone()));
        }
        Ok(check_outputs(&settings.output.specs)?)
    }

    /// Lays the values over `settings`.
    pub fn apply(&self, settings: &mut Settings) {
        let Settings {
            camera,
            delays,
            output,
            desktop,
        } = settings;
        set(&mut camera.source, self.source.as_ref());
        set(&mut camera.width, self.width.as_ref());
        set(&mut camera.height, self.height.as_ref());
        set(&mut camera.framerate, self.framerate.as_ref());
        set(&mut camera.buffer_count, self.buffer_count.as_ref());
        set(&mut delays.activation, self.activation_ms.as_ref());
        set(&mut delays.cooldown, self.cooldown_ms.as_ref());
        set(&mut delays.poll_interval, self.poll_interval_ms.as_ref());
        if !self.output.is_empty() {
            output.specs.clone_from(&self.output);
        }
        if let Some(device) = &self.device {
            output.set_device(device.as_ref());
        }
        set(&mut output.format, self.format.as_ref());
        desktop.tray &= !self.no_tray;
    }

    /// The names of what is overridden, as the config file calls it.
    pub fn names(&self) -> Vec<&'static str> {
        let named = [
            (self.source.is_some(), "source"),
            (self.width.is_some(), "width"),
            (self.height.is_some(), "height"),
            (self.framerate.is_some(), "framerate"),
            (self.buffer_count.is_some(), "buffer_count"),
            (self.activation_ms.is_some(), "activation_ms"),
            (self.cooldown_ms.is_some(), "cooldown_ms"),
            (self.poll_interval_ms.is_some(), "poll_interval_ms"),
            (!self.output.is_empty(), "output"),
            (self.sets_device(), "device"),
            (self.format.is_some(), "format"),
            (self.no_tray, "tray"),
        ];
        let overridden = named.into_iter().filter(|(is_named, _)| *is_named);
        overridden.map(|(_, name)| name).collect()
    }

    /// Whether a camera is named: the applet then doesn't start without it.
    pub fn names_source(&self) -> bool {
        !matches!(self.source, None | Some(SourceSpec::Auto))
    }

    /// Whether this virtual camera is named: the applet then doesn't start without it. What the config
    /// file alone asks for may come later.
    pub fn names_output(&self, spec: &OutputSpec) -> bool {
        let by_kind = !self.output.is_empty() && spec.kind != OutputKind::Auto;
        let by_device = spec.device.is_some() && self.device.as_ref() == Some(&spec.device);
        by_kind || by_device
    }

    /// `--output` is kind and device in one, so it overrides both keys.
    fn sets_device(&self) -> bool {
        self.device.is_some() || !self.output.is_empty()
    }
}

fn set<T: Clone>(field: &mut T, value: Option<&T>) {
    if let Some(value) = value {
        field.clone_from(value);
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

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
