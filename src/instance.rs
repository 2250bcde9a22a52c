//! One applet a session: a lock file says which. It works without a session bus, and it also keeps
//! an applet on the bus apart from one that has none.
//!
//! The file says which process has the lock, and in a second line whether that one is ending, which
//! can take as long as its camera takes to close: a start meanwhile waits for that process.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::FlockOperation;
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, pidfd_open, test_kill_process};

use crate::i18n::{gettext, gettext_f};

/// The file, in the user's runtime directory.
const LOCK: &str = "lenscap.lock";

/// The second line of a lock file whose process is ending.
const ENDING: &str = "ending";

/// Bytes that are read of the file, which has far less.
const LONGEST: u64 = 64;

/// How long an ending process may take. Its worker has 5 s to close the camera.
const END: Duration = Duration::from_secs(10);

/// The right to run. It ends with the process, however that ends; the file stays, since removing a
/// lock file races with whoever has just opened it.
#[derive(Debug)]
pub struct Instance {
    lock: File,
}

/// Why this process may not run.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// Another applet runs.
    #[error("{}", running(*.pid))]
    Held {
        /// Its process; unknown in the moment of its start.
        pid: Option<u32>,
    },
    /// The lock file can't be used.
    #[error("{}", gettext_f("cannot lock {path}: {error}; check XDG_RUNTIME_DIR", &[("path", &.path.display().to_string()), ("error", &.source.to_string())]))]
    Unusable {
        /// Where it should be.
        path: PathBuf,
        /// What is wrong with it.
        source: io::Error,
    },
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
    /// Becomes the session's one instance.
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
                let pid = signature(&mut lock).map(|(pid, _)| pid.as_raw_pid().cast_unsigned());
                return Err(Refusal::Held { pid });
            }
            Err(error) => return Err(unusable(error.into())),
        }
        sign(&mut lock).map_err(unusable)?;
        Ok(Self { lock })
    }

    /// Has every start from now on wait for this process's end.
    pub fn mark_ending(&mut self) -> io::Result<()> {
        writeln!(self.lock, "{ENDING}")
    }
}

/// Waits for the end of an instance that is ending, for a while; whether one has ended.
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
    let limit = Timespec::try_from(END).ok();
    let mut ended = [PollFd::new(&process, PollFlags::IN)];
    poll(&mut ended, limit.as_ref()).is_ok_and(|count| count > 0)
}

/// The process that holds the right to run and is to go on, whether it can be reached or not.
pub fn holder() -> Option<u32> {
    let (pid, is_ending) = holder_in(&glib::user_runtime_dir())?;
    (!is_ending).then(|| pid.as_raw_pid().cast_unsigned())
}

/// The process that holds the lock, and whether it is ending.
fn holder_in(dir: &Path) -> Option<(Pid, bool)> {
    let mut lock = File::open(dir.join(LOCK)).ok()?;
    let (pid, is_ending) = signature(&mut lock)?;
    // The attempt itself is in the way of an applet that starts meanwhile. So none is made after a
    // process that is gone, which is how an applet starts as a rule.
    test_kill_process(pid).ok()?;
    let attempt = rustix::fs::flock(&lock, FlockOperation::NonBlockingLockShared);
    (attempt == Err(Errno::WOULDBLOCK)).then_some((pid, is_ending))
}

/// Opens the file and leaves it as it is: it may be another's. Workers don't inherit it.
fn open(path: &Path) -> io::Result<File> {
    if let Some(dir) = path.parent() {
        std::fs::create_dir_all(dir)?;
    }
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    options.open(path)
}

fn sign(lock: &mut File) -> io::Result<()> {
    lock.set_len(0)?;
    lock.rewind()?;
    writeln!(lock, "{}", std::process::id())
}

/// Which process the file names, and whether that one is ending.
fn signature(lock: &mut File) -> Option<(Pid, bool)> {
    let mut text = String::new();
    lock.take(LONGEST).read_to_string(&mut text).ok()?;
    let mut lines = text.lines();
    let pid = Pid::from_raw(lines.next()?.trim().parse().ok()?)?;
    Some((pid, lines.next() == Some(ENDING)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_one_at_a_time_and_it_is_named() {
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
    fn who_holds_the_lock_is_known_while_it_does() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(holder_in(dir.path()), None);
        let instance = Instance::acquire_in(dir.path()).unwrap();
        let own = Pid::from_raw(std::process::id().cast_signed()).unwrap();
        assert_eq!(holder_in(dir.path()), Some((own, false)));
        drop(instance);
        // The file still has this process's number, and nothing is left of the look at it.
        assert_eq!(holder_in(dir.path()), None);
        Instance::acquire_in(dir.path()).unwrap();
    }

    #[test]
    fn what_a_dead_instance_left_behind_is_no_obstacle() {
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
        // It names a process that is no more, while another one has the lock.
        assert!(!wait_for_end_in(dir.path()));
        drop(instance);
        assert!(!wait_for_end_in(dir.path()));
    }

    #[test]
    fn a_refusal_says_where_and_why() {
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
