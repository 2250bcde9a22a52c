//! Rules about the sources: dependency direction, size and documentation.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

/// The rooms, lowest first. A room uses only rooms before it.
const ROOMS: &[&str] = &[
    "small_file",
    "settings",
    "i18n",
    "descriptor",
    "stderr",
    "program",
    "process",
    "mapping",
    "v4l2",
    "name_watch",
    "relay",
    "placeholder",
    "config",
    "report",
    "source",
    "capture",
    "clients",
    "output",
    "preview",
    "instance",
    "dbus",
    "autostart",
    "session",
    "applications",
    "tray",
    "notify",
    "doctor",
    "app",
    "cli",
];

/// Further exclusions: outputs and clients must not depend on sources, and the core on nothing with
/// side effects.
const APART: &[(&str, &[&str])] = &[
    ("relay", &["i18n"]),
    ("config", &["relay", "placeholder"]),
    ("output", &["config", "report", "source", "capture"]),
    ("preview", &["config", "report", "source", "capture"]),
    ("clients", &["config", "report", "source", "capture"]),
    (
        "instance",
        &["relay", "config", "report", "source", "capture", "output"],
    ),
    (
        "autostart",
        &["settings", "relay", "config", "report", "dbus"],
    ),
    (
        "session",
        &["settings", "relay", "config", "report", "dbus"],
    ),
    ("dbus", DOERS),
    ("applications", DOERS),
    ("tray", DOERS),
    // Shells receive a report and send requests; they never call each other.
    ("notify", &["dbus", "tray"]),
    ("notify", DOERS),
];

/// Names that imply side effects.
const DOERS: &[&str] = &[
    "config", "source", "capture", "output", "clients", "instance",
];

/// The maximum length of a file, in lines.
const MOST_LINES: usize = 500;

/// A source file: its path within its package's sources, and its text.
struct File {
    /// The folder within `src` of a package of its own.
    package: Option<PathBuf>,
    path: PathBuf,
    text: String,
}

impl File {
    fn all() -> Vec<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut files = Vec::new();
        collect(&root, None, &root, &mut files);
        assert!(files.len() > 10, "the sources were not found");
        files
    }

    /// The room that the file is in; none for the crate's own roots, and other packages.
    fn room(&self) -> Option<&str> {
        if self.package.is_some() {
            return None;
        }
        let first = self.path.iter().next()?.to_str()?;
        match first.strip_suffix(".rs").unwrap_or(first) {
            "main" | "lib" => None,
            room => Some(room),
        }
    }

    /// The path within `src`, for messages.
    fn shown(&self) -> String {
        let package = self.package.clone().unwrap_or_default();
        package.join(&self.path).display().to_string()
    }

    /// The number of `super`s from the file's module to the crate's root. A widget's inner module
    /// is one deeper.
    fn depth(&self) -> usize {
        self.path.components().count() + usize::from(self.package.is_some())
    }

    /// Whether the file is for tests only.
    fn is_test(&self) -> bool {
        let is_tests = |part: &std::ffi::OsStr| part == "tests" || part == "tests.rs";
        self.path.iter().any(is_tests)
    }

    /// The lines of code, comments blanked, with their numbers.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let numbered = self.text.lines().enumerate();
        numbered.map(|(index, line)| (index + 1, without_comment(line)))
    }

    /// The lines of code before the file's own tests.
    fn program(&self) -> impl Iterator<Item = (usize, &str)> {
        let is_program = |line: &str| line.trim() != "#[cfg(test)]";
        let all = if self.is_test() { 0 } else { usize::MAX };
        self.code()
            .take(all)
            .take_while(move |(_, line)| is_program(line))
    }
}

