//! Sleep and locked screens under a call, with a logind of the test's own.

use std::path::Path;

use lenscap::relay::Cover;
use lenscap::report::Report;
use rustix::process::{Pid, Signal, kill_process};

use crate::consumer::{Consumer, Picture};
use crate::{ENOUGH, LINE};
use lenscap_support::applet::Applet;
use lenscap_support::bus::Bus;
use lenscap_support::logind::{By, Facts, Logind};
use lenscap_support::session::Session;

const LOCKS: &str = "[output]\nplaceholder = \"black\"\n[desktop]\ncover_when_locked = true\n";
const NO_LOCKS: &str = "[output]\nplaceholder = \"black\"\n";

/// A session in which locks cover, or not, and its logind.
fn session(config: &str) -> (Session, Bus, Logind) {
    let system = Bus::new();
    let logind = Logind::new(&system, By::Number, Facts::new());
    let session = Session::new().with_system_bus(&system.address);
    session.write_config(config);
    (session, system, logind)
}

/// Sees the placeholder and nothing else, once the last camera frames that were under way are through.
fn see_black(consumer: &mut Consumer) {
    consumer.forget();
    let is_black = |consumer: &mut Consumer| consumer.next() == Picture::Black;
    assert!((0..ENOUGH).any(|_| is_black(consumer)));
    assert!((0..ENOUGH).all(|_| is_black(consumer)));
}

fn is_there(pid: u32) -> bool {
    Path::new("/proc").join(pid.to_string()).exists()
}

fn signal(pid: u32, signal: Signal) {
    let pid = Pid::from_raw(pid.cast_signed()).unwrap();
    kill_process(pid, signal).unwrap();
}

/// How often the camera was opened.
fn activations(session: &Session) -> u64 {
    let output = session.lenscap("status --json");
    let line = String::from_utf8(output.stdout).unwrap();
    Report::from_json(&line).unwrap().stats.unwrap().activations
}

#[test]
fn the_camera_is_closed_before_the_machine_sleeps_and_back_when_it_wakes() {
    let (session, _system, logind) = session(NO_LOCKS);
    let mut applet = Applet::new(&session, LINE);
    let delay = logind.next_delay();
    let mut consumer = Consumer::new(&session);
    consumer.see_camera(ENOUGH);
    let worker = applet.wait_for("live").worker_pid.unwrap();
    assert!(applet.lends_slots() && delay.is_held());

    // As long as the worker can't end, the machine waits; the picture is cut at once.
    signal(worker, Signal::STOP);
    logind.prepare_for_sleep(true);
    let is_asleep = |report: &Report| report.covered_by == Some(Cover::Sleep);
    let report = applet.wait("the cover", is_asleep);
    assert_eq!((report.state.as_str(), report.paused), ("paused", false));
    assert!(report.camera_open && report.error.is_none());
    assert!(!consumer.holds_ball());
    let was_held = delay.is_held();
    assert!(was_held || !is_there(worker)); // a slow test finds it killed
    let _ = kill_process(Pid::from_raw(worker.cast_signed()).unwrap(), Signal::CONT);
    delay.wait_for_end();
    assert!(!is_there(worker) && !applet.lends_slots());

    see_black(&mut consumer);
    assert_eq!(activations(&session), 1);
    logind.prepare_for_sleep(false);
    consumer.see_camera(ENOUGH);
    let report = applet.wait_for("live");
    assert_eq!(report.covered_by, None);
    assert_eq!(activations(&session), 2, "one attempt");
    let delay = logind.next_delay();
    assert!(delay.is_held());

    // And again, with a worker that ends as it should.
    logind.prepare_for_sleep(true);
    delay.wait_for_end();
    assert!(!applet.lends_slots());
    logind.prepare_for_sleep(false);
    consumer.forget();
    consumer.see_camera(ENOUGH);
}

#[test]
fn who_comes_while_the_machine_falls_asleep_gets_the_camera_when_it_is_awake() {
    let (session, _system, logind) = session(NO_LOCKS);
    let mut applet = Applet::new(&session, LINE);
    applet.wait_for("idle");
    let delay = logind.next_delay();
    logind.prepare_for_sleep(true);
    delay.wait_for_end();
    applet.wait_for("paused");
    let mut consumer = Consumer::new(&session);
    see_black(&mut consumer);
    applet.wait("the client", |report| !report.clients.is_empty());
    assert_eq!(activations(&session), 0);
    logind.prepare_for_sleep(false);
    consumer.see_camera(ENOUGH);
    drop(consumer);
    applet.wait_for("idle");
}

#[test]
fn a_locked_screen_covers_the_camera_and_keeps_it_listed() {
    let (session, _system, logind) = session(LOCKS);
    let mut applet = Applet::new(&session, LINE);
    applet.wait_for("idle");
    let mut consumer = Consumer::new(&session);
    consumer.see_camera(ENOUGH);
    logind.lock(true);
    let is_covered =
        |report: &Report| report.covered_by == Some(Cover::Lock) && !report.camera_open;
    let report = applet.wait("the cover", is_covered);
    assert_eq!((report.state.as_str(), report.outputs.len()), ("paused", 1));
    assert!(!report.paused && report.error.is_none());
    see_black(&mut consumer);
    logind.lock(false);
    consumer.see_camera(ENOUGH);
    assert_eq!(applet.wait_for("live").covered_by, None);

    // The setting counts at once, whatever the screen does.
    logind.lock(true);
    applet.wait("the cover", is_covered);
    session.write_config(NO_LOCKS);
    consumer.see_camera(1);
    logind.lock(false);
    logind.lock(true);
    let (before, after) = consumer.see_camera(ENOUGH);
    assert_eq!((before, after), (0, 0));
    session.write_config(LOCKS);
    applet.wait("the cover", is_covered);
}
