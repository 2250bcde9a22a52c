//! Desktop entries, as far as they identify an application.

use std::path::Path;

use glib::{KeyFile, KeyFileFlags};

use super::Application;
use crate::settings::{LONGEST_NAME, one_line};
use crate::small_file;

const GROUP: &str = "Desktop Entry";

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DesktopEntry {
    application: Application,
    /// The file name of the program; empty if the application is activated over D-Bus.
    pub program: String,
    /// Not in menus: a helper, or another entry of the same application.
    pub is_hidden: bool,
    pub is_terminal: bool,
    /// Whether its English name is just "Camera", as of GNOME Snapshot.
    pub is_called_camera: bool,
}

impl DesktopEntry {
    /// `None` if the file isn't an entry or doesn't describe an application.
    pub fn read(path: &Path) -> Option<Self> {
        let file = KeyFile::new();
        let text = small_file::text(path).ok()?;
        file.load_from_data(&text, KeyFileFlags::NONE).ok()?;
        Self::new(&file)
    }

    fn new(file: &KeyFile) -> Option<Self> {
        let text = |key| file.string(GROUP, key).ok().map(String::from);
        let has = |key| file.boolean(GROUP, key).unwrap_or(false);
        if text("Type")? != "Application" || has("Hidden") {
            return None;
        }
        let name = one_line(&file.locale_string(GROUP, "Name", None).ok()?, LONGEST_NAME);
        let is_called_camera = text("Name")?.eq_ignore_ascii_case("Camera");
        let icon = text("Icon").filter(|icon| !icon.is_empty());
        let categories = text("Categories").unwrap_or_default();
        Some(Self {
            application: Application { name, icon },
            program: program(&text("Exec").unwrap_or_default()),
            is_hidden: has("NoDisplay"),
            is_terminal: categories.split(';').any(|one| one == "TerminalEmulator"),
            is_called_camera,
        })
    }

    /// The application, with the process's name if it is just called "Camera": "Camera is using the
    /// camera" would be no help.
    pub fn application(self, process: &str) -> Application {
        let mut application = self.application;
        if self.is_called_camera {
            application.name = format!("{} ({process})", application.name);
        }
        application
    }
}

/// The file name of the program in an `Exec` line, after any `env` and assignments.
fn program(exec: &str) -> String {
    let words = exec.split_whitespace().map(|word| word.trim_matches('"'));
    let program = words
        .filter(|word| !word.contains('='))
        .filter_map(|word| word.rsplit('/').next())
        .find(|name| *name != "env");
    program.unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_follows_env_and_assignments() {
        for (exec, wanted) in [
            ("firefox %u", "firefox"),
            ("/usr/lib/firefox/firefox %u", "firefox"),
            ("\"/opt/zoom/zoom\" %U", "zoom"),
            ("env GDK_BACKEND=x11 /usr/bin/obs", "obs"),
            ("", ""),
        ] {
            assert_eq!(program(exec), wanted, "{exec}");
        }
    }
}
