//! What is written about the repository: workflows and guides name what is there.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

const GUIDE: &str = ".github/CONTRIBUTING.md";

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The files of a folder, and of those below it.
fn files(folder: &str) -> Vec<String> {
    let paths = fs::read_dir(folder).unwrap();
    let paths = paths.map(|entry| entry.unwrap().path());
    let mut files = Vec::new();
    for path in paths {
        let name = path.to_str().unwrap().to_owned();
        if path.is_dir() {
            files.extend(self::files(&name));
        } else {
            files.push(name);
        }
    }
    files
}

fn make_targets() -> BTreeSet<String> {
    let makefile = read("Makefile");
    let phony = makefile
        .lines()
        .find_map(|line| line.strip_prefix(".PHONY:"));
    let targets = phony.unwrap().split_whitespace();
    targets.map(str::to_owned).collect()
}

/// Words that follow `make` in commands: in shell lines, and between backticks.
fn made(text: &str) -> Vec<&str> {
    let is_end = |letter: char| !(letter.is_ascii_lowercase() || letter == '-');
    let calls = ["run: make ", "\nmake ", "`make "].into_iter();
    let rests = calls.flat_map(|call| {
        text.match_indices(call)
            .map(move |(at, _)| &text[at + call.len()..])
    });
    rests
        .map(|rest| rest.split(is_end).next().unwrap())
        .collect()
}

/// Paths of this project's scripts in commands.
fn scripts(text: &str) -> Vec<&str> {
    let words = text.split([' ', '\n', '`', '"', '\'', '(']);
    let is_script = |word: &&str| {
        [".github/", "tests/", "po/", "flatpak/", ".ci/"]
            .iter()
            .any(|folder| word.starts_with(folder))
    };
    let words = words.filter(is_script);
    words
        .map(|word| word.trim_end_matches(['.', ',', ')', ';', ':', '|']))
        .collect()
}

#[test]
fn workflows_and_guides_name_targets_and_scripts_that_exist() {
    let targets = make_targets();
    let mut texts = files(".github");
    texts.push("README.md".to_owned());
    let (mut seen_targets, mut seen_scripts) = (0, 0);
    for path in texts {
        let text = read(&path);
        for target in made(&text) {
            assert!(targets.contains(target), "{path}: make {target}");
            seen_targets += 1;
        }
        for script in scripts(&text) {
            assert!(
                Path::new(script).exists() || script.contains("CODE"),
                "{path}: {script}"
            );
            seen_scripts += 1;
        }
    }
    assert!(
        seen_targets > 8 && seen_scripts > 20,
        "{seen_targets}, {seen_scripts}"
    );
}

/// The paths of the table of rooms and tests: those of the first column, and of the second.
fn test_map() -> (BTreeSet<String>, BTreeSet<String>) {
    let guide = read(GUIDE);
    let rows = guide.lines().filter_map(|line| line.strip_prefix("| "));
    let columns = rows.map(|row| row.split_once('|').unwrap());
    let paths = |text: &str| -> Vec<String> {
        let quoted = text.split('`').skip(1).step_by(2);
        quoted.map(str::to_owned).collect()
    };
    let columns: Vec<_> = columns
        .map(|(room, tests)| (paths(room), paths(tests)))
        .collect();
    let (rooms, tests): (Vec<_>, Vec<_>) = columns.into_iter().unzip();
    (
        rooms.concat().into_iter().collect(),
        tests.concat().into_iter().collect(),
    )
}

#[test]
fn the_test_map_has_every_test_and_nothing_else() {
    let (rooms, tests) = test_map();
    for path in rooms.iter().chain(&tests) {
        let module = format!("{path}.rs");
        assert!(
            Path::new(path).exists() || Path::new(&module).exists(),
            "{path}"
        );
    }
    for entry in fs::read_dir("tests").unwrap() {
        let path = entry.unwrap().path();
        let name = path.to_str().unwrap();
        // A folder that git has emptied may stay.
        let is_folder = path.is_dir() && !files(name).is_empty();
        let is_test = is_folder || path.extension().is_some_and(|end| end == "rs");
        assert!(!is_test || tests.contains(name), "{name} is not in {GUIDE}");
    }
}

/// A failure that a recipe swallows leaves out tests, whatever `LENSCAP_STRICT` is.
#[test]
fn no_target_goes_on_after_a_failure() {
    assert!(!read("Makefile").contains("|| true"));
}

#[test]
fn the_rules_see_commands_in_every_form() {
    assert_eq!(
        made("- run: make deb X=y\nmake run # it\nuse `make check`."),
        ["deb", "run", "check"]
    );
    assert_eq!(
        scripts("call `po/update`, then tests/left-out."),
        ["po/update", "tests/left-out"]
    );
}
