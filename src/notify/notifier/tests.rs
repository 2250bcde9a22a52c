//! What is told in the course of a call.

use super::*;
use crate::relay::Cover;
use crate::report::Source;

fn report(state: &str) -> Report {
    let (state, error) = state.split_once(' ').unwrap_or((state, ""));
    let paused = state == "paused" || error == "paused";
    let covered_by = (state == "covered").then_some(Cover::Lock);
    let state = if state == "covered" { "paused" } else { state };
    let name = serde_json::from_str(&format!("\"{state}\"")).unwrap();
    Report {
        state: name,
        paused,
        covered_by,
        camera_open: false,
        since: String::new(),
        source: Source::default(),
        outputs: Vec::new(),
        clients: Vec::new(),
        error: (name == StateName::Failed).then(|| error.to_owned()),
        overridden: Vec::new(),
        worker_pid: None,
        stats: None,
    }
}

fn application(name: &str, icon: Option<&str>) -> Application {
    Application {
        name: name.to_owned(),
        icon: icon.map(str::to_owned),
    }
}

fn text(changes: &[Change]) -> String {
    let words = changes.iter().map(|change| match change {
        Change::Post(note) if note.topic == Topic::Failure => format!("failure: {}", note.body),
        Change::Post(_) => "on".to_owned(),
        Change::Withdraw(Topic::CameraOn) => "on over".to_owned(),
        Change::Withdraw(Topic::Failure) => "failure over".to_owned(),
    });
    words.collect::<Vec<_>>().join(", ")
}

/// Plays states, each with what is to be done then; one in brackets is seen while notifications are
/// off.
fn check(course: &[(&str, &str)]) {
    let mut notifier = Notifier::default();
    for (index, (state, wanted)) in course.iter().enumerate() {
        let bare = state.trim_matches(['(', ')']);
        let mode = if bare == *state {
            Mode::BesideTray
        } else {
            Mode::Off
        };
        let done = notifier.step(&report(bare), &[], mode);
        assert_eq!(text(&done), *wanted, "{index}: {state}");
    }
}

#[test]
fn a_camera_that_returns_after_a_lock_is_told_again() {
    check(&[
        ("live", "on"),
        ("covered", "on over"),
        ("starting", ""),
        ("live", "on"),
        ("failed gone", "on over, failure: Gone"),
        ("covered", "failure over"),
    ]);
}

#[test]
fn a_call_is_told_once_and_taken_back() {
    check(&[
        ("idle", ""),
        ("arming", ""),
        ("starting", ""),
        ("live", "on"),
        ("live", ""),
        ("cooldown", ""),
        ("live", ""),
        ("cooldown", ""),
        ("idle", "on over"),
        ("arming", ""),
        ("idle", ""),
        ("starting", ""),
        ("live", "on"),
    ]);
}

#[test]
fn a_client_that_left_during_the_start_is_not_told() {
    check(&[
        ("starting", ""),
        ("cooldown", ""),
        ("idle", ""),
        ("starting", ""),
        ("cooldown", ""),
        ("live", "on"),
        ("cooldown", ""),
    ]);
}

#[test]
fn a_notification_that_names_no_client_is_replaced() {
    let mut notifier = Notifier::default();
    for (state, users, body) in [
        ("live", &[][..], "An application is using the camera"),
        ("live", &["Firefox"], "Firefox is using the camera"),
        ("live", &["Firefox", "Zoom"], ""), // another one that joins
        ("live", &["Zoom"], "Zoom is using the camera"),
        ("cooldown", &[], ""),
        ("live", &[], ""), // of which nothing is known yet
        ("live", &["Zoom"], ""),
        ("cooldown", &[], ""),
        ("live", &["OBS"], "OBS is using the camera"),
    ] {
        let users: Vec<_> = users.iter().map(|name| application(name, None)).collect();
        let done = notifier.step(&report(state), &users, Mode::BesideTray);
        let told = done.iter().map(|change| match change {
            Change::Post(note) => note.body.as_str(),
            Change::Withdraw(_) => "over",
        });
        assert_eq!(told.collect::<String>(), body, "{state} {users:?}");
    }
}

