//! The running program, from which every child process is started, so that both are the same version.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, io};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::set_name;

/// What the kernel runs now. Its path names another version after an update, and nothing after a
/// removal. A child still has its parent's program when it opens this.
const RUNNING: &str = "/proc/self/exe";
/// `argv[0]` of a child.
const NAME: &str = "lenscap";
/// What the kernel puts behind a path whose file is gone.
const DELETED: &[u8] = b" (deleted)";

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

/// A command that runs this program, even after an update or a removal.
pub fn command() -> Command {
    let mut command = Command::new(RUNNING);
    command.arg0(NAME);
    command
}

/// Names this process after its program in lists of processes; one of [`command`]'s is `exe` there.
pub fn name_process() {
    // A name without effect is no reason to fail.
    let _ = set_name(c"lenscap");
}

/// Where this program was installed. Another version, or nothing, may be there by now.
pub fn path() -> io::Result<PathBuf> {
    Ok(without_mark(env::current_exe()?))
}

/// Whether another program has been installed in place of this one. One that was removed has not been
/// replaced.
pub fn is_replaced() -> bool {
    let installed = path().and_then(|path| file_id(&path));
    match (installed, file_id(Path::new(RUNNING))) {
        (Ok(installed), Ok(running)) => installed != running,
        _ => false,
    }
}

/// Device and inode, which are the same for all paths to a file.
pub fn file_id(path: &Path) -> io::Result<(u64, u64)> {
    let file = path.metadata()?;
    Ok((file.dev(), file.ino()))
}

/// Runs the installed program in this process, with the same arguments. Returns only if that fails.
pub fn exec_installed() -> io::Error {
    let mut args = env::args_os();
    let path = match path() {
        Ok(path) => path,
        Err(error) => return error,
    };
    let name = args.next().unwrap_or_else(|| NAME.into());
    Command::new(path).arg0(name).args(args).exec()
}

fn without_mark(path: PathBuf) -> PathBuf {
    if path.exists() {
        return path;
    }
    let bytes = path.as_os_str().as_bytes();
    let name = bytes.strip_suffix(DELETED).unwrap_or(bytes);
    OsString::from_vec(name.to_owned()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_of_a_replaced_program_has_no_mark() {
        let dir = tempfile::tempdir().unwrap();
        let strange = dir.path().join("lenscap (deleted)");
        let plain = dir.path().join("lenscap");
        assert_eq!(without_mark(strange.clone()), plain);
        assert_eq!(without_mark(plain.clone()), plain);
        std::fs::write(&strange, "").unwrap();
        assert_eq!(without_mark(strange.clone()), strange);
    }
}
