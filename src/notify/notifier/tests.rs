//! Notifications in the course of a call.

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
        update: false,
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

/// Checks the changes after each of some states. Notifications are off during those in brackets.
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
fn a_camera_that_returns_after_a_lock_is_announced_again() {
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
fn a_call_is_announced_once_and_withdrawn() {
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
fn a_client_that_left_during_the_start_is_not_announced() {
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
        ("live", &["Firefox", "Zoom"], ""), // joins
        ("live", &["Zoom"], "Zoom is using the camera"),
        ("cooldown", &[], ""),
        ("live", &[], ""), // name not known yet
        ("live", &["Zoom"], ""),
        ("cooldown", &[], ""),
        ("live", &["OBS"], "OBS is using the camera"),
    ] {
        let users: Vec<_> = users.iter().map(|name| application(name, None)).collect();
        let done = notifier.step(&report(state), &users, Mode::BesideTray);
        let bodies = done.iter().map(|change| match change {
            Change::Post(note) => note.body.as_str(),
            Change::Withdraw(_) => "over",
        });
        assert_eq!(bodies.collect::<String>(), body, "{state} {users:?}");
    }
}

#[test]
fn a_pause_withdraws_it_and_the_next_start_is_announced() {
    check(&[
        ("live", "on"),
        ("paused", "on over"),
        ("paused", ""),
        ("starting", ""),
        ("live", "on"),
    ]);
}

#[test]
fn a_camera_that_recovers_during_a_call_is_announced_once() {
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
fn a_failure_is_shown_until_it_is_over() {
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
fn nothing_is_shown_while_notifications_are_off() {
    check(&[
        ("(live)", ""),
        ("live", ""), // already on when they were enabled
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
fn the_end_withdraws_everything() {
    let mut notifier = Notifier::default();
    assert_eq!(text(&notifier.end()), "");
    notifier.step(&report("live"), &[], Mode::BesideTray);
    assert_eq!(text(&notifier.end()), "on over");
    notifier.step(&report("failed busy"), &[], Mode::BesideTray);
    assert_eq!(text(&notifier.end()), "failure over");
    assert_eq!(text(&notifier.end()), "");
}

#[test]
fn the_applications_name_and_icon_are_shown() {
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
        let notified = Notifier::default().step(&report("live"), users, Mode::BesideTray);
        assert_eq!(notified, [Change::Post(note)]);
    }
}

#[test]
fn without_a_tray_icon_only_the_camera_note_stays() {
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
fn a_long_body_is_truncated() {
    let name = "é".repeat(MAX_BODY_CHARS + 1);
    let long = [application(&name, None)];
    let failure = format!("failed {name}");
    for report in [report("live"), report(&failure)] {
        let done = Notifier::default().step(&report, &long, Mode::BesideTray);
        let [Change::Post(note)] = &done[..] else {
            panic!("{done:?}");
        };
        assert_eq!(note.body.chars().count(), MAX_BODY_CHARS + 1);
        assert!(note.body.ends_with('…'));
    }
}

#[test]
fn tidying_up_withdraws_what_is_not_shown() {
    let mut notifier = Notifier::default();
    assert_eq!(text(&notifier.tidy_up()), "on over, failure over");
    notifier.step(&report("failed no camera"), &[], Mode::BesideTray);
    assert_eq!(text(&notifier.tidy_up()), "on over");
    notifier.step(&report("live"), &[], Mode::BesideTray);
    assert_eq!(text(&notifier.tidy_up()), "failure over");
}
