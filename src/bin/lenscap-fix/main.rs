//! `lenscap-fix`: the few repairs of a set-up that need root, by name, and nothing else.
//!
//! It is started through polkit (`pkexec`) and trusts nobody: it takes one word of a closed list,
//! reads no environment, no file and no standard input of the caller's, and starts programs by
//! absolute paths, without a shell and with an environment of its own. Every action is a list of
//! [`Step`](step::Step)s made before the first one is taken, so that a dry run prints exactly what
//! would be done. It has no dependencies beyond `std` and `rustix`: what is not linked can't be
//! attacked.

mod action;
mod control;
mod plan;
mod step;
mod tool;
mod write;

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use rustix::fs::Mode;

use action::Order;

/// What isn't on the list is refused with this status, as the main program does.
const REFUSED: u8 = 2;

fn main() -> ExitCode {
    let Some(order) = Order::read(std::env::args_os().skip(1)) else {
        complain(&action::usage());
        return ExitCode::from(REFUSED);
    };
    match obey(order) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

fn obey(order: Order) -> io::Result<()> {
    if !order.dry_run {
        check_caller()?;
        settle_in()?;
    }
    let steps = plan::steps(order.action, Path::new("/"))?;
    if steps.is_empty() {
        say("nothing to do");
    }
    for step in steps {
        if order.dry_run {
            say(&format!("would {step}"));
        } else {
            say(&step.to_string());
            step.take(Path::new("/"))?;
        }
    }
    Ok(())
}

/// Root, and root alone: a set-user-id copy of this program would act for whoever calls it.
fn check_caller() -> io::Result<()> {
    use rustix::process::{getegid, geteuid, getgid, getuid};
    if !geteuid().is_root() {
        return Err(io::Error::other(
            "this needs root: call it by sudo, or by `lenscap doctor --fix`",
        ));
    }
    if getuid() != geteuid() || getgid() != getegid() {
        return Err(io::Error::other("this must not be set-user-id"));
    }
    Ok(())
}

/// Leaves the caller's directory and the caller's idea of permissions.
fn settle_in() -> io::Result<()> {
    rustix::process::umask(Mode::from_bits_truncate(0o022));
    rustix::process::chdir("/")?;
    Ok(())
}

/// A caller that has stopped reading must not stop a repair half way.
fn say(line: &str) {
    let _ = writeln!(io::stdout(), "{line}");
}

fn complain(line: &str) {
    let _ = writeln!(io::stderr(), "lenscap-fix: {line}");
}