fn collect(root: &Path, package: Option<&Path>, dir: &Path, files: &mut Vec<File>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.join("Cargo.toml").exists() {
            collect(&path, path.strip_prefix(root).ok(), &path, files);
        } else if path.is_dir() {
            collect(root, package, &path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let path = path.strip_prefix(root).unwrap().to_owned();
            let package = package.map(Path::to_owned);
            files.push(File {
                package,
                path,
                text,
            });
        }
    }
}

/// A line without its comment. A `//` within a string ends it early, but strings contain no paths.
fn without_comment(line: &str) -> &str {
    line.split("//").next().unwrap_or(line)
}

/// The rooms that follow every `prefix` in the text, as in `crate::relay::Time` and
/// `crate::{relay::Time, settings}`.
fn named_after<'a>(text: &'a str, prefix: &str) -> Vec<&'a str> {
    let rests = text
        .match_indices(prefix)
        .map(|(at, _)| &text[at + prefix.len()..]);
    rests.flat_map(first_names).collect()
}

/// The first name of a path, or the first one of each path in braces.
fn first_names(rest: &str) -> Vec<&str> {
    let Some(group) = rest.strip_prefix('{') else {
        return vec![identifier(rest)];
    };
    let mut names = Vec::new();
    let mut depth = 0_u32;
    let mut start = 0;
    for (at, letter) in group.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' if depth == 0 => {
                names.push(identifier(group[start..at].trim()));
                start = at + 1;
                if letter == '}' {
                    break;
                }
            }
            _ => {}
        }
    }
    names
}

fn identifier(text: &str) -> &str {
    let is_part = |letter: char| letter.is_alphanumeric() || letter == '_';
    text.split(|letter| !is_part(letter)).next().unwrap_or(text)
}

/// The rooms that a file names.
fn rooms_named(file: &File) -> Vec<String> {
    let code: String = file.code().fold(String::new(), |mut code, (_, line)| {
        let _ = writeln!(code, "{line}");
        code
    });
    let names = named_after(&code, "crate::");
    let rooms = names.into_iter().filter(|name| ROOMS.contains(name));
    rooms.map(str::to_owned).collect()
}

fn rank(room: &str) -> usize {
    let rank = ROOMS.iter().position(|known| *known == room);
    rank.unwrap_or_else(|| panic!("the room '{room}' has no place in the order"))
}

fn may_name(room: &str, other: &str) -> bool {
    let apart = APART.iter().filter(|(one, _)| *one == room);
    rank(other) <= rank(room)
        && !apart
            .flat_map(|(_, others)| *others)
            .any(|one| *one == other)
}

/// Fails with a list of all violations.
fn expect_none(offences: &[String]) {
    assert!(offences.is_empty(), "\n{}", offences.join("\n"));
}

#[test]
fn lower_rooms_never_name_higher_ones() {
    let mut offences = Vec::new();
    for file in File::all() {
        let Some(room) = file.room() else { continue };
        for other in rooms_named(&file) {
            if !may_name(room, &other) {
                offences.push(format!("{}: {room} names {other}", file.shown()));
            }
        }
    }
    expect_none(&offences);
}

#[test]
fn the_core_has_no_side_effects() {
    let doers = [
        "glib",
        "gio",
        "gstreamer",
        "rustix",
        "std::fs",
        "std::net",
        "std::process",
    ];
    let clocks = ["Instant", "SystemTime", "thread::"];
    let mut offences = Vec::new();
    for file in File::all() {
        if !matches!(file.room(), Some("relay" | "settings")) {
            continue;
        }
        for (number, line) in file.program() {
            for word in doers.iter().chain(&clocks) {
                if line.contains(word) {
                    offences.push(format!("{}:{number}: {word}", file.shown()));
                }
            }
        }
    }
    expect_none(&offences);
}

/// The longest chain of `super` in a line.
fn supers(line: &str) -> usize {
    let mut count = 0;
    while line.contains(&"super::".repeat(count + 1)) {
        count += 1;
    }
    count
}

