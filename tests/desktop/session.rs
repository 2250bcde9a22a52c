//! Fast user switching, locks and sleep, with a fake logind.

use std::fs;
use std::process::Command;

use super::applet::{Home, until};
use lenscap::relay::Cover;
use lenscap::report::Report;
use lenscap_support::bus::Bus;
use lenscap_support::logind::{By, Facts, Logind};
use rustix::fs::{FlockOperation, flock};

fn is_elsewhere(report: &Report) -> bool {
    let error = report.error.as_deref().unwrap_or_default();
    error.contains("another session is active")
}

/// Whether the applet tries to open its device, because the session is active.
fn is_here(report: &Report) -> bool {
    let error = report.error.as_deref().unwrap_or_default();
    error.contains("/dev/null")
}

#[test]
fn the_device_is_closed_while_another_session_is_active() {
    for by in [By::Process, By::Number, By::Display] {
        let (session, system) = (Bus::new(), Bus::new());
        let logind = Logind::new(&system, by, Facts::new());
        let home = Home::new(&session.address).with_system_bus(&system.address);
        home.configure("");
        let applet = home.start();
        applet.wait(is_here);
        logind.switch(false);
        let report = applet.wait(is_elsewhere);
        assert!(report.outputs.is_empty() && !report.camera_open);
        // Nothing else opens the device again.
        home.configure("[delays]\ncooldown_ms = 1\n");
        home.configure("width = 640\n");
        applet.tell("pause");
        assert!(is_elsewhere(&applet.wait(|report| report.paused)));
        logind.switch(true);
        applet.wait(is_here);
    }
}

#[test]
fn a_session_that_is_initially_inactive_is_detected() {
    let (session, system) = (Bus::new(), Bus::new());
    let _logind = Logind::new(&system, By::Process, Facts::new().active(false));
    let home = Home::new(&session.address).with_system_bus(&system.address);
    home.configure("");
    let applet = home.start();
    applet.wait(is_elsewhere);
}

#[test]
fn a_session_may_start_later_and_end_earlier_than_the_applet() {
    let (session, system) = (Bus::new(), Bus::new());
    let facts = Facts::new().active(false).there(false);
    let logind = Logind::new(&system, By::Display, facts);
    let home = Home::new(&session.address).with_system_bus(&system.address);
    home.configure("");
    let applet = home.start();
    applet.wait(is_here);
    logind.attend(true);
    applet.wait(is_elsewhere);
    logind.attend(false);
    applet.wait(is_here);
}

#[test]
fn a_log_out_ends_an_applet_in_the_graphical_session() {
    let (session, system) = (Bus::new(), Bus::new());
    let logind = Logind::new(&system, By::Process, Facts::new());
    let home = Home::new(&session.address).with_system_bus(&system.address);
    home.configure("");
    let mut applet = home.start();
    applet.wait(is_here);
    logind.log_out();
    assert_eq!(applet.wait_for_end().code(), Some(0));
}

#[test]
fn a_log_out_during_the_session_query_is_detected() {
    let (session, system) = (Bus::new(), Bus::new());
    let _logind = Logind::new(&system, By::Process, Facts::new().closes_unseen());
    let home = Home::new(&session.address).with_system_bus(&system.address);
    home.configure("");
    assert_eq!(home.start().wait_for_end().code(), Some(0));
}

#[test]
fn a_closed_session_is_left_when_the_next_one_begins() {
    let (session, system) = (Bus::new(), Bus::new());
    let facts = Facts::new();
    let logind = Logind::new(&system, By::Process, facts.clone());
    let home = Home::new(&session.address).with_system_bus(&system.address);
    home.configure("");
    let mut applet = home.start();
    applet.wait(is_here);
    facts.close();
    logind.begin_another();
    assert_eq!(applet.wait_for_end().code(), Some(0));
}

#[test]
fn a_closing_session_does_not_make_the_applet_inactive() {
    for (by, kind) in [(By::Process, "tty"), (By::Number, "x11")] {
        let (session, system) = (Bus::new(), Bus::new());
        let logind = Logind::new(&system, by, Facts::new().kind(kind));
        let home = Home::new(&session.address).with_system_bus(&system.address);
        home.configure("");
        let applet = home.start();
        applet.wait(is_here);
        logind.switch(false);
        applet.wait(is_elsewhere);
        logind.log_out();
        applet.wait(is_here);
    }
}

#[test]
fn a_start_waits_for_an_ending_applet() {
    let session = Bus::new();
    let home = Home::new(&session.address);
    home.configure("");
    let path = home.path("run/lenscap.lock");
    let mut ending = Command::new("sleep").arg("60").spawn().unwrap();
    let lock = fs::File::create(&path).unwrap();
    flock(&lock, FlockOperation::LockExclusive).unwrap();
    fs::write(&path, format!("{}\nending\n", ending.id())).unwrap();
    let applet = home.start();
    until("it waits", || applet.waits_for_process());
    drop(lock);
    ending.kill().unwrap();
    ending.wait().unwrap();
    applet.wait(is_here);
}

