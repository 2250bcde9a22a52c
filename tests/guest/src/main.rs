//! Runs inside the test machine: scenarios that start `lenscap` and look at what its clients see, and the bench.

mod applet;
mod bench;
mod chromium;
mod client;
mod kit;
mod patient;
mod proc;
mod scenarios;
mod stage;
mod v4l2;
mod vcam;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::{kit::Kit, stage::Group};

#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Play scenarios: all that fit the driver, or those whose name contains one of NAMES.
    Run {
        /// v4l2loopback's series: 0.12, 0.13 or 0.15; or vcam.
        #[arg(long)]
        module: String,
        /// Load the driver with exclusive_caps=0.
        #[arg(long)]
        no_exclusive_caps: bool,
        /// The long forms: thousands of frames, hundreds of activations.
        #[arg(long)]
        soak: bool,
        names: Vec<String>,
    },
    /// Compare Lenscap with what else there is.
    Bench {
        #[arg(long, default_value = "0.15")]
        module: String,
        /// Seconds that each one is looked at.
        #[arg(long, default_value_t = 10)]
        seconds: u64,
        /// Only the others, not Lenscap.
        #[arg(long)]
        baselines: bool,
        /// Only Lenscap's own drivers beside each other.
        #[arg(long)]
        drivers: bool,
    },
}

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    let kit = Kit::unpack()?;
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
            let code = scenarios::play(&kit, &group, &names);
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
                bench::run(&kit, &group, time, baselines)?;
            }
            if !baselines {
                bench::compare_drivers(&kit, &group, time)?;
            }
            vcam::keep_open_beyond()?;
            Ok(ExitCode::SUCCESS)
        }
    }
}
