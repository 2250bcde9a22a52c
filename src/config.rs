//! Where settings come from: the config file, and the command line laid over it.
//!
//! Loading never writes and never fails outright: what is odd becomes a warning, what is wrong
//! becomes an error beside the last good settings, because a typo must not take the camera away in
//! the middle of a call.

mod file;
mod overrides;
mod path;
mod read;
mod store;
mod watch;

use std::path::Path;

use crate::settings::Settings;

pub use overrides::{Conflict, Overrides, RunArgs};
pub use path::default_path;
pub use store::{EditError, edit};
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
    let parsed = read::read(path).and_then(|text| match text {
        Some(text) => file::parse(&text),
        None => Ok((Settings::default(), missing(path))),
    });
    match parsed {
        Ok((settings, warnings)) => Loaded {
            settings,
            warnings: warnings.iter().map(|line| describe(path, line)).collect(),
            error: None,
        },
        Err(error) => Loaded {
            settings: last_good.clone(),
            warnings: Vec::new(),
            error: Some(describe(path, &error)),
        },
    }
}

/// The user's own file need not be there, but one with another name was asked for.
fn missing(path: &Path) -> Vec<String> {
    let is_usual = default_path().is_ok_and(|usual| usual == path);
    let warning = "there is no such file: the defaults count until there is one";
    (!is_usual)
        .then(|| warning.to_owned())
        .into_iter()
        .collect()
}

/// A line about the file. Keys and values are quoted as they came, line breaks and all.
fn describe(path: &Path, line: &str) -> String {
    format!("{}: {line}", path.display()).replace(char::is_control, " ")
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
    fn a_file_that_was_asked_for_and_is_missing_is_a_warning() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("other.toml");
        let warnings = load(&path, &good()).warnings;
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        assert!(warnings[0].starts_with(path.to_str().unwrap()));
        assert_eq!(load(&default_path().unwrap(), &good()).warnings.len(), 0);
    }

    #[test]
    fn only_a_small_regular_file_of_text_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str, bytes: &[u8]| {
            std::fs::write(dir.path().join(name), bytes).unwrap();
            dir.path().join(name)
        };
        let fifo = dir.path().join("fifo");
        let mode = rustix::fs::Mode::RUSR;
        let kind = rustix::fs::FileType::Fifo;
        rustix::fs::mknodat(rustix::fs::CWD, &fifo, kind, mode, 0).unwrap();
        let largest = vec![b'\n'; 1 << 20];
        let larger = [&largest[..], b"\n"].concat();
        for (path, wanted) in [
            (dir.path().to_owned(), "not a regular file"),
            (fifo, "not a regular file"),
            ("/dev/full".into(), "not a regular file"),
            (file("larger", &larger), "larger than 1 MiB"),
            (file("latin1", b"# \xe9\n"), "cannot be read: invalid utf-8"),
        ] {
            let loaded = load(&path, &good());
            let error = loaded.error.unwrap();
            assert!(error.contains(wanted), "{error}");
            assert!(error.starts_with(path.to_str().unwrap()), "{error}");
            assert_eq!(loaded.settings, good());
        }
        assert_eq!(load(&file("largest", &largest), &good()).error, None);
    }
}
