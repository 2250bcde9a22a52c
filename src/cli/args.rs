//! What can be written on the command line, and what is said about what can't.

use std::error::Error;
use std::ffi::OsString;
use std::fmt::Display;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Args, CommandFactory, Parser, Subcommand};

use crate::config::RunArgs;
use crate::doctor::Action;
use crate::i18n::{gettext_f, translate};
use crate::settings::{Geometry, PlaceholderSpec, SpecError, n_, parse_size};

/// A malformed command line; scripts tell it from a failure (1).
const USAGE: u8 = 2;

/// A lens cap for the laptop camera: a virtual camera that is always ready, and a real one that is
/// on only while somebody looks
#[derive(Parser)]
#[command(
    name = "lenscap",
    version,
    args_conflicts_with_subcommands = true,
    disable_help_subcommand = true,
    override_usage = "lenscap [run] [OPTIONS]\n       lenscap <COMMAND>",
    after_help = MORE
)]
struct Line {
    #[command(flatten)]
    run: RunArgs,
    #[command(subcommand)]
    command: Option<Command>,
}

const MORE: &str = "\
Sources:
  auto                  the first camera that works
  icamerasrc[:NAME]     Intel IPU6 or IPU7, by the element's device-name
  libcamera[:ID]        a camera of libcamera's, by its id
  v4l2:PATH             a V4L2 camera, such as v4l2:/dev/video2
  pipewire[:NODE]       a camera that PipeWire offers, by its node.name
  rtsp://, http://      a camera in the network; with rtsps:// and https:// too
  rtp://ADDRESS:PORT?encoding=JPEG
                        bare RTP that is sent to this machine, or encoding=H264;
                        &framing=stream where each packet has its length before it
  rtp+tcp://HOST:PORT?encoding=H264
                        the same, fetched from the camera
  test                  a moving test picture with the time
  pipeline:DESCRIPTION  any source in gst-launch-1.0 syntax

Virtual cameras:
  auto                  v4l2loopback where its module is loaded, else vcam, else PipeWire
  v4l2loopback[:PATH]   a device that every application can open
  vcam                  a camera of the vcam driver, on kernels that have it
  pipewire              a camera for applications that ask PipeWire, with no kernel module

Options override the config file for this run. The file is lenscap/lenscap.toml in the user's
config directory; changes take effect as it is saved.

An automatic activation delay is 0 where the driver tells who streams, and 1000 where it only
tells who opens the camera: long enough for applications that just list cameras.

LENSCAP_LOG sets how much is logged: error, warn, info, debug, trace or off.";

const LADDER: &str = "\
Exits with 0 if all is well, and with 1 if there is something to fix.";

/// What to do.
#[derive(Subcommand)]
pub enum Command {
    /// Run the applet; this is what happens without a command
    #[command(override_usage = "lenscap [run] [OPTIONS]", after_help = MORE)]
    Run(RunArgs),
    /// Say what the applet is doing
    Status {
        /// As JSON, one object a line
        #[arg(long)]
        json: bool,
        /// Go on with every change, until the applet ends
        #[arg(long)]
        follow: bool,
    },
    /// Cover the camera until 'resume', whoever looks
    Pause,
    /// Allow the camera again
    Resume,
    /// End the applet
    Quit,
    /// Open the preferences of the running applet
    Preferences,
    /// List cameras and virtual cameras, with the reason for each that can't be used
    Devices {
        /// As JSON, one object a line
        #[arg(long)]
        json: bool,
    },
    /// Find out why there is no picture, and mend it
    #[command(after_help = LADDER)]
    Doctor {
        /// As JSON, one object a line, each with the keys rung, title, status (ok, problem, note or
        /// skipped), code, what, why, fix and action; null where there is nothing to say
        #[arg(long)]
        json: bool,
        /// Do what Lenscap can do about it, or ACTION alone; asks for an administrator's password
        /// where that takes one
        #[arg(
            long,
            value_name = "ACTION",
            num_args = 0..=1,
            require_equals = true,
            default_missing_value = "all",
            value_parser = fix
        )]
        fix: Option<Fix>,
    },
    /// Work for the applet, in a process of its own
    #[command(hide = true)]
    Capture(CaptureArgs),
}

/// What the doctor is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fix {
    /// Whatever it can.
    All,
    /// This, if that is called for.
    One(Action),
}

