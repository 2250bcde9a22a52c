//! The applet over fake backends: what it does about outputs, settings and requests, without a bus.

use std::fs;

use super::*;
use crate::config::Overrides;
use crate::dbus::Request;
use crate::output::OutputEvent;
use crate::output::tests::fake::Fake;
use crate::preview::Reader;
use crate::relay::{Card, Generation, OutputId, StateName};
use crate::settings::{Message, OutputKind};

/// An applet with two backends, in a main context of its own.
struct Bench {
    applet: Rc<Applet>,
    loopback: Fake,
    pipewire: Fake,
    dir: tempfile::TempDir,
}

impl Bench {
    /// One whose outputs were tried by these settings. Its state is kept in a folder of its own.
    fn new(config: &str) -> Self {
        let bench = Self::untried(config);
        bench.applet.connect();
        bench.applet.events.send(Event::SourceReady);
        bench
    }

    fn untried(config: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.toml");
        fs::write(&path, config).unwrap();
        let (loopback, pipewire) = (
            Fake::new(OutputKind::V4l2loopback),
            Fake::new(OutputKind::Pipewire),
        );
        let backends: [Box<dyn crate::output::Backend>; 2] =
            [Box::new(loopback.clone()), Box::new(pipewire.clone())];
        let config = ConfigState::new(path, Overrides::default());
        let pause = PauseFile::new(dir.path().join("state/paused"));
        let applet = Applet::new(config, pause, Rc::new(backends));
        applet.config.load();
        Self {
            applet,
            loopback,
            pipewire,
            dir,
        }
    }

    fn configure(&self, config: &str) {
        fs::write(self.dir.path().join("config.toml"), config).unwrap();
        self.applet.reload();
    }

    fn state(&self) -> StateName {
        self.applet.relay.borrow().state()
    }

    fn width(&self) -> Option<u32> {
        let outputs = self.applet.flow.outputs.borrow();
        Some(outputs.shape()?.0.width)
    }

    fn kinds(&self) -> Vec<OutputKind> {
        let outputs = self.applet.flow.outputs.borrow();
        outputs.open().map(|output| output.info().kind).collect()
    }
}

const BLACK: &str = "[output]\nplaceholder = \"black\"\n";

#[test]
fn an_output_is_opened_once_and_shows_the_card() {
    let bench = Bench::new(BLACK);
    assert_eq!(bench.state(), StateName::Idle);
    assert_eq!(bench.kinds(), [OutputKind::V4l2loopback]);
    assert_eq!(bench.loopback.log(), ["Off"]);
}

#[test]
fn a_client_is_covered_by_a_pause_and_counts_again_after_it() {
    let bench = Bench::new(BLACK);
    bench.loopback.log();
    bench.loopback.report(OutputEvent::Streams(1));
    assert!(bench.loopback.log().contains(&"sustain true".to_owned()));
    bench.applet.request(Request::Pause).unwrap();
    assert_eq!(bench.state(), StateName::Paused);
    assert_eq!(bench.loopback.log(), ["Paused"]);
    bench.applet.request(Request::Resume).unwrap();
    assert_ne!(bench.state(), StateName::Paused);
}

#[test]
fn a_pause_that_cannot_be_stored_covers_and_is_an_error() {
    let bench = Bench::new(BLACK);
    let state = bench.dir.path().join("state");
    fs::write(&state, "no folder").unwrap();
    let reason = bench.applet.request(Request::Pause).unwrap_err();
    assert!(
        reason.contains("after a restart it would not be"),
        "{reason}"
    );
    assert_eq!(bench.state(), StateName::Paused);
    let error = || bench.applet.report(false).error;
    assert_eq!(error(), Some(reason));
    fs::remove_file(&state).unwrap();
    bench.applet.request(Request::Pause).unwrap();
    assert_eq!(error(), None);
    assert!(state.join("paused").exists());
    bench.applet.request(Request::Resume).unwrap();
    assert!(!state.join("paused").exists());
}

#[test]
fn a_worker_that_cannot_start_is_a_failure_with_a_way_out() {
    let bench = Bench::new(BLACK);
    // No camera was found, so there is no job to give it.
    bench.loopback.report(OutputEvent::Streams(1));
    assert_eq!(bench.state(), StateName::Failed);
    assert!(!bench.applet.flow.has_worker());
    assert!(bench.applet.timer.borrow().is_some(), "it is tried again");
    assert!(bench.applet.relay.borrow().status().error.is_some());
}

#[test]
fn a_fallback_is_replaced_when_something_better_is_there_and_no_client_streams() {
    let bench = Bench::untried(BLACK);
    bench.loopback.refuse(Some("in use"));
    bench.applet.connect();
    assert_eq!(bench.kinds(), [OutputKind::Pipewire]);
    bench.pipewire.report(OutputEvent::Streams(1));
    bench.loopback.refuse(None);
    bench.loopback.retry();
    assert_eq!(bench.kinds(), [OutputKind::Pipewire], "a client streams");
    bench.pipewire.report(OutputEvent::Streams(0));
    bench.applet.events.send(Event::OutputLost(
        OutputId(0),
        Fault::new(FaultKind::NoOutput, Message::verbatim("gone")),
    ));
    bench.loopback.retry();
    assert_eq!(bench.kinds(), [OutputKind::V4l2loopback]);
    assert_eq!(bench.pipewire.open_outputs(), 0);
}

