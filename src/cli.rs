//! The command line.

pub mod devices;

use std::ffi::OsStr;
use std::process::ExitCode;

use crate::capture::{card, probe};
use crate::settings::Geometry;

/// Runs the program.
pub fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().filter_map(|a| OsStr::to_str(a)).collect();
    match arguments[..] {
        ["capture", "--probe"] => probe::run(None),
        ["capture", "--probe", spec] => probe::run(Some(spec)),
        ["devices"] => devices::run(false, &[]),
        ["devices", "--json"] => devices::run(true, &[]),
        ["capture", "--cards", size, format, placeholder] => {
            let (Some((width, height)), Ok(format), Ok(placeholder)) =
                (size.split_once('x'), format.parse(), placeholder.parse())
            else {
                return ExitCode::from(2);
            };
            let (Ok(width), Ok(height)) = (width.parse(), height.parse()) else {
                return ExitCode::from(2);
            };
            let geometry = Geometry {
                format,
                width,
                height,
            };
            card::run(geometry, &placeholder)
        }
        _ => ExitCode::from(2),
    }
}