fn fix(text: &str) -> Result<Fix, String> {
    let named = |action: &Action| action.name() == text;
    match Action::ALL.into_iter().find(named) {
        Some(action) => Ok(Fix::One(action)),
        None if text == "all" => Ok(Fix::All),
        None => Err(gettext_f(
            "give {all}, or one of {actions}",
            &[
                ("all", "all"),
                ("actions", &Action::ALL.map(Action::name).join(", ")),
            ],
        )),
    }
}

/// What a process started by the applet is to do; without an option, the capture worker's job.
#[derive(Args)]
pub struct CaptureArgs {
    /// Look for cameras, or check this one
    #[arg(long, value_name = "SOURCE", num_args = 0..=1)]
    probe: Option<Vec<String>>,
    /// Draw the placeholder pictures
    #[arg(long, value_names = ["WxH", "FORMAT", "PLACEHOLDER"], num_args = 3, conflicts_with = "probe")]
    cards: Option<Vec<String>>,
    /// Tell which of these elements GStreamer knows
    #[arg(long, value_name = "ELEMENT", num_args = 1.., conflicts_with_all = ["probe", "cards"])]
    elements: Option<Vec<String>>,
}

/// The jobs of child processes.
pub enum Job {
    /// Fill frames from the camera.
    Work,
    /// Look for cameras, or check this one.
    Probe(Option<String>),
    /// Draw the placeholder pictures.
    DrawCards(Geometry, PlaceholderSpec),
    /// Tell which of these elements `GStreamer` knows.
    TellElements(Vec<String>),
}

impl CaptureArgs {
    /// The one job asked for.
    pub fn job(self) -> Result<Job, clap::Error> {
        if let Some(elements) = self.elements {
            return Ok(Job::TellElements(elements));
        }
        match (self.cards.as_deref(), self.probe) {
            (Some([size, format, placeholder]), _) => {
                draw_cards(size, format, placeholder).map_err(|error| usage(&error))
            }
            (_, Some(source)) => Ok(Job::Probe(source.into_iter().next())),
            (_, None) => Ok(Job::Work),
        }
    }
}

fn draw_cards(size: &str, format: &str, placeholder: &str) -> Result<Job, SpecError> {
    let (width, height) = size.split_once('x').ok_or_else(|| {
        SpecError::new(
            n_("'{text}' is not a size: write 1920x1080"),
            &[("text", size)],
        )
    })?;
    let geometry = Geometry {
        format: format.parse()?,
        width: parse_size(width)?,
        height: parse_size(height)?,
    };
    Ok(Job::DrawCards(geometry, placeholder.parse()?))
}

/// See [`cli::command`](super::command).
pub fn command() -> clap::Command {
    Line::command()
}

/// Reads the command line.
pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Command, clap::Error> {
    let line = Line::try_parse_from(args)?;
    let command = line.command.unwrap_or(Command::Run(line.run));
    if let Command::Run(args) = &command {
        args.overrides
            .check()
            .map_err(|conflict| usage(&conflict))?;
    }
    Ok(command)
}

fn usage(error: &impl Display) -> clap::Error {
    clap::Error::raw(ErrorKind::ValueValidation, error)
}

/// Shows why the command line leads no further: help that was asked for, or one line about what is
/// wrong with it. clap's own rendering takes five, and gets lost in a unit's journal.
pub fn explain(error: &clap::Error) -> ExitCode {
    if error.use_stderr() {
        // Values are quoted as they came, line breaks and all.
        let line = one_line(error).replace(char::is_control, " ");
        eprintln!("lenscap: {line}");
        return ExitCode::from(USAGE);
    }
    // A reader that has seen enough is no failure.
    let _ = error.print();
    ExitCode::SUCCESS
}

fn one_line(error: &clap::Error) -> String {
    let option = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(option)) => option.split(' ').next(),
        _ => None,
    };
    // Our own parsers name the value and say what to give instead; only the option is missing.
    if let (Some(option), Some(source)) = (option, error.source()) {
        let reason = match source.downcast_ref::<SpecError>() {
            Some(error) => translate(error.message()),
            None => source.to_string(),
        };
        return format!("{option}: {reason}");
    }
    let text = error.render().to_string();
    let parts: Vec<_> = text
        .lines()
        .map(str::trim)
        .take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more information"))
        .map(|line| {
            line.trim_start_matches("error: ")
                .trim_start_matches("tip: ")
        })
        .filter(|line| !line.is_empty())
        .collect();
    let line = parts.join("; ");
    match error.kind() {
        ErrorKind::ValueValidation => line,
        _ => format!("{line}; see 'lenscap --help'"),
    }
}
