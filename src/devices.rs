//! The list of devices.
use std::process::ExitCode;

/// Lists.
pub fn run(_json: bool) -> ExitCode {
    ExitCode::SUCCESS
}
