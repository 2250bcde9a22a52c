//! A lock file keeps the applet the only one in its session, with or without a session bus.
//!
//! The file has the process id of the holder, and a second line while that process is ending, which
//! takes as long as its camera takes to close: an applet that starts meanwhile waits for it.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::FlockOperation;
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, pidfd_open, test_kill_process};

use crate::i18n::{gettext, gettext_f};

/// In the user's runtime directory.
const LOCK: &str = "lenscap.lock";

/// The second line while the holder is ending.
const ENDING: &str = "ending";

/// The most that is read of the file, in bytes.
const MAX_LEN: u64 = 64;

/// An ending process's worker has 5 s to close the camera.
const END_TIMEOUT: Duration = Duration::from_secs(10);

/// The lock, released when the process ends in any way. The file stays, since its removal would race
/// with a process that has just opened it.
#[derive(Debug)]
pub struct Instance {
    lock: File,
}

/// Why this process may not run.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// Another applet is running.
    #[error("{}", running(*.pid))]
    Held {
        /// Unknown while that process is starting.
        pid: Option<u32>,
    },
    /// The lock file can't be used.
    #[error("{}", gettext_f("cannot lock {path}: {error}; check XDG_RUNTIME_DIR", &[("path", &.path.display().to_string()), ("error", &.source.to_string())]))]
    Unusable { path: PathBuf, source: io::Error },
}

fn running(pid: Option<u32>) -> String {
    match pid {
        Some(pid) => gettext_f(
            "lenscap is running already as process {pid}, which this session can't reach; end it with 'systemctl --user restart lenscap' or 'kill {pid}'",
            &[("pid", &pid.to_string())],
        ),
        None => gettext("lenscap is running already"),
    }
}

impl Instance {
    pub fn acquire() -> Result<Self, Refusal> {
        Self::acquire_in(&glib::user_runtime_dir())
    }

    fn acquire_in(dir: &Path) -> Result<Self, Refusal> {
        let path = dir.join(LOCK);
        let unusable = |source| Refusal::Unusable {
            path: path.clone(),
            source,
        };
        let mut lock = open(&path).map_err(unusable)?;
        match rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => {
                let pid = read_owner(&mut lock).map(|(pid, _)| pid.as_raw_pid().cast_unsigned());
                return Err(Refusal::Held { pid });
            }
            Err(error) => return Err(unusable(error.into())),
        }
        write_owner(&mut lock).map_err(unusable)?;
        Ok(Self { lock })
    }

    /// Makes applets that start from now on wait for this process's end.
    pub fn mark_ending(&mut self) -> io::Result<()> {
        writeln!(self.lock, "{ENDING}")
    }
}

/// Waits for an instance that is ending; returns whether one has ended in time.
pub fn wait_for_end() -> bool {
    wait_for_end_in(&glib::user_runtime_dir())
}

fn wait_for_end_in(dir: &Path) -> bool {
    let Some((pid, true)) = holder_in(dir) else {
        return false;
    };
    let Ok(process) = pidfd_open(pid, PidfdFlags::empty()) else {
        return false;
    };
    let limit = Timespec::try_from(END_TIMEOUT).ok();
    let mut ended = [PollFd::new(&process, PollFlags::IN)];
    poll(&mut ended, limit.as_ref()).is_ok_and(|count| count > 0)
}

/// The process that holds the lock and isn't ending.
pub fn holder() -> Option<u32> {
    let (pid, is_ending) = holder_in(&glib::user_runtime_dir())?;
    (!is_ending).then(|| pid.as_raw_pid().cast_unsigned())
}

/// The process that holds the lock, and whether it is ending.
fn holder_in(dir: &Path) -> Option<(Pid, bool)> {
    let mut lock = File::open(dir.join(LOCK)).ok()?;
    let (pid, is_ending) = read_owner(&mut lock)?;
    // The attempt itself would refuse the lock to an applet that starts meanwhile, so skip it for a
    // process that no longer exists, the usual case.
    test_kill_process(pid).ok()?;
    let attempt = rustix::fs::flock(&lock, FlockOperation::NonBlockingLockShared);
    (attempt == Err(Errno::WOULDBLOCK)).then_some((pid, is_ending))
}

/// Opens the file without truncating it, as it may be another's. Workers don't inherit it.
fn open(path: &Path) -> io::Result<File> {
    if let Some(dir) = path.parent() {
        std::fs::create_dir_all(dir)?;
    }
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    options.open(path)
}

fn write_owner(lock: &mut File) -> io::Result<()> {
    lock.set_len(0)?;
    lock.rewind()?;
    writeln!(lock, "{}", std::process::id())
}

/// The process id in the file, and whether that process is ending.
fn read_owner(lock: &mut File) -> Option<(Pid, bool)> {
    let mut text = String::new();
    lock.take(MAX_LEN).read_to_string(&mut text).ok()?;
    let mut lines = text.lines();
    let pid = Pid::from_raw(lines.next()?.trim().parse().ok()?)?;
    Some((pid, lines.next() == Some(ENDING)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_instance_is_refused_with_the_holders_pid() {
        let dir = tempfile::tempdir().unwrap();
        let runtime = dir.path().join("run");
        let first = Instance::acquire_in(&runtime).unwrap();
        let own = std::process::id();
        match Instance::acquire_in(&runtime) {
            Err(Refusal::Held { pid }) => assert_eq!(pid, Some(own)),
            other => panic!("{other:?}"),
        }
        drop(first);
        Instance::acquire_in(&runtime).unwrap();
    }

    #[test]
    fn the_holder_is_found_while_it_holds_the_lock() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(holder_in(dir.path()), None);
        let instance = Instance::acquire_in(dir.path()).unwrap();
        let own = Pid::from_raw(std::process::id().cast_signed()).unwrap();
        assert_eq!(holder_in(dir.path()), Some((own, false)));
        drop(instance);
        // The file still has this process's id, and the query left no lock behind.
        assert_eq!(holder_in(dir.path()), None);
        Instance::acquire_in(dir.path()).unwrap();
    }

    #[test]
    fn a_dead_instances_file_is_reused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lenscap.lock");
        std::fs::write(&path, "4194304999\nand more\n").unwrap();
        let _instance = Instance::acquire_in(dir.path()).unwrap();
        let text = std::fs::read_to_string(path).unwrap();
        assert_eq!(text, format!("{}\n", std::process::id()));
    }

    #[test]
    fn only_an_instance_that_is_ending_is_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        assert!(!wait_for_end_in(dir.path()));
        let mut instance = Instance::acquire_in(dir.path()).unwrap();
        assert!(!wait_for_end_in(dir.path()));
        instance.mark_ending().unwrap();
        let path = dir.path().join(LOCK);
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let own = std::process::id().to_string();
        std::fs::write(&path, text.replace(&own, &child.id().to_string())).unwrap();
        assert!(wait_for_end_in(dir.path()), "{text}");
        child.wait().unwrap();
        // The named process is gone, while another one has the lock.
        assert!(!wait_for_end_in(dir.path()));
        drop(instance);
        assert!(!wait_for_end_in(dir.path()));
    }

    #[test]
    fn a_refusal_names_the_process_or_the_path() {
        let held = Refusal::Held { pid: Some(7) };
        let text = held.to_string();
        assert!(
            text.starts_with("lenscap is running already as process 7,"),
            "{text}"
        );
        assert!(text.ends_with("'kill 7'"), "{text}");
        let error = Instance::acquire_in(Path::new("/dev/null/run")).unwrap_err();
        assert!(error.to_string().contains("/dev/null/run/lenscap.lock"));
    }
}
