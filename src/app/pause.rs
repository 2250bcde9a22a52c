//! The pause, which survives restart and crash: a file in the user's state directory, whose being
//! there means paused.

use std::fs;
use std::io;
use std::path::PathBuf;

/// Whether the camera was covered when the applet last ran.
pub fn load() -> bool {
    path().exists()
}

/// Remembers whether the camera is covered.
pub fn store(paused: bool) {
    let path = path();
    let result = match (paused, path.parent()) {
        (true, Some(dir)) => fs::create_dir_all(dir).and_then(|()| fs::write(&path, "")),
        _ => match fs::remove_file(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            result => result,
        },
    };
    if let Err(error) = result {
        tracing::warn!(
            "the pause will not survive a restart: {}: {error}",
            path.display()
        );
    }
}

fn path() -> PathBuf {
    glib::user_state_dir().join("lenscap/paused")
}
