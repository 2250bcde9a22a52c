//! The pause, which survives restart and crash: a file in the user's state directory that exists while
//! the camera is paused.

use std::fs;
use std::io;
use std::path::PathBuf;

/// The file.
pub struct PauseFile(pub PathBuf);

impl Default for PauseFile {
    fn default() -> Self {
        Self(glib::user_state_dir().join("lenscap/paused"))
    }
}

impl PauseFile {
    /// Whether the camera was paused when the applet last ran.
    pub fn load(&self) -> bool {
        self.0.exists()
    }

    /// Stores whether the camera is paused.
    pub fn store(&self, paused: bool) {
        let result = match (paused, self.0.parent()) {
            (true, Some(dir)) => fs::create_dir_all(dir).and_then(|()| fs::write(&self.0, "")),
            _ => match fs::remove_file(&self.0) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
                result => result,
            },
        };
        if let Err(error) = result {
            tracing::warn!(
                "the pause will not survive a restart: {}: {error}",
                self.0.display()
            );
        }
    }
}
