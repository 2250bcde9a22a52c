//! The catalogues are up to date, complete, and used.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A message in English and in a translation; further forms are plurals.
#[derive(Debug, Default)]
struct Message {
    fuzzy: bool,
    english: Vec<String>,
    translated: Vec<String>,
}

fn languages() -> Vec<String> {
    let linguas = fs::read_to_string("po/LINGUAS").unwrap();
    linguas.lines().map(str::to_owned).collect()
}

/// The messages of a catalogue, without its header.
fn messages(path: &Path) -> Vec<Message> {
    // Normalized: one line per string, without obsolete entries.
    let output = Command::new("msgattrib")
        .args(["--no-wrap", "--no-obsolete"])
        .arg(path)
        .output()
        .expect("gettext is needed for this test");
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let mut messages: Vec<_> = text.split("\n\n").map(message).collect();
    messages.retain(|message| !message.english.concat().is_empty());
    messages
}

fn message(block: &str) -> Message {
    let mut message = Message::default();
    for line in block.lines() {
        let value = || {
            let (_, value) = line.split_once('"').unwrap();
            value.strip_suffix('"').unwrap().to_owned()
        };
        if line.starts_with("#,") {
            message.fuzzy |= line.contains("fuzzy");
        } else if line.starts_with("msgid") {
            message.english.push(value());
        } else if line.starts_with("msgstr") {
            message.translated.push(value());
        } else if line.starts_with('"') {
            let last = message.translated.last_mut().or(message.english.last_mut());
            last.unwrap().push_str(&value());
        }
    }
    message
}

/// The placeholders in a text: `{camera}`.
fn names(text: &str) -> BTreeSet<&str> {
    let parts = text.split('{').skip(1);
    parts
        .filter_map(|part| part.split_once('}'))
        .map(|(name, _)| name)
        .collect()
}

#[test]
fn the_template_is_up_to_date() {
    let scratch = tempfile::tempdir().unwrap();
    let output = Command::new("po/update")
        .arg(scratch.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "po/update: {said}");
    let mut files = vec!["POTFILES".to_owned(), "lenscap.pot".to_owned()];
    files.extend(languages().iter().map(|language| format!("{language}.po")));
    for file in files {
        let made = fs::read_to_string(scratch.path().join(&file)).unwrap();
        let kept = fs::read_to_string(Path::new("po").join(&file)).unwrap();
        assert!(made == kept, "po/{file} is old: run po/update");
    }
}

/// The program's source files below a directory, without their tests.
fn programs(dir: &Path, all: &mut Vec<(PathBuf, String)>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let is_tests = path.file_stem().is_some_and(|name| name == "tests");
        if path.is_dir() && !is_tests {
            programs(&path, all);
        } else if path.extension().is_some_and(|end| end == "rs") && !is_tests {
            let text = fs::read_to_string(&path).unwrap();
            let program = text.split("#[cfg(test)]\nmod tests").next().unwrap();
            all.push((path, program.to_owned()));
        }
    }
}

/// The string literals between the bracket that opens before `code` and the one that closes it.
fn literals(code: &str) -> Vec<String> {
    let (mut depth, mut literals) = (1, Vec::new());
    let mut letters = code.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '(' => depth += 1,
            ')' => depth -= 1,
            '"' => literals.push(literal(&mut letters)),
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    literals
}

/// The rest of a string literal, as the compiler reads it.
fn literal(letters: &mut std::str::Chars) -> String {
    let mut text = String::new();
    while let Some(letter) = letters.next() {
        match letter {
            '"' => break,
            '\\' => match letters.next() {
                Some('\n') => {
                    let rest = letters.as_str().trim_start();
                    *letters = rest.chars();
                }
                Some('n') => text.push_str("\\n"),
                Some(other) => text.extend(['\\', other]),
                None => break,
            },
            letter => text.push(letter),
        }
    }
    text
}

/// What a person reads is made by `Message::new`, `Fault::new` or `SpecError::new`, which take what
/// `n_` marks and nothing else; so it is enough to look at that.
#[test]
fn every_marked_sentence_is_in_the_catalogues() {
    let known: BTreeSet<_> = messages(Path::new("po/lenscap.pot"))
        .into_iter()
        .flat_map(|message| message.english)
        .collect();
    let mut files = Vec::new();
    programs(Path::new("src"), &mut files);
    let mut count = 0;
    for (path, program) in &files {
        for (before, after) in program.match_indices("n_(").map(|(at, call)| {
            let (before, after) = program.split_at(at);
            (before, &after[call.len()..])
        }) {
            let is_call = !before.ends_with(|c: char| c.is_alphanumeric() || c == '_');
            if !is_call || before.ends_with("fn ") {
                continue;
            }
            let marked = literals(after);
            assert_eq!(
                marked.len(),
                1,
                "{}: not a literal: {marked:?}",
                path.display()
            );
            let text = marked[0].replace("\\\"", "\"");
            let is_known = known.iter().any(|one| one.replace("\\\"", "\"") == text);
            assert!(
                is_known,
                "{}: not in po/lenscap.pot: {text}",
                path.display()
            );
            count += 1;
        }
    }
    assert!(count > 100, "{count}");
}