#[test]
fn a_pause_ends_it_and_another_start_is_another() {
    check(&[
        ("live", "on"),
        ("paused", "on over"),
        ("paused", ""),
        ("starting", ""),
        ("live", "on"),
    ]);
}

#[test]
fn a_camera_that_fails_and_returns_under_a_call_is_told_once() {
    check(&[
        ("live", "on"),
        ("failed stopped", "on over, failure: Stopped"),
        ("starting", ""),
        ("failed stopped", ""),
        ("starting", ""),
        ("live", "failure over"),
        ("cooldown", ""),
        ("idle", ""),
        ("live", "on"),
    ]);
}

#[test]
fn a_failure_is_told_until_it_is_over() {
    check(&[
        ("failed no output", "failure: No output"),
        ("failed no output", ""),
        ("failed no camera", "failure: No camera"),
        ("idle", "failure over"),
        ("idle", ""),
        ("failed no camera", "failure: No camera"),
        ("failed paused", "failure over"),
        ("failed paused", ""),
    ]);
}

#[test]
fn who_wants_none_gets_none() {
    check(&[
        ("(live)", ""),
        ("live", ""), // on already when they were allowed
        ("idle", ""),
        ("live", "on"),
        ("(live)", "on over"),
        ("live", ""),
        ("(failed busy)", ""),
        ("failed busy", "failure: Busy"),
        ("(failed busy)", "failure over"),
    ]);
}

#[test]
fn the_end_leaves_nothing_behind() {
    let mut notifier = Notifier::default();
    assert_eq!(text(&notifier.end()), "");
    notifier.step(&report("live"), &[], Mode::BesideTray);
    assert_eq!(text(&notifier.end()), "on over");
    notifier.step(&report("failed busy"), &[], Mode::BesideTray);
    assert_eq!(text(&notifier.end()), "failure over");
    assert_eq!(text(&notifier.end()), "");
}

#[test]
fn the_user_is_named_and_shown() {
    let firefox = application("Firefox", Some("firefox"));
    let tool = application("ffplay", None);
    for (users, body, icon) in [
        (
            &[firefox.clone()][..],
            "Firefox is using the camera",
            "firefox",
        ),
        (
            &[tool.clone(), firefox],
            "ffplay and Firefox are using the camera",
            "firefox",
        ),
        (&[tool], "ffplay is using the camera", ID),
        (&[], "An application is using the camera", ID),
    ] {
        let note = Note {
            topic: Topic::CameraOn,
            title: "Camera is on".to_owned(),
            body: body.to_owned(),
            icon: icon.to_owned(),
            stays: false,
        };
        let told = Notifier::default().step(&report("live"), users, Mode::BesideTray);
        assert_eq!(told, [Change::Post(note)]);
    }
}

#[test]
fn only_a_camera_that_is_on_stays_where_no_tray_icon_shows_it() {
    for (state, mode, stays) in [
        ("live", Mode::BesideTray, false),
        ("live", Mode::Alone, true),
        ("failed busy", Mode::Alone, false),
    ] {
        let done = Notifier::default().step(&report(state), &[], mode);
        let [Change::Post(note)] = &done[..] else {
            panic!("{done:?}");
        };
        assert_eq!(note.stays, stays, "{state} {mode:?}");
    }
}

#[test]
fn a_name_without_end_is_cut() {
    let name = "é".repeat(LONGEST + 1);
    let long = [application(&name, None)];
    let failure = format!("failed {name}");
    for report in [report("live"), report(&failure)] {
        let done = Notifier::default().step(&report, &long, Mode::BesideTray);
        let [Change::Post(note)] = &done[..] else {
            panic!("{done:?}");
        };
        assert_eq!(note.body.chars().count(), LONGEST + 1);
        assert!(note.body.ends_with('…'));
    }
}

#[test]
fn what_is_not_shown_may_be_a_predecessors() {
    let mut notifier = Notifier::default();
    assert_eq!(text(&notifier.tidy_up()), "on over, failure over");
    notifier.step(&report("failed no camera"), &[], Mode::BesideTray);
    assert_eq!(text(&notifier.tidy_up()), "on over");
    notifier.step(&report("live"), &[], Mode::BesideTray);
    assert_eq!(text(&notifier.tidy_up()), "failure over");
}
