//! The settings as they are now, and where they come from.

use std::cell::{Ref, RefCell};
use std::path::{Path, PathBuf};

use crate::config::{self, Loaded, Overrides};
use crate::relay::Plan;
use crate::settings::Settings;

/// The config file's settings with the command line's values over them.
pub struct ConfigState {
    path: PathBuf,
    overrides: Overrides,
    /// The newest settings that the file held, without the overrides.
    last_good: RefCell<Settings>,
    settings: RefCell<Settings>,
    error: RefCell<Option<String>>,
}

impl ConfigState {
    /// Settings that are read from this file; the defaults until then.
    pub fn new(path: PathBuf, overrides: Overrides) -> Self {
        Self {
            path,
            overrides,
            last_good: RefCell::default(),
            settings: RefCell::default(),
            error: RefCell::default(),
        }
    }

    /// Reads the file. One that is broken leaves the settings as they are.
    pub fn load(&self) {
        let Loaded {
            mut settings,
            warnings,
            error,
        } = config::load(&self.path, &self.last_good.borrow());
        for warning in warnings {
            tracing::warn!("{warning}");
        }
        if let Some(error) = &error {
            tracing::warn!("{error}");
        }
        self.error.replace(error);
        self.last_good.replace(settings.clone());
        self.overrides.apply(&mut settings);
        self.settings.replace(settings);
    }

    /// The settings.
    pub fn settings(&self) -> Ref<'_, Settings> {
        self.settings.borrow()
    }

    /// The settings as the relay needs them.
    pub fn plan(&self) -> Plan {
        Plan::new(&self.settings())
    }

    /// What is wrong with the file.
    pub fn error(&self) -> Option<String> {
        self.error.borrow().clone()
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the file is the user's own, and not one that this run was given.
    pub fn is_default(&self) -> bool {
        config::default_path().is_ok_and(|path| path == self.path)
    }

    /// The command line's values.
    pub fn overrides(&self) -> &Overrides {
        &self.overrides
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_broken_file_leaves_the_settings_and_is_reported_until_it_is_mended() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.toml");
        let config = ConfigState::new(path.clone(), Overrides::default());
        let width = |text: &str| {
            fs::write(&path, text).unwrap();
            config.load();
            (config.settings().camera.width, config.error().is_some())
        };
        assert_eq!(width("[camera]\nwidth = 800\n"), (800, false));
        assert_eq!(width("[camera\n"), (800, true));
        assert_eq!(width("[camera]\nwidth = 640\n"), (640, false));
    }
}
