//! The program that runs. Every child process is started from it: it speaks the same words.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// The kernel's own way to the program, wherever it is now.
const RUNNING: &str = "/proc/self/exe";
/// What the program is called where its path is of no use.
const NAME: &str = "lenscap";

/// The running program, though an upgrade or a removal has taken its file away.
pub fn command() -> io::Result<Command> {
    let path = std::env::current_exe()?;
    if path.exists() {
        return Ok(Command::new(path));
    }
    let mut command = Command::new(RUNNING);
    command.arg0(NAME);
    Ok(command)
}
