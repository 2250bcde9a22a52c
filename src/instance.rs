//! One applet a session: a lock file says which. It works without a session bus, and it also keeps
//! an applet on the bus apart from one that has none.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use rustix::fs::FlockOperation;
use rustix::io::Errno;

use crate::i18n::{gettext, gettext_f};

/// The right to run. It ends with the process, however that ends; the file stays, since removing a
/// lock file races with whoever has just opened it.
#[derive(Debug)]
pub struct Instance {
    _lock: File,
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
            "lenscap is running already as process {pid}",
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
        let path = dir.join("lenscap.lock");
        let unusable = |source| Refusal::Unusable {
            path: path.clone(),
            source,
        };
        let mut lock = open(&path).map_err(unusable)?;
        match rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => {
                return Err(Refusal::Held {
                    pid: pid(&mut lock),
                });
            }
            Err(error) => return Err(unusable(error.into())),
        }
        sign(&mut lock).map_err(unusable)?;
        Ok(Self { _lock: lock })
    }
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

fn pid(lock: &mut File) -> Option<u32> {
    let mut text = String::new();
    lock.read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
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
    fn what_a_dead_instance_left_behind_is_no_obstacle() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lenscap.lock");
        std::fs::write(&path, "4194304999\nand more\n").unwrap();
        let _instance = Instance::acquire_in(dir.path()).unwrap();
        let text = std::fs::read_to_string(path).unwrap();
        assert_eq!(text, format!("{}\n", std::process::id()));
    }

    #[test]
    fn a_refusal_says_where_and_why() {
        let held = Refusal::Held { pid: Some(7) };
        assert_eq!(held.to_string(), "lenscap is running already as process 7");
        let error = Instance::acquire_in(Path::new("/dev/null/run")).unwrap_err();
        assert!(error.to_string().contains("/dev/null/run/lenscap.lock"));
    }
}