#[test]
fn what_is_not_translated_has_no_words_of_ours() {
    let mut files = Vec::new();
    programs(Path::new("src"), &mut files);
    for (path, program) in &files {
        for call in program.split("Message::verbatim(").skip(1) {
            for text in literals(call) {
                let words = text
                    .split('{')
                    .map(|part| part.split('}').next_back().unwrap());
                let words: String = words.collect();
                assert!(
                    !words.contains(char::is_alphabetic),
                    "{}: {text}",
                    path.display()
                );
            }
        }
    }
}

#[test]
fn every_language_is_listed_once_and_in_order() {
    let listed = languages();
    let mut found: Vec<_> = fs::read_dir("po")
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().into_string().ok())
        .filter_map(|name| name.strip_suffix(".po").map(str::to_owned))
        .collect();
    found.sort_unstable();
    assert_eq!(listed, found);
    for language in ["de", "es", "fr", "ja", "pt_BR", "zh_CN"] {
        assert!(listed.iter().any(|one| one == language), "{language}");
    }
}

#[test]
fn every_catalogue_is_complete_and_valid() {
    for language in languages() {
        let path = format!("po/{language}.po");
        let check = Command::new("msgfmt")
            .args(["-c", "-o", "/dev/null", &path])
            .output()
            .unwrap();
        assert!(
            check.status.success() && check.stderr.is_empty(),
            "{check:?}"
        );
        let header = fs::read_to_string(&path).unwrap();
        let (_, count) = header.split_once("nplurals=").expect("a plural rule");
        let forms: usize = count[..1].parse().unwrap();
        let messages = messages(Path::new(&path));
        assert!(messages.len() > 100, "{path}: {}", messages.len());
        for message in &messages {
            assert!(!message.fuzzy, "{path}: {message:?}");
            let wanted = if message.english.len() == 2 { forms } else { 1 };
            assert_eq!(message.translated.len(), wanted, "{path}: {message:?}");
            for text in &message.translated {
                assert!(!text.is_empty(), "{path}: {message:?}");
                assert_eq!(names(text), names(&message.english[0]), "{path}: {text}");
            }
        }
        let same = |message: &&Message| message.translated[0] == message.english[0];
        let same: Vec<_> = messages.iter().filter(same).collect();
        assert!(same.len() * 10 < messages.len(), "{path}: {same:?}");
    }
}

/// A program and its catalogues in the directories of `make install`.
fn installed() -> tempfile::TempDir {
    let prefix = tempfile::tempdir().unwrap();
    fs::create_dir(prefix.path().join("bin")).unwrap();
    let program = prefix.path().join("bin/lenscap");
    // Not a link: the program would look for catalogues near its target.
    fs::hard_link(env!("CARGO_BIN_EXE_lenscap"), &program)
        .or_else(|_| fs::copy(env!("CARGO_BIN_EXE_lenscap"), &program).map(drop))
        .unwrap();
    for language in languages() {
        let dir = prefix
            .path()
            .join(format!("share/locale/{language}/LC_MESSAGES"));
        fs::create_dir_all(&dir).unwrap();
        let made = Command::new("msgfmt")
            .arg("-o")
            .arg(dir.join("lenscap.mo"))
            .arg(format!("po/{language}.po"))
            .status();
        assert!(made.unwrap().success());
    }
    prefix
}

/// A program of that prefix in a language, with a locale that every system has.
fn speaking(prefix: &Path, language: &str) -> Command {
    let mut command = Command::new(prefix.join("bin/lenscap"));
    command
        .env("LC_ALL", "C.UTF-8")
        .env("LANGUAGE", language)
        .env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/dev/null/bus");
    command
}

#[test]
fn the_program_uses_the_users_language() {
    let prefix = installed();
    let complaint = |language: &str| {
        let output = speaking(prefix.path(), language).arg("status").output();
        String::from_utf8(output.unwrap().stderr).unwrap()
    };
    assert!(complaint("de").starts_with("lenscap: kein Sitzungsbus"));
    assert!(complaint("ja").contains("セッションバス"));
    assert!(complaint("pt_BR").contains("barramento de sessão"));
    assert!(complaint("tlh").starts_with("lenscap: no session bus"));
}

#[test]
fn faults_are_translated_where_they_are_shown() {
    let prefix = installed();
    let output = speaking(prefix.path(), "es")
        .args(["--width", "641"])
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.starts_with("lenscap: --width: «641» no es un tamaño"),
        "{said}"
    );
}

/// The placeholder's cards in a language.
fn cards(prefix: &Path, language: &str) -> Vec<u8> {
    let output = speaking(prefix, language)
        .args(["capture", "--cards", "640x480", "NV12", "card"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    output.stdout
}

#[test]
fn cards_use_the_users_language() {
    let prefix = installed();
    let english = cards(prefix.path(), "en");
    for language in ["de", "es", "fr", "pt_BR"] {
        assert_ne!(cards(prefix.path(), language), english, "{language}");
    }
    assert_eq!(cards(prefix.path(), "tlh"), english);
}
