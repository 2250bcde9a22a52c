//! The command line: reads it, and hands over to whoever does the work.

mod applet;
mod args;
mod control;
mod devices;
mod doctor;
mod follow;
mod log;

use std::process::ExitCode;

use crate::dbus::Request;
use crate::{app, capture, i18n, output};
use args::{Command, Job};

/// Everything that can be written on the command line, for manuals and for shells that complete it.
pub fn command() -> clap::Command {
    args::command()
}

/// Runs the program.
pub fn main() -> ExitCode {
    i18n::init();
    let command = match args::parse(std::env::args_os()) {
        Ok(command) => command,
        Err(error) => return args::explain(&error),
    };
    log::init(matches!(command, Command::Capture(_)));
    match command {
        Command::Run(args) => app::run(args),
        Command::Status { json, follow: true } => follow::run(json),
        Command::Status { json, .. } => control::status(json),
        Command::Pause => control::request(Request::Pause),
        Command::Resume => control::request(Request::Resume),
        Command::Quit => control::quit(),
        Command::Preferences => control::request(Request::ShowPreferences),
        Command::Devices { json } => devices::run(json, output::find_all()),
        Command::Doctor { json, fix } => doctor::run(json, fix),
        Command::Capture(args) => match args.job() {
            Ok(Job::Work) => capture::worker::run(),
            Ok(Job::Probe(source)) => capture::probe::run(source.as_deref()),
            Ok(Job::DrawCards(geometry, placeholder)) => capture::card::run(geometry, &placeholder),
            Ok(Job::TellElements(names)) => capture::elements::run(&names),
            Err(error) => args::explain(&error),
        },
    }
}
