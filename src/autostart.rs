//! Starting with the session.
//!
//! By an entry in the user's autostart directory, or from a sandbox, which can't write there, by the
//! Background portal. There is no entry while the systemd user unit is enabled, because a second start
//! opens the preferences. `entry` decides; this file carries it out.

mod entry;
pub mod portal;

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::program;
use crate::small_file;
use entry::{EntryAction, EntryState};

/// Same name as the launcher, by which desktops know that both are one application.
const FILE: &str = "autostart/io.github.lenscap.Lenscap.desktop";

/// The unit that `make install` installs.
const UNIT: &str = "lenscap.service";

/// Why the setting is applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occasion {
    /// The applet starts: an entry changed meanwhile takes precedence.
    Start,
    /// The user has just changed the setting, which takes precedence.
    Change,
}

/// The means to start with the session.
pub struct Autostart {
    /// Where this program is installed.
    program: PathBuf,
    /// The user's config directory.
    config: PathBuf,
    /// systemd's directories of enabled units.
    units: Vec<PathBuf>,
    sandboxed: bool,
}

impl Autostart {
    /// For this program and this user.
    pub fn new() -> io::Result<Self> {
        let config = glib::user_config_dir();
        Ok(Self {
            program: program::path()?,
            units: vec![config.join("systemd/user"), "/etc/systemd/user".into()],
            config,
            sandboxed: program::is_flatpak(),
        })
    }

    /// Applies the setting. Failures are logged.
    pub fn apply(&self, wanted: bool, occasion: Occasion) {
        if self.sandboxed {
            // Don't bother the portal at start if the setting is off.
            if wanted || occasion == Occasion::Change {
                glib::spawn_future_local(portal::apply(wanted));
            }
        } else if let Err(error) = self.write(wanted, occasion) {
            let path = self.config.join(FILE);
            tracing::warn!("cannot change the autostart: {}: {error}", path.display());
        }
    }

    fn write(&self, wanted: bool, occasion: Occasion) -> io::Result<()> {
        let path = self.config.join(FILE);
        let found = match small_file::text(&path) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let text = entry::text(&self.program);
        let entry = EntryState::read(found.as_deref());
        let action = if wanted && self.unit_is_enabled() {
            tracing::info!("{UNIT} is enabled and starts lenscap, so there is no autostart entry");
            entry::decide(entry, false, Occasion::Start)
        } else {
            entry::decide(entry, wanted, occasion)
        };
        match action {
            EntryAction::Write if found.as_ref() != Some(&text) => replace(&path, &text),
            EntryAction::Remove => fs::remove_file(&path),
            EntryAction::Write | EntryAction::Leave => Ok(()),
        }
    }

    /// Whether a target wants the unit, the effect of `systemctl enable`.
    fn unit_is_enabled(&self) -> bool {
        let targets = self.units.iter().filter_map(|dir| fs::read_dir(dir).ok());
        targets.flatten().flatten().any(|target| {
            let target = target.path();
            let wants = target.extension().is_some_and(|kind| kind == "wants");
            wants && target.join(UNIT).symlink_metadata().is_ok()
        })
    }
}

/// Replaces a file atomically.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir)?;
    }
    // Not named `.desktop`, so that desktops ignore it.
    let draft = path.with_extension("new");
    fs::write(&draft, text)?;
    fs::rename(&draft, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn autostart(home: &Path) -> Autostart {
        Autostart {
            program: "/opt/lens cap/lenscap".into(),
            config: home.to_owned(),
            units: vec![home.join("systemd/user")],
            sandboxed: false,
        }
    }

    fn names(dir: &Path) -> Vec<String> {
        let entries = fs::read_dir(dir).unwrap().flatten();
        let mut names: Vec<_> = entries
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn the_entry_follows_the_setting() {
        let home = tempfile::tempdir().unwrap();
        let autostart = autostart(home.path());
        let path = home.path().join(FILE);
        autostart.apply(false, Occasion::Start);
        assert_eq!(names(home.path()), Vec::<String>::new());
        autostart.apply(true, Occasion::Change);
        let text = fs::read_to_string(&path).unwrap();
        assert!(
            text.contains("\nExec=\"/opt/lens cap/lenscap\"\n"),
            "{text}"
        );
        assert_eq!(names(path.parent().unwrap()).len(), 1);
        let moved = Autostart {
            program: "/usr/bin/lenscap".into(),
            ..self::autostart(home.path())
        };
        moved.apply(true, Occasion::Start);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains("\nExec=/usr/bin/lenscap\n"), "{text}");
        autostart.apply(false, Occasion::Change);
        assert_eq!(names(path.parent().unwrap()), Vec::<String>::new());
    }

    #[test]
    fn a_changed_entry_is_kept_until_the_setting_changes() {
        let home = tempfile::tempdir().unwrap();
        let autostart = autostart(home.path());
        let path = home.path().join(FILE);
        autostart.apply(true, Occasion::Change);
        let hidden = fs::read_to_string(&path).unwrap() + "Hidden=true\n";
        fs::write(&path, &hidden).unwrap();
        autostart.apply(true, Occasion::Start);
        assert_eq!(fs::read_to_string(&path).unwrap(), hidden);
        autostart.apply(true, Occasion::Change);
        assert!(!fs::read_to_string(&path).unwrap().contains("Hidden"));
    }

    #[test]
    fn there_is_no_entry_beside_an_enabled_unit() {
        let home = tempfile::tempdir().unwrap();
        let autostart = autostart(home.path());
        autostart.apply(true, Occasion::Change);
        assert!(home.path().join(FILE).exists());
        let wants = home.path().join("systemd/user/default.target.wants");
        fs::create_dir_all(&wants).unwrap();
        // A dangling link enables it, too.
        std::os::unix::fs::symlink("/nonexistent", wants.join(UNIT)).unwrap();
        autostart.apply(true, Occasion::Start);
        assert!(!home.path().join(FILE).exists());
    }
}
