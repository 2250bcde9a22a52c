//! The command line.

use std::process::ExitCode;

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