#[test]
fn a_start_beside_an_unreachable_applet_has_instructions() {
    let (old, new) = (Bus::new(), Bus::new());
    let home = Home::new(&old.address);
    home.configure("");
    let applet = home.start();
    applet.wait(is_here);
    let mut second = home.start_on(&new.address, &[]);
    assert_eq!(second.wait_for_end().code(), Some(1));
    let line = home.log();
    assert!(line.contains("systemctl --user restart lenscap"), "{line}");
}

#[test]
fn the_end_of_its_bus_ends_it_with_an_error() {
    let session = Bus::new();
    let home = Home::new(&session.address);
    home.configure("");
    let mut applet = home.start();
    applet.wait(is_here);
    drop(session);
    assert_eq!(applet.wait_for_end().code(), Some(1));
}

#[test]
fn without_logind_it_is_active_and_logs_one_line() {
    let (session, system) = (Bus::new(), Bus::new());
    for home in [
        Home::new(&session.address).with_system_bus(&system.address),
        Home::new(&session.address),
    ] {
        home.configure("");
        let applet = home.start();
        assert_eq!(applet.wait(is_here).covered_by, None);
        applet.tell("quit");
        drop(applet);
        let log = home.log();
        let about = |line: &&str| line.contains("sleep") || line.contains("logind");
        assert_eq!(log.lines().filter(about).count(), 1, "{log}");
    }
}

fn is_free(report: &Report) -> bool {
    report.covered_by.is_none()
}

fn is_asleep(report: &Report) -> bool {
    report.covered_by == Some(Cover::Sleep)
}

fn is_locked(report: &Report) -> bool {
    report.covered_by == Some(Cover::Lock)
}

#[test]
fn a_restarted_logind_is_queried_again() {
    let (session, system) = (Bus::new(), Bus::new());
    let logind = Logind::new(&system, By::Number, Facts::new());
    let home = Home::new(&session.address).with_system_bus(&system.address);
    home.configure("[desktop]\ncover_when_locked = true\n");
    let applet = home.start();
    let delay = logind.next_delay();
    let (what, who, _, how) = &delay.asked;
    assert_eq!([what, who, how], ["sleep", "Lenscap", "delay"]);
    logind.prepare_for_sleep(true);
    delay.wait_for_end();
    applet.wait(is_asleep);
    drop(logind);
    // It forgets an announced sleep, like the real one.
    let logind = Logind::new(&system, By::Number, Facts::new());
    applet.wait(is_free);
    let delay = logind.next_delay();
    drop(logind);
    let logind = Logind::new(&system, By::Number, Facts::new().locked(true));
    let report = applet.wait(is_locked);
    assert!(!report.paused);
    // The new one has no other inhibitor.
    delay.wait_for_end();
    assert!(logind.next_delay().is_held());
    logind.lock(false);
    applet.wait(is_free);
}

#[test]
fn the_initial_state_is_detected() {
    let (session, system) = (Bus::new(), Bus::new());
    let facts = Facts::new().asleep(true).locked(true);
    let logind = Logind::new(&system, By::Number, facts);
    let home = Home::new(&session.address).with_system_bus(&system.address);
    home.configure("[desktop]\ncover_when_locked = true\n");
    let applet = home.start();
    applet.wait(is_asleep);
    logind.prepare_for_sleep(false);
    applet.wait(is_locked);
    home.configure("");
    applet.wait(is_free);
}

#[test]
fn signals_override_older_replies() {
    let (session, system) = (Bus::new(), Bus::new());
    for (question, cover) in [
        ("Inhibit", Cover::Sleep),
        ("PreparingForSleep", Cover::Sleep),
        ("LockedHint", Cover::Lock),
    ] {
        let facts = Facts::new().overtaken(question);
        let logind = Logind::new(&system, By::Number, facts);
        let home = Home::new(&session.address).with_system_bus(&system.address);
        home.configure("[desktop]\ncover_when_locked = true\n");
        let applet = home.start();
        let delay = logind.next_delay();
        if cover == Cover::Sleep {
            delay.wait_for_end();
        }
        applet.wait(|report| report.covered_by == Some(cover));
        // It stays like this after all replies.
        applet.tell("pause");
        let report = applet.wait(|report| report.paused);
        assert_eq!(report.covered_by, Some(cover), "{question}");
    }
}

#[test]
fn logind_may_start_later() {
    let (session, system) = (Bus::new(), Bus::new());
    let home = Home::new(&session.address).with_system_bus(&system.address);
    home.configure("[desktop]\ncover_when_locked = true\n");
    let applet = home.start();
    applet.wait(is_here);
    let logind = Logind::new(&system, By::Process, Facts::new().locked(true));
    applet.wait(is_locked);
    let delay = logind.next_delay();
    logind.prepare_for_sleep(true);
    delay.wait_for_end();
    applet.wait(is_asleep);
}

#[test]
fn a_pause_survives_a_restart_and_a_crash() {
    let session = Bus::new();
    let home = Home::new(&session.address);
    home.configure("");
    let applet = home.start();
    assert!(!applet.wait(is_here).paused);
    applet.tell("pause");
    applet.wait(|report| report.paused);
    applet.kill();
    let applet = home.start();
    assert!(applet.wait(is_here).paused);
    drop(applet);
    let applet = home.start();
    assert!(applet.wait(is_here).paused);
    applet.tell("resume");
    applet.wait(|report| !report.paused);
    applet.kill();
    assert!(!home.start().wait(is_here).paused);
}
