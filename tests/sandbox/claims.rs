//! What SECURITY.md promises.

use std::fs;
use std::path::Path;

use lenscap_support::in_tree;

/// Source files below a folder, as one text.
fn sources(folder: &Path) -> String {
    let entries = fs::read_dir(folder).unwrap();
    let texts = entries.map(|entry| {
        let path = entry.unwrap().path();
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("rs") => fs::read_to_string(path).unwrap(),
            _ if path.is_dir() => sources(&path),
            _ => String::new(),
        }
    });
    texts.collect()
}

#[test]
fn every_claim_of_the_sandbox_has_its_tests() {
    let document = fs::read_to_string(in_tree(".github/SECURITY.md")).unwrap();
    let sources = ["src/capture", "src/app", "tests/sandbox"].map(|dir| sources(&in_tree(dir)));
    let sources = sources.concat();
    let (_, rows) = document.split_once("|---|---|\n").unwrap();
    let rows: Vec<_> = rows.lines().take_while(|line| !line.is_empty()).collect();
    assert!(rows.len() > 5, "{rows:?}");
    for row in rows {
        let tests = row.rsplit('|').nth(1).unwrap();
        let names: Vec<_> = tests.split('`').skip(1).step_by(2).collect();
        assert!(!names.is_empty(), "{row}");
        for name in names {
            let whole = format!("#[test]\n    fn {name}()");
            let is_test = sources.contains(&whole) || sources.contains(&whole.replace("    ", ""));
            assert!(is_test, "{name}");
        }
    }
}
