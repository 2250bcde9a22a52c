//! Runs inside the test machine: scenarios that start `lenscap` and check its clients' frames, and the benchmark.

mod applet;
mod bench;
mod broken_machine;
mod chromium;
mod client;
mod proc;
mod scenarios;
mod test_bed;
mod tools;
mod v4l2;
mod vcam;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::{test_bed::Group, tools::GuestTools};

#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run scenarios: all that fit the driver, or those whose name contains one of NAMES.
    Run {
        /// v4l2loopback's series: 0.12, 0.13 or 0.15; or vcam.
        #[arg(long)]
        module: String,
        /// Load the driver with exclusive_caps=0.
        #[arg(long)]
        no_exclusive_caps: bool,
        /// Long scenarios: thousands of frames, hundreds of activations.
        #[arg(long)]
        soak: bool,
        names: Vec<String>,
    },
    /// Compare Lenscap with alternatives.
    Bench {
        #[arg(long, default_value = "0.15")]
        module: String,
        /// Seconds to measure each one.
        #[arg(long, default_value_t = 10)]
        seconds: u64,
        /// Only the alternatives, not Lenscap.
        #[arg(long)]
        baselines: bool,
        /// Only Lenscap's drivers, compared with each other.
        #[arg(long)]
        drivers: bool,
    },
}

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    let tools = GuestTools::unpack()?;
    match arguments.command {
        Command::Run {
            module,
            no_exclusive_caps,
            soak,
            names,
        } => {
            let group = Group {
                module,
                exclusive_caps: !no_exclusive_caps,
                soak,
            };
            let code = scenarios::play(&tools, &group, &names);
            vcam::keep_open_beyond()?;
            Ok(code)
        }
        Command::Bench {
            module,
            seconds,
            baselines,
            drivers,
        } => {
            let group = Group {
                module,
                exclusive_caps: true,
                soak: false,
            };
            let time = std::time::Duration::from_secs(seconds);
            if !drivers {
                bench::run(&tools, &group, time, baselines)?;
            }
            if !baselines {
                bench::compare_drivers(&tools, &group, time)?;
            }
            vcam::keep_open_beyond()?;
            Ok(ExitCode::SUCCESS)
        }
    }
}