#[test]
fn another_size_opens_the_output_anew() {
    let bench = Bench::new(BLACK);
    bench.configure(&format!("[camera]\nwidth = 640\nheight = 480\n{BLACK}"));
    assert_eq!(bench.width(), Some(640));
    assert_eq!(bench.loopback.open_outputs(), 1, "the old one was closed");
}

#[test]
fn a_size_that_is_refused_leaves_the_output_as_it_was_until_a_program_closes_it() {
    let bench = Bench::new(BLACK);
    bench.loopback.pin(Some(1920));
    bench.pipewire.refuse(Some("not running"));
    bench.configure(&format!("[camera]\nwidth = 640\nheight = 480\n{BLACK}"));
    assert_eq!(bench.width(), Some(1920), "a program pins it");
    bench.loopback.pin(None);
    bench.loopback.report(OutputEvent::Opens(1));
    bench.loopback.report(OutputEvent::Opens(-1));
    assert_eq!(bench.width(), Some(640));
    assert_eq!(bench.loopback.open_outputs(), 1);
}

#[test]
fn events_of_a_worker_that_is_gone_change_nothing() {
    let bench = Bench::new(BLACK);
    let before = bench.applet.relay.borrow().status();
    let old = Generation(7);
    bench.applet.events.send(Event::FirstFrame(old));
    bench.applet.events.send(Event::Silent(old));
    bench.applet.events.send(Event::WorkerExited(old));
    assert_eq!(bench.applet.relay.borrow().status(), before);
}

#[test]
fn an_output_that_is_lost_is_reported_and_opened_when_it_is_back() {
    let bench = Bench::new(BLACK);
    bench.pipewire.refuse(Some("not running"));
    bench.loopback.refuse(Some("unplugged"));
    let gone = Fault::new(FaultKind::NoOutput, Message::verbatim("unplugged"));
    bench.loopback.report(OutputEvent::Lost(gone));
    assert_eq!(bench.state(), StateName::Failed);
    assert_eq!(bench.loopback.open_outputs(), 0);
    bench.loopback.refuse(None);
    bench.loopback.retry();
    assert_eq!(bench.state(), StateName::Idle);
}

#[test]
fn quitting_covers_and_closes_every_output() {
    let bench = Bench::new(BLACK);
    bench.loopback.log();
    bench.applet.quit();
    assert_eq!(bench.loopback.log(), ["Off"]);
    assert_eq!(bench.loopback.open_outputs(), 0);
}

#[test]
fn a_preview_shows_the_card_after_a_worker_that_crashed_on_its_route() {
    let bench = Bench::new(BLACK);
    let preview = bench.applet.open_preview(std::process::id()).unwrap();
    let mut reader = Reader::new(preview).unwrap();
    let (worker, all) = (Generation(1), [OutputId(0)].into_iter().collect());
    bench.applet.flow.set_route(worker, all);
    bench.applet.events.send(Event::WorkerExited(worker));
    // Every card so far was seen, and its slot is released.
    while glib::MainContext::default().iteration(false) || reader.newest().unwrap().is_some() {}
    bench.applet.flow.show(OutputId(0), Card::Starting);
    assert!(reader.newest().unwrap().is_some());
}

#[test]
fn a_preview_needs_an_output_and_counts_as_a_client() {
    let bench = Bench::untried(BLACK);
    bench.loopback.refuse(Some("in use"));
    bench.pipewire.refuse(Some("not running"));
    bench.applet.connect();
    let reason = bench.applet.open_preview(1).unwrap_err();
    assert!(reason.contains("in use"), "{reason}");
    bench.loopback.refuse(None);
    bench.loopback.retry();
    let own = std::process::id();
    let preview = bench.applet.open_preview(own).unwrap();
    let clients = || bench.applet.relay.borrow().status().clients;
    assert_eq!(clients()[0].pid, own);
    drop(preview);
    while !clients().is_empty() {
        glib::MainContext::default().iteration(true);
    }
}

#[test]
fn a_restart_waits_for_clients_sleep_and_a_pause_that_is_not_stored() {
    let bench = Bench::new(BLACK);
    let is_idle = || {
        let status = bench.applet.relay.borrow().status();
        bench.applet.is_idle(&status)
    };
    assert!(is_idle());
    bench.applet.request(Request::Pause).unwrap();
    assert!(is_idle());
    bench.applet.request(Request::Resume).unwrap();
    let state = bench.dir.path().join("state");
    fs::remove_dir(&state).unwrap();
    fs::write(&state, "no folder").unwrap();
    bench.applet.request(Request::Pause).unwrap_err();
    assert!(!is_idle());
    fs::remove_file(&state).unwrap();
    bench.applet.request(Request::Pause).unwrap();
    bench.applet.request(Request::Resume).unwrap();
    bench.applet.events.send(Event::Sleep);
    assert!(!is_idle());
    bench.applet.events.send(Event::Awake);
    assert!(is_idle());
    bench.loopback.report(OutputEvent::Streams(1));
    assert!(!is_idle());
}

#[test]
fn a_request_to_quit_ends_a_restart() {
    let bench = Bench::new(BLACK);
    bench.applet.restart();
    assert!(bench.applet.life.restarting.get());
    assert_eq!(bench.kinds(), []);
    bench.applet.request(Request::Quit).unwrap();
    assert!(!bench.applet.life.restarting.get());
    bench.applet.restart();
    assert!(!bench.applet.life.restarting.get());
}
