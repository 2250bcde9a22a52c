//! Where settings come from: the config file, and the command line laid over it.
//!
//! Loading never writes and never fails outright: what is odd becomes a warning, what is wrong
//! becomes an error beside the last good settings, because a typo must not take the camera away in
//! the middle of a call.

mod file;
mod overrides;
mod path;
mod store;
mod watch;

use std::io::ErrorKind;
use std::path::Path;

use crate::i18n::gettext_f;
use crate::settings::Settings;

pub use overrides::{Conflict, Overrides, RunArgs};
pub use path::default_path;
pub use store::{EditError, Edited, edit};
pub use watch::Watcher;

/// What came of reading the config file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// What to run on.
    pub settings: Settings,
    /// What is odd in the file and does no harm, a line each.
    pub warnings: Vec<String>,
    /// What is wrong with the file, in one line. The settings are then the last good ones.
    pub error: Option<String>,
}

/// Reads the config file. A file that isn't there means the defaults; a broken one is left alone,
/// and `last_good` stays in force.
pub fn load(path: &Path, last_good: &Settings) -> Loaded {
    let read = match std::fs::read_to_string(path) {
        Ok(text) => file::parse(&text),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok((Settings::default(), Vec::new())),
        Err(error) => Err(gettext_f(
            "cannot be read: {error}",
            &[("error", &error.to_string())],
        )),
    };
    // Keys and values are quoted as they came, line breaks and all.
    let at = |line: String| format!("{}: {line}", path.display()).replace(char::is_control, " ");
    match read {
        Ok((settings, warnings)) => Loaded {
            settings,
            warnings: warnings.into_iter().map(at).collect(),
            error: None,
        },
        Err(error) => Loaded {
            settings: last_good.clone(),
            warnings: Vec::new(),
            error: Some(at(error)),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Settings {
        let mut settings = Settings::default();
        settings.camera.width = 640;
        settings
    }

    #[test]
    fn a_missing_file_means_the_defaults_and_stays_missing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lenscap").join("lenscap.toml");
        let loaded = load(&path, &good());
        assert_eq!(loaded.settings, Settings::default());
        assert_eq!(loaded.error, None);
        assert!(!path.parent().unwrap().exists());
    }

    #[test]
    fn a_broken_file_is_kept_and_the_last_good_settings_stay() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lenscap.toml");
        std::fs::write(&path, "[camera]\nwidth = 1001\n").unwrap();
        let loaded = load(&path, &good());
        assert_eq!(loaded.settings, good());
        let error = loaded.error.unwrap();
        assert!(error.starts_with(path.to_str().unwrap()), "{error}");
        assert!(error.contains("camera.width"), "{error}");
        assert_eq!(
            std::fs::read_to_string(&path).unwrap(),
            "[camera]\nwidth = 1001\n"
        );
    }

    #[test]
    fn a_line_stays_a_line_whatever_it_quotes() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lenscap.toml");
        std::fs::write(&path, "[camera]\nsource = \"a\\nb\"\n").unwrap();
        assert!(!load(&path, &good()).error.unwrap().contains('\n'));
        std::fs::write(&path, "\"a\\nb\" = 1\n").unwrap();
        assert!(!load(&path, &good()).warnings[0].contains('\n'));
    }

    #[test]
    fn what_is_no_readable_file_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        assert!(load(dir.path(), &good()).error.is_some());
        let path = dir.path().join("latin1.toml");
        std::fs::write(&path, b"# \xe9\n").unwrap();
        assert!(load(&path, &good()).error.is_some());
    }
}
