//! The running program, from which every child process is started, so that both are the same version.

use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

/// Works even after the program's file was removed or replaced.
const RUNNING: &str = "/proc/self/exe";
/// `argv[0]` in that case.
const NAME: &str = "lenscap";

/// Whether this is a Flatpak: the file is there inside one, and nowhere else.
pub fn is_flatpak() -> bool {
    Path::new("/.flatpak-info").exists()
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
