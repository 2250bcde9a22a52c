//! Starting with the session, where the user asked for that.
//!
//! An entry in the user's autostart directory does it; in a sandbox, which can't write there, the
//! Background portal. Never two ways at once: an enabled systemd user unit is left to do it alone,
//! because a second start means "open the preferences". What is written where is decided by
//! [`entry`]; here is what carries it out.

mod entry;
pub mod portal;

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use entry::{Entry, Step};

/// The entry's name, which is the launcher's: desktops tell by it that both are one application.
const FILE: &str = "autostart/io.github.lenscap.Lenscap.desktop";

/// The unit that `make install` brings.
const UNIT: &str = "lenscap.service";

/// What is there inside a Flatpak, and nowhere else.
const SANDBOX: &str = "/.flatpak-info";

/// Why the setting is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occasion {
    /// The applet starts. What somebody did to the entry meanwhile counts.
    Start,
    /// The user has just changed the setting, which counts most.
    Change,
}

/// How to start with the session.
pub struct Autostart {
    /// The running program; found out once, since an update may put another in its place.
    program: PathBuf,
    /// The user's config directory.
    config: PathBuf,
    /// Where systemd looks for what an administrator or the user enabled.
    units: Vec<PathBuf>,
    sandboxed: bool,
}

impl Autostart {
    /// For this program and this user.
    pub fn new() -> io::Result<Self> {
        let config = glib::user_config_dir();
        Ok(Self {
            program: std::env::current_exe()?,
            units: vec![config.join("systemd/user"), "/etc/systemd/user".into()],
            config,
            sandboxed: Path::new(SANDBOX).exists(),
        })
    }

    /// Brings about what the setting says. What can't be done is logged.
    pub fn apply(&self, wanted: bool, occasion: Occasion) {
        if self.sandboxed {
            // Nothing was ever asked for where nothing is wanted at the start.
            if wanted || occasion == Occasion::Change {
                glib::spawn_future_local(portal::tell(wanted));
            }
        } else if let Err(error) = self.write(wanted, occasion) {
            let path = self.config.join(FILE);
            tracing::warn!("cannot change the autostart: {}: {error}", path.display());
        }
    }

    fn write(&self, wanted: bool, occasion: Occasion) -> io::Result<()> {
        let path = self.config.join(FILE);
        let found = match fs::read(&path) {
            Ok(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let text = entry::text(&self.program);
        let entry = Entry::read(found.as_deref());
        let step = if wanted && self.unit_is_enabled() {
            tracing::info!("{UNIT} is enabled and starts lenscap, so there is no autostart entry");
            entry::decide(entry, false, Occasion::Start)
        } else {
            entry::decide(entry, wanted, occasion)
        };
        match step {
            Step::Write if found.as_ref() != Some(&text) => replace(&path, &text),
            Step::Remove => fs::remove_file(&path),
            Step::Write | Step::Leave => Ok(()),
        }
    }

    /// Whether a target wants the unit: what `systemctl enable` brings about.
    fn unit_is_enabled(&self) -> bool {
        let targets = self.units.iter().filter_map(|dir| fs::read_dir(dir).ok());
        targets.flatten().flatten().any(|target| {
            let target = target.path();
            let wants = target.extension().is_some_and(|kind| kind == "wants");
            wants && target.join(UNIT).symlink_metadata().is_ok()
        })
    }
}

/// Writes a file whole or not at all.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir)?;
    }
    // Not named `.desktop`, so that nobody takes it for an entry.
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
    fn what_the_user_made_of_the_entry_stays() {
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
    fn an_enabled_unit_is_enough() {
        let home = tempfile::tempdir().unwrap();
        let autostart = autostart(home.path());
        autostart.apply(true, Occasion::Change);
        assert!(home.path().join(FILE).exists());
        let wants = home.path().join("systemd/user/default.target.wants");
        fs::create_dir_all(&wants).unwrap();
        // Where the link leads is systemd's business.
        std::os::unix::fs::symlink("/nonexistent", wants.join(UNIT)).unwrap();
        autostart.apply(true, Occasion::Start);
        assert!(!home.path().join(FILE).exists());
    }
}
