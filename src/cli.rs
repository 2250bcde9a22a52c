//! The command line: reads it, and hands over to whoever does the work.

mod applet;
mod args;
mod control;
mod devices;
mod follow;
mod log;

use std::process::ExitCode;

use crate::dbus::Request;
use crate::{app, capture, output};
use args::{Command, Job};

/// Runs the program.
pub fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    if arguments == ["capture"] {
        tracing_subscriber::fmt()
            .with_writer(std::io::stderr)
            .init();
        return crate::capture::worker::run();
    }
    ExitCode::SUCCESS
}
