//! Texts that other programs and people write, broken in every way: nothing panics, and every complaint
//! is one line.
//!
//! `make soak` has the long runs. A case that was once wrong becomes a seed.

use std::fs;

use jiff::Timestamp;
use lenscap::config;
use lenscap::report::Report;
use lenscap::settings::{OutputSpec, PlaceholderSpec, Settings, SourceSpec};
use lenscap_support::in_tree;
use proptest::prelude::*;

/// The texts to begin with: a file each.
fn seeds(extension: &str) -> Vec<String> {
    let entries = fs::read_dir(in_tree("tests/inputs/seeds")).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let paths = paths.filter(|path| path.extension().is_some_and(|found| found == extension));
    let texts: Vec<_> = paths
        .map(|path| fs::read_to_string(path).unwrap())
        .collect();
    assert!(!texts.is_empty(), "no seeds with .{extension}");
    texts
}

/// A change of a text, at two places.
#[derive(Clone, Debug)]
enum Edit {
    Remove,
    Repeat,
    Swap,
    Insert(String),
}

fn edit() -> impl Strategy<Value = Edit> {
    prop_oneof![
        Just(Edit::Remove),
        Just(Edit::Repeat),
        Just(Edit::Swap),
        "([\\[\\]{}\"'=.,:;/@?&#%\\\\\n\t\u{0}\u{1b}\u{202e}-]|[a-z0-9]|\\PC){1,6}"
            .prop_map(Edit::Insert),
    ]
}

/// A seed after some changes.
fn changed(seeds: Vec<String>) -> impl Strategy<Value = String> {
    let place = 0.0..1.0f64;
    let edits = prop::collection::vec((edit(), place.clone(), place), 0..6);
    (prop::sample::select(seeds), edits).prop_map(|(seed, edits)| {
        let text: Vec<char> = seed.chars().collect();
        let apply = |text: Vec<char>, (edit, one, other): (Edit, f64, f64)| {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                clippy::cast_precision_loss
            )]
            let place = |at: f64| (at * text.len() as f64) as usize;
            let (from, to) = (place(one.min(other)), place(one.max(other)));
            let (start, middle, end) = (&text[..from], &text[from..to], &text[to..]);
            match edit {
                Edit::Remove => [start, end].concat(),
                Edit::Repeat => [start, middle, middle, end].concat(),
                Edit::Swap => [middle, start, end].concat(),
                Edit::Insert(letters) => {
                    [start, &letters.chars().collect::<Vec<_>>(), &text[from..]].concat()
                }
            }
        };
        edits.into_iter().fold(text, apply).into_iter().collect()
    })
}

/// One line, without control characters, which a terminal would act on.
fn is_fit(text: &str) -> bool {
    !text.is_empty() && !text.contains(char::is_control)
}

fn config() -> ProptestConfig {
    ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_config_file_is_understood_or_refused_in_one_line(text in changed(seeds("toml"))) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lenscap.toml");
        fs::write(&path, &text).unwrap();
        let loaded = config::load(&path, &Settings::default());
        let lines = loaded.warnings.iter().chain(&loaded.error);
        for line in lines {
            prop_assert!(is_fit(line), "{:?}", line);
        }
        // A change leaves everything else as it is, or the file alone.
        let mut wanted = loaded.settings.clone();
        wanted.desktop.tray = !wanted.desktop.tray;
        match config::edit(&path, |settings| settings.desktop.tray = !settings.desktop.tray) {
            Ok(()) => prop_assert_eq!(config::load(&path, &Settings::default()).settings, wanted),
            Err(error) => {
                prop_assert!(is_fit(&error.to_string()), "{}", error);
                prop_assert_eq!(fs::read_to_string(&path).unwrap(), text);
            }
        }
    }

    #[test]
    fn a_source_is_understood_or_refused_in_one_line(text in changed(seeds("source"))) {
        let text = text.trim_end_matches('\n');
        match text.parse::<SourceSpec>() {
            Ok(spec) => prop_assert_eq!(spec.revealed().parse::<SourceSpec>().unwrap(), spec),
            Err(error) => prop_assert!(!error.to_string().contains('\u{1b}'), "{}", error),
        }
        let _ = text.parse::<OutputSpec>();
        let _ = text.parse::<PlaceholderSpec>();
    }

    #[test]
    fn a_password_is_never_shown(
        scheme in "(rtsp|rtsps|http|https)",
        user in "[a-z]{1,8}",
        password in "[A-Z]{6,12}",
        rest in "(:[0-9]{1,4})?(/[a-z0-9/]{0,8})?(\\?[a-z]=[a-z]&?)?",
    ) {
        let text = format!("{scheme}://{user}:{password}@camera{rest}");
        let shown = match text.parse::<SourceSpec>() {
            Ok(spec) => format!("{spec} {spec:?}"),
            Err(error) => error.to_string(),
        };
        prop_assert!(!shown.contains(&password), "{}", shown);
    }

    #[test]
    fn a_status_is_understood_or_refused(text in changed(seeds("json"))) {
        if let Ok(report) = Report::from_json(&text) {
            prop_assert_eq!(&Report::from_json(&report.to_json()).unwrap(), &report);
            let _ = report.to_text(Timestamp::UNIX_EPOCH);
        }
    }
}
