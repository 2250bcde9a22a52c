//! The running program, from which every child process is started, so that both are the same version.

use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Works even after the program's file was removed or replaced.
const RUNNING: &str = "/proc/self/exe";
/// `argv[0]` in that case.
const NAME: &str = "lenscap";

/// Whether this is a Flatpak: the file is there inside one, and nowhere else.
pub fn is_flatpak() -> bool {
    Path::new("/.flatpak-info").exists()
}

/// What a process that handles frames does first. What it starts inherits both.
pub fn set_up() {
    if let Err(error) = deny_core_dumps() {
        tracing::warn!("a crash may leave frames on disk: {error}");
    }
    ignore_stops();
}

/// A core dump would hold the camera's frames. With a limit of 1, the kernel dumps neither to a file
/// nor to a program such as systemd-coredump; to the latter it does with a limit of 0.
fn deny_core_dumps() -> rustix::io::Result<()> {
    let maximum = getrlimit(Resource::Core).maximum;
    let limit = Some(maximum.map_or(1, |maximum| maximum.min(1)));
    let limits = Rlimit {
        current: limit,
        maximum: limit,
    };
    setrlimit(Resource::Core, limits)
}

/// Ctrl+Z in a terminal, or output to it from the background, would stop a relay whose camera is on.
fn ignore_stops() {
    for signal in [libc::SIGTSTP, libc::SIGTTIN, libc::SIGTTOU] {
        // SAFETY: there is no handler that could do anything at a wrong time.
        unsafe { libc::signal(signal, libc::SIG_IGN) };
    }
}

/// A command that runs this program, even after an upgrade or a removal.
pub fn command() -> io::Result<Command> {
    let path = std::env::current_exe()?;
    if path.exists() {
        return Ok(Command::new(path));
    }
    let mut command = Command::new(RUNNING);
    command.arg0(NAME);
    Ok(command)
}
