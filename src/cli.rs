//! The command line: parses it and runs the command.

mod applet;
mod args;
mod control;
mod devices;
mod doctor;
mod follow;
mod log;

use std::process::ExitCode;

use crate::dbus::Request;
use crate::{app, capture, i18n, output, program, stderr};
use args::{ChildJob, Command};

/// The command line's definition, for manual pages and shell completions.
pub fn command() -> clap::Command {
    args::command()
}

/// Runs the program.
pub fn main() -> ExitCode {
    i18n::init();
    let code = run();
    stderr::flush();
    code
}

fn run() -> ExitCode {
    let command = match args::parse(std::env::args_os()) {
        Ok(command) => command,
        Err(error) => return args::explain(&error),
    };
    log::init(matches!(command, Command::Capture(_)));
    if matches!(command, Command::Run(_) | Command::Capture(_)) {
        program::set_up();
    }
    if matches!(command, Command::Capture(_)) {
        program::name_process();
        capture::child::set_up();
    }
    match command {
        Command::Run(args) => app::run(&args),
        Command::Status { json, follow: true } => follow::run(json),
        Command::Status { json, .. } => control::status(json),
        Command::Pause => control::request(Request::Pause),
        Command::Resume => control::request(Request::Resume),
        Command::Quit => control::quit(),
        Command::Preferences => control::request(Request::ShowPreferences),
        Command::Devices { json } => devices::run(json, output::find_all()),
        Command::Doctor { json, fix } => doctor::run(json, fix),
        Command::Capture(args) => match args.job() {
            Ok(ChildJob::Work) => capture::worker::run(),
            Ok(ChildJob::Probe(source, pipewire)) => {
                capture::probe::run(source.as_deref(), pipewire)
            }
            Ok(ChildJob::DrawCards(geometry, placeholder)) => {
                capture::card::run(geometry, &placeholder)
            }
            Ok(ChildJob::QueryElements(names)) => capture::elements::run(&names),
            Err(error) => args::explain(&error),
        },
    }
}