#[test]
fn no_path_bypasses_the_rooms() {
    let mut offences = Vec::new();
    for file in File::all() {
        let program = file.program().count();
        for (number, line) in file.code() {
            // Tests are a module of their own.
            let depth = file.depth() + usize::from(number > program);
            if supers(line) >= depth || line.contains("#[path") {
                offences.push(format!("{}:{number}: start at crate::", file.shown()));
            }
        }
    }
    expect_none(&offences);
}

#[test]
fn files_are_read_up_to_a_limit() {
    let unlimited = [
        "fs::read(",
        "read_to_string(",
        "read_to_end(",
        "load_from_file(",
    ];
    // The one place, and what reads its own lock or the applet's input, with a limit.
    let limited = ["small_file.rs", "instance.rs", "capture/probe.rs"];
    let mut offences = Vec::new();
    for file in File::all().iter().filter(|file| file.package.is_none()) {
        if limited.iter().any(|path| file.path == Path::new(path)) {
            continue;
        }
        for (number, line) in file.program() {
            if unlimited.iter().any(|call| line.contains(call)) {
                offences.push(format!("{}:{number}: use small_file", file.shown()));
            }
        }
    }
    expect_none(&offences);
}

#[test]
fn nothing_is_unwrapped_outside_tests() {
    let mut offences = Vec::new();
    for file in File::all() {
        for (number, line) in file.program() {
            if line.contains(".unwrap()") || line.contains("todo!(") || line.contains("dbg!(") {
                offences.push(format!("{}:{number}: {}", file.shown(), line.trim()));
            }
        }
    }
    expect_none(&offences);
}

/// `println!` and `eprintln!` panic where they can't write, and wait for a reader that doesn't read.
/// What a user starts by hand, `lenscap-fix` and the build script may.
#[test]
fn nothing_prints_but_the_log() {
    let mut offences = Vec::new();
    let may_print = |file: &File| {
        file.package.as_deref() == Some(Path::new("fix")) || file.path.ends_with("build.rs")
    };
    for file in File::all().iter().filter(|file| !may_print(file)) {
        for (number, line) in file.program() {
            if line.contains("print!(") || line.contains("println!(") {
                offences.push(format!("{}:{number}: {}", file.shown(), line.trim()));
            }
        }
    }
    expect_none(&offences);
}

#[test]
fn every_file_is_short_and_documented() {
    let mut offences = Vec::new();
    for file in File::all() {
        let lines = file.text.lines().count();
        if lines > MOST_LINES {
            offences.push(format!("{}: {lines} lines", file.shown()));
        }
        if !file.text.starts_with("//! ") {
            offences.push(format!("{}: no words about it", file.shown()));
        }
    }
    expect_none(&offences);
}

#[test]
fn main_only_calls_the_library() {
    let files = File::all();
    let mut ours = files.iter().filter(|file| file.package.is_none());
    let main = ours.find(|file| file.path == Path::new("main.rs"));
    let code = main.unwrap().code();
    let lines = code.filter(|(_, line)| !line.trim().is_empty()).count();
    assert_eq!(lines, 3);
}

#[test]
fn the_rules_recognize_all_forms_of_paths() {
    let named = |text| named_after(text, "crate::");
    assert_eq!(named("use crate::relay::Time;"), ["relay"]);
    assert_eq!(
        named("use crate::{app, relay::{a, b}, cli};"),
        ["app", "relay", "cli"]
    );
    assert_eq!(
        named("use crate::{\n    app::x,\n    cli,\n};"),
        ["app", "cli", ""]
    );
    assert_eq!(
        named("x(crate::dbus::NAME, crate::app::run)"),
        ["dbus", "app"]
    );
    assert_eq!(supers("use super::super::Wanted;"), 2);
    assert_eq!(without_comment("a(); // crate::cli"), "a(); ");
    assert!(may_name("cli", "app") && may_name("app", "app") && !may_name("app", "cli"));
    assert!(!may_name("output", "capture"));
}
