//! The content in every state.

use super::*;
use crate::relay::Cover;
use crate::report::{Client, Source};

fn report(state: StateName) -> Report {
    Report {
        state,
        paused: state == StateName::Paused,
        covered_by: None,
        camera_open: matches!(
            state,
            StateName::Starting | StateName::Live | StateName::Cooldown
        ),
        since: String::new(),
        source: Source::default(),
        outputs: Vec::new(),
        clients: Vec::<Client>::new(),
        error: None,
        overridden: Vec::new(),
        update: false,
        worker_pid: None,
        stats: None,
    }
}

fn users(names: &[&str]) -> Vec<Application> {
    let names = names.iter();
    let users = names.map(|name| Application {
        name: (*name).to_owned(),
        icon: None,
    });
    users.collect()
}

/// The model as one line.
fn text(report: &Report, names: &[&str]) -> String {
    let model = Model::new(report, &users(names));
    let attention = if model.needs_attention() { "!" } else { "" };
    let (symbol, headline, detail) = (model.symbol, model.headline, model.detail);
    format!("{symbol:?}{attention} | {headline} | {detail}")
}

#[test]
fn each_state_has_symbol_headline_and_detail() {
    let failed = Report {
        error: Some("no camera: connect one".to_owned()),
        ..report(StateName::Failed)
    };
    let paused_and_failed = Report {
        paused: true,
        ..failed.clone()
    };
    let covered = |by| Report {
        paused: false,
        covered_by: Some(by),
        ..report(StateName::Paused)
    };
    let open = |state| Report {
        camera_open: true,
        ..report(state)
    };
    for (report, users, wanted) in [
        (
            report(StateName::Idle),
            &[][..],
            "Idle | Camera is off | No application is using it",
        ),
        (
            open(StateName::Idle),
            &[],
            "Live | Camera is turning off… | No application is using it",
        ),
        (
            report(StateName::Arming),
            &["Firefox"],
            "Idle | Camera is off | About to turn on for Firefox",
        ),
        (
            report(StateName::Starting),
            &["Firefox"],
            "Live | Camera is starting… | For Firefox",
        ),
        (
            report(StateName::Live),
            &["Firefox"],
            "Live | Camera is on | In use by Firefox",
        ),
        (
            report(StateName::Live),
            &["Firefox", "Zoom"],
            "Live | Camera is on | In use by Firefox and Zoom",
        ),
        (
            report(StateName::Live),
            &[],
            "Live | Camera is on | In use by an application",
        ),
        (
            report(StateName::Cooldown),
            &[],
            "Live | Camera is on | No longer in use, it turns off soon",
        ),
        (
            open(StateName::Paused),
            &["Zoom"],
            "Live | Camera is turning off… | Applications see the placeholder",
        ),
        (
            report(StateName::Paused),
            &["Zoom"],
            "Paused | Camera is paused | The placeholder is shown to Zoom",
        ),
        (
            covered(Cover::Lock),
            &["Zoom"],
            "Paused | Camera is off | Covered while the screen is locked",
        ),
        (
            covered(Cover::Sleep),
            &[],
            "Paused | Camera is off | Covered while the computer sleeps",
        ),
        (
            Report {
                paused: true,
                ..covered(Cover::Lock)
            },
            &[],
            "Paused | Camera is paused | It stays off until you allow it",
        ),
        (
            failed,
            &["Zoom"],
            "Failed! | Camera not available | No camera: connect one",
        ),
        (
            paused_and_failed,
            &[],
            "Paused | Camera is paused | No camera: connect one",
        ),
    ] {
        assert_eq!(text(&report, users), wanted);
    }
}

/// The menu, one line per entry.
fn menu(report: &Report) -> Vec<String> {
    let entries = Model::new(report, &users(&["Firefox"])).menu().into_iter();
    let lines = entries.map(|entry| match entry {
        MenuEntry::Line(label) => label,
        MenuEntry::Check {
            label,
            checked,
            click,
        } => {
            format!("[{}] {label} -> {click:?}", if checked { "x" } else { " " })
        }
        MenuEntry::Item { label, click } => format!("{label} -> {click:?}"),
        MenuEntry::Separator => "--".to_owned(),
    });
    lines.collect()
}

#[test]
fn the_menu_has_the_same_entries_in_every_state() {
    assert_eq!(
        menu(&report(StateName::Live)),
        [
            "Camera is on",
            "In use by Firefox",
            "--",
            "[x] Allow camera -> Request(Pause)",
            "--",
            "Preferences… -> Request(ShowPreferences)",
            "About -> About",
            " -> Restart",
            "Quit -> Request(Quit)",
        ]
    );
    let paused = menu(&report(StateName::Paused));
    assert_eq!(
        paused[..4],
        [
            "Camera is paused",
            "The placeholder is shown to Firefox",
            "--",
            "[ ] Allow camera -> Request(Resume)",
        ]
    );
}

#[test]
fn a_click_on_the_icon_toggles_the_pause() {
    let toggled = |state| Model::new(&report(state), &[]).toggle();
    let request = Click::Request;
    for state in [StateName::Idle, StateName::Live, StateName::Failed] {
        assert_eq!(toggled(state), request(Request::Pause));
    }
    assert_eq!(toggled(StateName::Paused), request(Request::Resume));
}

#[test]
fn the_restart_is_there_after_an_update_only() {
    let has = |update, entry: &str| {
        let report = Report {
            update,
            ..report(StateName::Live)
        };
        menu(&report).contains(&entry.to_owned())
    };
    assert!(has(false, " -> Restart"));
    assert!(has(true, "Restart to finish the update -> Restart"));
}
