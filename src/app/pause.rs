//! The pause, which survives restart and crash: a file in the user's state directory that exists while
//! the camera is paused.

use std::cell::RefCell;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::settings::{Message, MessageId, n_};

/// The file.
pub struct PauseFile {
    path: PathBuf,
    problem: RefCell<Option<Message>>,
}

impl Default for PauseFile {
    fn default() -> Self {
        Self::new(glib::user_state_dir().join("lenscap/paused"))
    }
}

impl PauseFile {
    pub fn new(path: PathBuf) -> Self {
        Self {
            path,
            problem: RefCell::default(),
        }
    }

    /// Whether the camera was paused when the applet last ran. If that is unknown, it is paused.
    pub fn load(&self) -> bool {
        let paused = self.path.try_exists();
        let unknown = n_(
            "The camera is paused, because {path} cannot be read ({error}): \
             resume to use the camera",
        );
        self.note(paused.as_ref().err(), unknown);
        paused.unwrap_or(true)
    }

    /// Stores whether the camera is paused. It is on the disk when this returns.
    pub fn store(&self, paused: bool) {
        let (stored, lost) = if paused {
            let lost = n_(
                "The camera is covered, but {path} cannot be written ({error}): \
                 after a restart it would not be",
            );
            (write(&self.path), lost)
        } else {
            let lost = n_(
                "The camera is allowed, but {path} cannot be removed ({error}): \
                 after a restart it would be paused",
            );
            (remove(&self.path), lost)
        };
        self.note(stored.as_ref().err(), lost);
    }

    /// Why a restart would change it, or why it is unknown.
    pub fn problem(&self) -> Option<Message> {
        self.problem.borrow().clone()
    }

    fn note(&self, error: Option<&io::Error>, text: MessageId) {
        let problem = error.map(|error| {
            let message = Message::new(text).with("path", self.path.display());
            message.with_message("error", error)
        });
        let before = self.problem.replace(problem.clone());
        if before != problem
            && let Some(problem) = problem
        {
            tracing::warn!("{problem}");
        }
    }
}

fn write(path: &Path) -> io::Result<()> {
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir)?;
    }
    File::create(path)?.sync_all()?;
    // The folder may be new, too.
    path.ancestors().skip(1).take(2).try_for_each(sync)
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Ok(()) => path.parent().map_or(Ok(()), sync),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// Has the disk take over a folder's entries.
fn sync(dir: &Path) -> io::Result<()> {
    match File::open(dir)?.sync_all() {
        // Some file systems can't, and need not.
        Err(error) if error.kind() == ErrorKind::InvalidInput => Ok(()),
        result => result,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_there_until_it_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        let file = || PauseFile::new(dir.path().join("state/lenscap/paused"));
        for paused in [false, true, true, false, false] {
            file().store(paused);
            assert_eq!((file().load(), file().problem()), (paused, None));
        }
    }

    #[test]
    fn what_is_unknown_is_a_pause() {
        let dir = tempfile::tempdir().unwrap();
        let state = dir.path().join("state");
        fs::write(&state, "no folder").unwrap();
        let file = PauseFile::new(state.join("paused"));
        assert!(file.load());
        let problem = file.problem().unwrap().to_string();
        assert!(problem.contains("state/paused cannot be read"), "{problem}");
        file.store(false);
        let problem = file.problem().unwrap().to_string();
        assert!(problem.contains("it would be paused"), "{problem}");
    }
}
