//! The autostart entry: its text, its state, and what to do about it.

use std::path::Path;

use super::Occasion;

/// The entry is the same as the launcher except for its command.
const LAUNCHER: &str = include_str!("../../data/io.github.lenscap.Lenscap.desktop");

/// The program's name, with or without a path and quotes.
const PROGRAM: &str = env!("CARGO_PKG_NAME");

/// The state of the entry's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryState {
    Missing,
    /// Starts the program without arguments.
    Plain,
    /// Disabled by hand or in the desktop's settings.
    Off,
    /// Has a command of the user's.
    Custom,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryAction {
    /// Write it, unless it has this text already.
    Write,
    Remove,
    Leave,
}

impl EntryState {
    /// From the file's text; `None` if there is no file.
    pub fn read(text: Option<&str>) -> Self {
        let Some(text) = text else {
            return Self::Missing;
        };
        if value(text, "Hidden") == Some("true")
            || value(text, "X-GNOME-Autostart-enabled") == Some("false")
        {
            return Self::Off;
        }
        let command = value(text, "Exec").unwrap_or_default();
        let program = match command.strip_prefix('"').map(|rest| rest.split_once('"')) {
            Some(Some((program, ""))) => program,
            Some(_) => return Self::Custom,
            None => command,
        };
        match program.rsplit('/').next() {
            Some(PROGRAM) => Self::Plain,
            _ => Self::Custom,
        }
    }
}

/// An explicit change of the setting overrides the entry, and the entry overrides the stored setting.
pub fn decide(entry: EntryState, wanted: bool, occasion: Occasion) -> EntryAction {
    match (entry, wanted, occasion) {
        (EntryState::Missing | EntryState::Plain, true, _)
        | (EntryState::Off, true, Occasion::Change) => EntryAction::Write,
        (EntryState::Plain, false, _) | (EntryState::Custom, false, Occasion::Change) => {
            EntryAction::Remove
        }
        _ => EntryAction::Leave,
    }
}

/// The entry's text. Without `DBusActivatable`: activated over D-Bus, the program would open the
/// preferences, as it does for the launcher.
pub fn text(program: &Path) -> String {
    let lines = LAUNCHER
        .lines()
        .filter(|line| !line.starts_with("DBusActivatable="));
    let lines = lines.map(|line| {
        if line.starts_with("Exec=") {
            format!("Exec={}\n", quoted(&program.to_string_lossy()))
        } else {
            format!("{line}\n")
        }
    });
    lines.collect()
}

/// Quotes a path for `Exec`: `%` begins a field code, and in quotes four characters are escaped with
/// backslashes, which the file format escapes once more.
fn quoted(path: &str) -> String {
    let path = path.replace('%', "%%");
    let is_plain = |letter: char| letter.is_alphanumeric() || "/._-+%:@".contains(letter);
    if path.chars().all(is_plain) {
        return path;
    }
    let escape = |letter: char| match letter {
        '\\' => r"\\\\".to_owned(),
        '"' | '`' | '$' => format!(r"\\{letter}"),
        letter => letter.to_string(),
    };
    format!("\"{}\"", path.chars().map(escape).collect::<String>())
}

/// A key's value in the main group.
fn value<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let mut group = "";
    for line in text.lines().map(str::trim) {
        if line.starts_with('[') {
            group = line;
        } else if group == "[Desktop Entry]"
            && let Some((name, value)) = line.split_once('=')
            && name.trim_end() == key
        {
            return Some(value.trim_start());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entrys_state_is_read_from_its_text() {
        let entry = |lines: &str| EntryState::read(Some(&format!("[Desktop Entry]\n{lines}\n")));
        for (lines, wanted) in [
            ("Exec=lenscap", EntryState::Plain),
            ("Exec=/usr/bin/lenscap", EntryState::Plain),
            ("Exec = \"/opt/my apps/lenscap\"", EntryState::Plain),
            ("Exec=/usr/bin/lenscap\nHidden=false", EntryState::Plain),
            ("Exec=/usr/bin/lenscap --no-tray", EntryState::Custom),
            ("Exec=\"/usr/bin/lenscap\" --no-tray", EntryState::Custom),
            ("Exec=sh -c lenscap", EntryState::Custom),
            ("Exec=/usr/bin/lenscap-beta", EntryState::Custom),
            ("Name=Lenscap", EntryState::Custom),
            ("Exec=lenscap\nHidden=true", EntryState::Off),
            ("Exec=x\nX-GNOME-Autostart-enabled=false", EntryState::Off),
            (
                "Exec=lenscap\n[Desktop Action x]\nHidden=true",
                EntryState::Plain,
            ),
        ] {
            assert_eq!(entry(lines), wanted, "{lines}");
        }
        assert_eq!(EntryState::read(None), EntryState::Missing);
        assert_eq!(
            EntryState::read(Some(&text(Path::new("/a b/lenscap")))),
            EntryState::Plain
        );
    }

    #[test]
    fn a_changed_setting_overrides_the_entry() {
        use Occasion::{Change, Start};
        for (entry, wanted, at_start, at_change) in [
            (
                EntryState::Missing,
                true,
                EntryAction::Write,
                EntryAction::Write,
            ),
            (
                EntryState::Missing,
                false,
                EntryAction::Leave,
                EntryAction::Leave,
            ),
            (
                EntryState::Plain,
                true,
                EntryAction::Write,
                EntryAction::Write,
            ),
            (
                EntryState::Plain,
                false,
                EntryAction::Remove,
                EntryAction::Remove,
            ),
            (
                EntryState::Off,
                true,
                EntryAction::Leave,
                EntryAction::Write,
            ),
            (
                EntryState::Off,
                false,
                EntryAction::Leave,
                EntryAction::Leave,
            ),
            (
                EntryState::Custom,
                true,
                EntryAction::Leave,
                EntryAction::Leave,
            ),
            (
                EntryState::Custom,
                false,
                EntryAction::Leave,
                EntryAction::Remove,
            ),
        ] {
            assert_eq!(decide(entry, wanted, Start), at_start, "{entry:?} {wanted}");
            assert_eq!(
                decide(entry, wanted, Change),
                at_change,
                "{entry:?} {wanted}"
            );
        }
    }

    #[test]
    fn special_characters_in_paths_are_escaped() {
        assert_eq!(quoted("/usr/bin/lenscap"), "/usr/bin/lenscap");
        assert_eq!(quoted("/100%/lenscap"), "/100%%/lenscap");
        assert_eq!(quoted("/a b/lenscap"), "\"/a b/lenscap\"");
        assert_eq!(quoted("/$a\\/lenscap"), r#""/\\$a\\\\/lenscap""#);
        let text = text(Path::new("/usr/bin/lenscap"));
        assert!(text.starts_with("[Desktop Entry]\n") && !text.contains("DBusActivatable"));
    }
}
