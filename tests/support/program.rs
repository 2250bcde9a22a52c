//! Programs of other packages than the test's own.
//!
//! Cargo names a test the programs of its own package alone (`CARGO_BIN_EXE_…`), and builds no others
//! for it. Those of the whole workspace lie in one folder.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use std::{env, fs};

use crate::in_tree;

/// A program of another package. Panics if it is missing, or older than its sources: a test that is
/// built alone leaves it as it is.
pub fn program(name: &str) -> PathBuf {
    let test = env::current_exe().expect("the test's own path");
    let deps = test.parent().expect("the folder of the tests");
    let program = deps.with_file_name(name);
    let sources = packages(name).iter().map(|package| in_tree(package));
    if let Some(reason) = why_outdated(&program, sources) {
        panic!("{reason}: test with --workspace");
    }
    program
}

/// The applet in a folder where this test is its `lenscap-preferences`: other callers get no previews.
pub fn applet_of_this_test(dir: &Path) -> PathBuf {
    let dir = dir.join("programs");
    fs::create_dir(&dir).unwrap();
    let applet = dir.join("lenscap");
    fs::copy(program("lenscap"), &applet).unwrap();
    let own = env::current_exe().unwrap();
    symlink(own, dir.join("lenscap-preferences")).unwrap();
    applet
}

/// The folders of the packages that a program is built from.
fn packages(program: &str) -> &'static [&'static str] {
    match program {
        "lenscap" => &["src", "src/actions"],
        "lenscap-fix" => &["src/fix", "src/actions"],
        "lenscap-preferences" => &["src", "src/actions", "src/preferences"],
        _ => panic!("{program} is none of ours"),
    }
}

fn why_outdated(program: &Path, packages: impl Iterator<Item = PathBuf>) -> Option<String> {
    let Some(built) = modified(program) else {
        return Some(format!("{} is missing", program.display()));
    };
    let mut sources = packages.flat_map(|package| sources(&package));
    let newer = sources.find(|source| modified(source).is_some_and(|time| time > built))?;
    let (newer, program) = (newer.display(), program.display());
    Some(format!("{newer} is newer than {program}"))
}

fn modified(path: &Path) -> Option<SystemTime> {
    path.metadata().and_then(|file| file.modified()).ok()
}

/// What cargo builds a package's programs from: neither unit tests nor packages within it.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder of sources");
    let paths = entries.map(|entry| entry.expect("its entries").path());
    let mut sources = Vec::new();
    for path in paths.filter(|path| path.file_stem().is_some_and(|name| name != "tests")) {
        if path.is_file() {
            let is_code = |end| ["rs", "ui", "css"].iter().any(|known| *known == end);
            sources.extend(path.extension().is_some_and(is_code).then_some(path));
        } else if !path.join("Cargo.toml").exists() {
            sources.extend(self::sources(&path));
        }
    }
    sources
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::time::Duration;

    #[test]
    fn a_program_must_not_be_older_than_any_of_its_sources() {
        let folder = tempfile::tempdir().unwrap();
        let package = folder.path().join("package");
        let program = folder.path().join("program");
        let outdated = || why_outdated(&program, [package.clone()].into_iter());
        assert!(outdated().unwrap().contains("is missing"));
        fs::write(&program, "").unwrap();
        let built = modified(&program).unwrap();
        let write = |name: &str, time| {
            let path = package.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, "").unwrap();
            let file = File::options().write(true).open(path).unwrap();
            file.set_modified(time).unwrap();
        };
        let later = built + Duration::from_secs(9);
        write("main.rs", built);
        write("room/noun.rs", built - Duration::from_secs(9));
        // None of these makes cargo build the program again.
        write("room/tests.rs", later);
        write("room/tests/table.rs", later);
        write("other/Cargo.toml", built);
        write("other/main.rs", later);
        assert_eq!(outdated(), None);
        write("room/noun.rs", later);
        assert!(outdated().unwrap().contains("noun.rs is newer"));
        write("room/noun.rs", built);
        write("window.ui", later);
        assert!(outdated().unwrap().contains("window.ui is newer"));
    }
}
