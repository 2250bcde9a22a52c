//! The autostart entry: what it says, what somebody made of it, and what is to become of it.

use std::path::Path;

use super::Occasion;

/// The launcher; the entry is the same but for what it runs.
const LAUNCHER: &str = include_str!("../../data/io.github.lenscap.Lenscap.desktop");

/// The program's name, with or without a path and quotes.
const PROGRAM: &str = env!("CARGO_PKG_NAME");

/// What is found in the entry's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// Nothing.
    Missing,
    /// An entry that starts the program and nothing else.
    Plain,
    /// An entry that was turned off by hand or in the desktop's own settings.
    Off,
    /// An entry that somebody gave a command of their own.
    Custom,
}

/// What to do about the entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Write it, if it says anything else.
    Write,
    /// Remove it.
    Remove,
    /// Leave it as it is.
    Leave,
}

impl Entry {
    /// What a file's text is; `None` where there is no file.
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

/// What is to become of the entry. A wish of this moment counts more than what is there, and what is
/// there more than a wish of some other day.
pub fn decide(entry: Entry, wanted: bool, occasion: Occasion) -> Step {
    match (entry, wanted, occasion) {
        (Entry::Missing | Entry::Plain, true, _) | (Entry::Off, true, Occasion::Change) => {
            Step::Write
        }
        (Entry::Plain, false, _) | (Entry::Custom, false, Occasion::Change) => Step::Remove,
        _ => Step::Leave,
    }
}

/// The entry's text. Started over D-Bus, the program would take itself for the launcher's choice and
/// open the preferences, so that line is left out.
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

/// A path as a command line of a desktop entry takes it: `%` begins a field, and a quoted word has
/// four letters to escape, whose backslashes are escaped once more by the file's own rules.
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

/// A key's value in the entry's main group.
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
    fn entries_are_told_apart() {
        let entry = |lines: &str| Entry::read(Some(&format!("[Desktop Entry]\n{lines}\n")));
        for (lines, wanted) in [
            ("Exec=lenscap", Entry::Plain),
            ("Exec=/usr/bin/lenscap", Entry::Plain),
            ("Exec = \"/opt/my apps/lenscap\"", Entry::Plain),
            ("Exec=/usr/bin/lenscap\nHidden=false", Entry::Plain),
            ("Exec=/usr/bin/lenscap --no-tray", Entry::Custom),
            ("Exec=\"/usr/bin/lenscap\" --no-tray", Entry::Custom),
            ("Exec=sh -c lenscap", Entry::Custom),
            ("Exec=/usr/bin/lenscap-beta", Entry::Custom),
            ("Name=Lenscap", Entry::Custom),
            ("Exec=lenscap\nHidden=true", Entry::Off),
            ("Exec=x\nX-GNOME-Autostart-enabled=false", Entry::Off),
            (
                "Exec=lenscap\n[Desktop Action x]\nHidden=true",
                Entry::Plain,
            ),
        ] {
            assert_eq!(entry(lines), wanted, "{lines}");
        }
        assert_eq!(Entry::read(None), Entry::Missing);
        assert_eq!(
            Entry::read(Some(&text(Path::new("/a b/lenscap")))),
            Entry::Plain
        );
    }

    #[test]
    fn a_wish_of_now_counts_more_than_what_is_there() {
        use Occasion::{Change, Start};
        for (entry, wanted, at_start, at_change) in [
            (Entry::Missing, true, Step::Write, Step::Write),
            (Entry::Missing, false, Step::Leave, Step::Leave),
            (Entry::Plain, true, Step::Write, Step::Write),
            (Entry::Plain, false, Step::Remove, Step::Remove),
            (Entry::Off, true, Step::Leave, Step::Write),
            (Entry::Off, false, Step::Leave, Step::Leave),
            (Entry::Custom, true, Step::Leave, Step::Leave),
            (Entry::Custom, false, Step::Leave, Step::Remove),
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
    fn odd_paths_survive_the_file() {
        assert_eq!(quoted("/usr/bin/lenscap"), "/usr/bin/lenscap");
        assert_eq!(quoted("/100%/lenscap"), "/100%%/lenscap");
        assert_eq!(quoted("/a b/lenscap"), "\"/a b/lenscap\"");
        assert_eq!(quoted("/$a\\/lenscap"), r#""/\\$a\\\\/lenscap""#);
        let text = text(Path::new("/usr/bin/lenscap"));
        assert!(text.starts_with("[Desktop Entry]\n") && !text.contains("DBusActivatable"));
    }
}
