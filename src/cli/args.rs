//! The command line's arguments, and messages about invalid ones.

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
use crate::stderr::say;

/// Exit code for a malformed command line.
const USAGE: u8 = 2;

/// A lens cap for the laptop camera: a virtual camera that is always ready, and a real one that is
/// on only while an application uses it
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
  pipewire[:NODE]       a camera of PipeWire, by its node.name
  rtsp://, http://      a network camera; rtsps:// and https://, too
  rtp://ADDRESS:PORT?encoding=JPEG
                        bare RTP sent to this machine, or encoding=H264;
                        &framing=stream if each packet is preceded by its length
  rtp+tcp://HOST:PORT?encoding=H264
                        the same, but connects to the camera
  test                  a moving test picture with the time
  pipeline:DESCRIPTION  any source in gst-launch-1.0 syntax

Virtual cameras:
  auto                  v4l2loopback if its module is loaded, else vcam, else PipeWire
  v4l2loopback[:PATH]   a device that every application can open
  vcam                  a camera of the vcam driver, on kernels that have it
  pipewire              a camera for applications that use PipeWire, without a kernel module

Options override the config file for this run. The file is lenscap/lenscap.toml in the user's
config directory; changes take effect when it is saved.

An automatic activation delay is 0 if the driver reports which applications stream, and 1000 if it
only reports which open the camera: long enough for those that just list cameras.

LENSCAP_LOG sets the log level: error, warn, info, debug, trace or off.";

const EXIT_CODES: &str = "\
Exits with 0 if there is no problem, and with 1 if there is something to fix.";

#[derive(Subcommand)]
pub enum Command {
    /// Run the applet; the default without a command
    #[command(override_usage = "lenscap [run] [OPTIONS]", after_help = MORE)]
    Run(RunArgs),
    /// Print the applet's status
    Status {
        /// As JSON, one object a line
        #[arg(long)]
        json: bool,
        /// Print every change until the applet ends
        #[arg(long)]
        follow: bool,
    },
    /// Cover the camera until 'resume', even while applications use it
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
    /// Find out why there is no picture, and fix it
    #[command(after_help = EXIT_CODES)]
    Doctor {
        /// As JSON, one object per line, each with the keys rung, title, status (ok, problem, note or
        /// skipped), code, what, why, fix and action; null if it doesn't apply
        #[arg(long)]
        json: bool,
        /// Apply the fixes that Lenscap can apply by itself, or ACTION only; asks for an administrator's
        /// password if necessary
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
    /// A child process of the applet
    #[command(hide = true)]
    Capture(CaptureArgs),
}

/// The fixes to apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fix {
    All,
    /// This one, if a finding offers it.
    One(Action),
}

fn fix(text: &str) -> Result<Fix, String> {
    let named = |action: &Action| action.name() == text;
    match Action::all().find(named) {
        Some(action) => Ok(Fix::One(action)),
        None if text == "all" => Ok(Fix::All),
        None => {
            let known: Vec<_> = Action::all().map(Action::name).collect();
            let values = [("all", "all"), ("actions", &known.join(", "))];
            Err(gettext_f("give {all}, or one of {actions}", &values))
        }
    }
}

/// The job of a child process; without an option, the capture worker.
#[derive(Args)]
pub struct CaptureArgs {
    /// Find cameras, or check this one
    #[arg(long, value_name = "SOURCE", num_args = 0..=1)]
    probe: Option<Vec<String>>,
    /// Find the cameras of PipeWire instead of the local ones
    #[arg(long, requires = "probe")]
    pipewire: bool,
    /// Draw the placeholder pictures
    #[arg(long, value_names = ["WxH", "FORMAT", "PLACEHOLDER"], num_args = 3, conflicts_with = "probe")]
    cards: Option<Vec<String>>,
    /// Print those of these elements that GStreamer has
    #[arg(long, value_name = "ELEMENT", num_args = 1.., conflicts_with_all = ["probe", "cards"])]
    elements: Option<Vec<String>>,
}

/// The job of a child process.
pub enum ChildJob {
    Work,
    /// A source, and whether to find PipeWire's cameras.
    Probe(Option<String>, bool),
    DrawCards(Geometry, PlaceholderSpec),
    QueryElements(Vec<String>),
}

impl CaptureArgs {
    pub fn job(self) -> Result<ChildJob, clap::Error> {
        if let Some(elements) = self.elements {
            return Ok(ChildJob::QueryElements(elements));
        }
        match (self.cards.as_deref(), self.probe) {
            (Some([size, format, placeholder]), _) => {
                draw_cards(size, format, placeholder).map_err(|error| usage(&error))
            }
            (_, Some(source)) => Ok(ChildJob::Probe(source.into_iter().next(), self.pipewire)),
            (_, None) => Ok(ChildJob::Work),
        }
    }
}

fn draw_cards(size: &str, format: &str, placeholder: &str) -> Result<ChildJob, SpecError> {
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
    Ok(ChildJob::DrawCards(geometry, placeholder.parse()?))
}

/// See [`cli::command`](super::command).
pub fn command() -> clap::Command {
    Line::command()
}

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

/// Prints requested help, or one line about an invalid command line. clap's own message has five, which
/// are hard to find in a unit's journal.
pub fn explain(error: &clap::Error) -> ExitCode {
    if error.use_stderr() {
        // Quoted values may contain line breaks.
        let line = one_line(error).replace(char::is_control, " ");
        say(format_args!("lenscap: {line}"));
        return ExitCode::from(USAGE);
    }
    // A closed pipe is not an error.
    let _ = error.print();
    ExitCode::SUCCESS
}

fn one_line(error: &clap::Error) -> String {
    let option = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(option)) => option.split(' ').next(),
        _ => None,
    };
    // Messages of our own parsers lack only the option.
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
