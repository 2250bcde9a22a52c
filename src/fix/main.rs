//! `lenscap-fix`: the few repairs of a set-up that need root, by name, and nothing else.
//!
//! It is started through polkit (`pkexec`) and trusts nobody: it takes one word of a closed list,
//! reads no environment, no file and no standard input of the caller's, and starts programs by
//! absolute paths, without a shell and with an environment of its own. Every action is a list of
//! [`Step`](step::Step)s made before the first one is taken, so that a dry run prints exactly what
//! would be done. It is a package of its own that depends on `std`, `rustix` and the list of actions:
//! what is not linked can't be attacked.

mod control;
mod order;
mod plan;
mod step;
mod tool;
mod write;

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use rustix::fs::Mode;

use order::Order;

/// What isn't on the list is refused with this status, as the main program does.
const REFUSED: u8 = 2;

fn main() -> ExitCode {
    let Some(order) = Order::read(std::env::args_os().skip(1)) else {
        print_error(&order::usage());
        return ExitCode::from(REFUSED);
    };
    match execute(order) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            print_error(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

fn execute(order: Order) -> io::Result<()> {
    if !order.dry_run {
        check_caller()?;
        reset_process()?;
    }
    let steps = plan::steps(order.action, Path::new("/"))?;
    if steps.is_empty() {
        print("nothing to do");
    }
    for step in steps {
        if order.dry_run {
            print(&format!("would {step}"));
        } else {
            print(&step.to_string());
            if let Some(result) = step.take(Path::new("/"))? {
                print(&result);
            }
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

/// Resets what is inherited from the caller: the working directory and the umask.
fn reset_process() -> io::Result<()> {
    rustix::process::umask(Mode::from_bits_truncate(0o022));
    rustix::process::chdir("/")?;
    Ok(())
}

/// A caller that has stopped reading must not stop a repair half way.
fn print(line: &str) {
    let _ = writeln!(io::stdout(), "{line}");
}

fn print_error(line: &str) {
    let _ = writeln!(io::stderr(), "lenscap-fix: {line}");
}
