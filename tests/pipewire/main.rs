//! The camera in PipeWire: a real PipeWire and session manager, the real program, and consumers that
//! come, go, hang and are killed.

mod alone;
mod call;
mod consumer;
mod covers;
mod desk;
mod faults;
mod previews;
mod requests;
mod update;

use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;

use consumer::{Consumer, Picture, hoard, times};
use lenscap::relay::StateName;
use lenscap_support::applet::Applet;
use lenscap_support::left_out;
use lenscap_support::session::{Session, until};
use rustix::process::Signal;
use serde_json::{Value, json};

/// The test picture on PipeWire, with a delay and a cooldown that can be told from nothing.
const LINE: &str = "--source test --output pipewire -w 160 -H 120 --activation-delay-ms 300 -c 300";
/// As many camera frames as prove that it is on.
const ENOUGH: usize = 30;

fn black(session: &Session) {
    session.write_config("[output]\nplaceholder = \"black\"\n");
}

fn session() -> Session {
    let session = Session::new();
    black(&session);
    session
}

#[test]
fn a_consumer_sees_the_placeholder_the_camera_and_the_placeholder_again() {
    let session = session();
    let mut applet = Applet::new(&session, LINE);
    let output = applet.wait_for("idle").outputs[0].clone();
    assert_eq!(
        (output.kind.as_str(), output.watch.as_str()),
        ("pipewire", "pipewire")
    );

    let mut consumer = Consumer::new(&session);
    let (before, after) = consumer.see_camera(ENOUGH);
    assert!(
        before > 0 && after == 0,
        "{before} placeholders, then {after}"
    );
    let pid = consumer.pid();
    let client = applet
        .wait("a client", |report| !report.clients.is_empty())
        .clients[0]
        .clone();
    assert_eq!((client.pid, client.name.as_str()), (pid, "gst-launch-1.0"));

    assert!(session.lenscap("pause").status.success());
    applet.wait("the pause", |report| report.paused && !report.camera_open);
    consumer.forget();
    for _ in 0..ENOUGH {
        assert_eq!(consumer.next(), Picture::Black);
    }
    assert!(session.lenscap("resume").status.success());
    consumer.see_camera(ENOUGH);

    consumer.signal(Signal::KILL);
    applet.wait_for("idle");
    applet.wait("the camera is off", |report| {
        !report.camera_open && report.clients.is_empty()
    });
}

#[test]
fn an_application_of_v4l2_sees_it_too() {
    let session = session();
    // It takes its time from the first frame to the second.
    let line = LINE.replace("-delay-ms 300", "-delay-ms 3000");
    let mut applet = Applet::new(&session, &line);
    applet.wait_for("idle");
    let mut consumer = Consumer::with_v4l2(&session);
    let (before, after) = consumer.see_camera(ENOUGH);
    assert!(
        before > 0 && after == 0,
        "{before} placeholders, then {after}"
    );
    consumer.signal(Signal::KILL);
    applet.wait_for("live");
    applet.wait_for("idle");
}

#[test]
fn frames_carry_the_time_of_capture() {
    let session = session();
    let mut applet = Applet::new(&session, LINE);
    applet.wait_for("idle");
    Consumer::new(&session).see_camera(ENOUGH);
    // The test picture is taken on the beat, however busy the machine is when it is sent.
    let times = times(&session, 3 * ENOUGH);
    let beat = 1_000_000_000 / 30;
    let last = &times[times.len() - ENOUGH..];
    for pair in last.windows(2) {
        let off = (pair[1] - pair[0] + beat / 2) % beat;
        assert!(off.abs_diff(beat / 2) <= 3, "{last:?}");
    }
}

#[test]
fn covering_leaves_no_camera_frame_in_any_buffer() {
    let session = session();
    let mut applet = Applet::new(&session, LINE);
    applet.wait_for("idle");
    let mut consumer = Consumer::new(&session);
    consumer.see_camera(ENOUGH);
    // The consumer can read what is mapped for it for as long as it likes.
    assert!(consumer.holds_ball());
    assert!(session.lenscap("pause").status.success());
    applet.wait_for("paused");
    assert!(!consumer.holds_ball());
}

#[test]
fn browsers_find_what_they_look_for() {
    let session = session();
    let mut applet = Applet::new(&session, LINE);
    applet.wait_for("idle");
    let dump = session.command("pw-dump").output().unwrap();
    let objects: Vec<Value> = serde_json::from_slice(&dump.stdout).unwrap();
    let is_ours = |object: &&Value| object["info"]["props"]["node.name"] == "lenscap";
    let info = &objects.iter().find(is_ours).unwrap()["info"];
    for (key, wanted) in [
        ("media.class", "Video/Source"),
        ("media.role", "Camera"),
        ("node.description", "Lenscap"),
    ] {
        assert_eq!(info["props"][key], wanted, "{key}");
    }
    // WebRTC takes no format that leaves anything open.
    let format = json!({
        "mediaType": "video", "mediaSubtype": "raw", "format": "YUY2",
        "size": { "width": 160, "height": 120 }, "framerate": { "num": 30, "denom": 1 },
    });
    assert_eq!(info["params"]["EnumFormat"], json!([format]));
}

#[test]
fn nothing_stirs_while_nobody_looks() {
    let session = session();
    let mut applet = Applet::new(&session, LINE);
    applet.wait_for("idle");
    Consumer::new(&session).see_camera(1);
    applet.wait_for("live");
    applet.wait_for("idle");
    // Helpers of the start, such as a pool's threads, end by themselves after a while.
    let window = Duration::from_secs(3);
    until("three switches a second at most", || {
        let before = applet.switches();
        thread::sleep(window);
        // A thread that ended meanwhile takes its count with it.
        let more = applet.switches().checked_sub(before);
        more.is_some_and(|more| more <= 3 * window.as_secs())
    });
}

#[test]
fn consumers_come_go_and_are_killed() {
    let soak = std::env::var_os("LENSCAP_SOAK").is_some();
    let rounds = if soak { 100 } else { 6 };
    let mut session = session();
    let mut applet = Applet::new(&session, LINE);
    let mut usual = None;
    for round in 1..=rounds {
        applet.wait_for("idle");
        let mut consumer = Consumer::new(&session);
        let (before, after) = consumer.see_camera(ENOUGH);
        assert!(
            before > 0 && after == 0,
            "round {round}: {before} placeholders, then {after}"
        );
        applet.wait_for("live");
        consumer.signal(if round % 2 == 0 {
            Signal::KILL
        } else {
            Signal::INT
        });
        applet.wait_for("idle");
        drop(consumer);
        if soak && round % 10 == 0 {
            session.kill_pipewire();
            applet.wait_for("failed");
            session.start_pipewire();
            applet.wait_for("idle");
        }
        if round == 2 {
            usual = Some((applet.descriptors(), applet.memory()));
        }
    }
    let (descriptors, memory) = usual.unwrap();
    until("as many descriptors as before", || {
        applet.descriptors() <= descriptors
    });
    assert!(
        applet.memory() < memory + 2048,
        "{memory} kB, then {}",
        applet.memory()
    );
}

#[test]
fn several_consumers_see_the_same_camera() {
    let session = session();
    let mut applet = Applet::new(&session, LINE);
    applet.wait_for("idle");
    let mut first = Consumer::new(&session);
    first.see_camera(ENOUGH);
    let mut second = Consumer::new(&session);
    let (before, _) = second.see_camera(ENOUGH);
    assert_eq!(before, 0, "it is on already");
    let mut pids = [first.pid(), second.pid()];
    pids.sort_unstable();
    let both = |report: &lenscap::report::Report| {
        report
            .clients
            .iter()
            .map(|client| client.pid)
            .collect::<Vec<_>>()
            == pids
    };
    applet.wait("both clients", both);
    second.signal(Signal::KILL);
    applet.wait("one client", |report| report.clients.len() == 1);
    first.forget();
    first.see_camera(ENOUGH);
    assert_eq!(applet.now.state.as_str(), "live");
}

#[test]
fn a_consumer_that_hangs_stops_nobody_else() {
    let session = session();
    let mut applet = Applet::new(&session, LINE);
    applet.wait_for("idle");
    let mut stopped = Consumer::new(&session);
    stopped.see_camera(1);
    stopped.signal(Signal::STOP);
    let hoarder = hoard(&session);
    let pid = hoarder.pid();
    applet.wait("the hoarder", |report| {
        report.clients.iter().any(|client| client.pid == pid)
    });
    Consumer::new(&session).see_camera(ENOUGH);
    drop((stopped, hoarder));
    Consumer::new(&session).see_camera(ENOUGH);
}

#[test]
fn a_call_goes_on_when_pipewire_is_back() {
    let mut session = session();
    let mut applet = Applet::new(&session, LINE);
    applet.wait_for("idle");
    let mut consumer = Consumer::new(&session);
    consumer.see_camera(1);
    session.kill_pipewire();
    let lost = applet.wait("the loss", |report| report.outputs.is_empty());
    assert_eq!(lost.state.as_str(), "failed");
    let error = lost.error.clone().unwrap();
    assert!(
        error.contains("PipeWire") && error.contains("start it"),
        "{error}"
    );
    drop(consumer);
    session.start_pipewire();
    applet.wait_for("idle");
    Consumer::new(&session).see_camera(ENOUGH);
}

#[test]
fn a_session_manager_that_restarts_is_no_harm() {
    let mut session = session();
    let mut applet = Applet::new(&session, LINE);
    applet.wait_for("idle");
    let mut consumer = Consumer::new(&session);
    consumer.see_camera(ENOUGH);
    session.kill_manager();
    applet.wait_for("idle");
    session.start_manager();
    let mut another = Consumer::new(&session);
    another.see_camera(ENOUGH);
}

#[test]
fn pipewire_may_come_later() {
    let mut session = Session::without_pipewire();
    session.write_config("[output]\nkind = \"pipewire\"\nplaceholder = \"black\"\n");
    let line = "--source test -w 160 -H 120";
    let mut applet = Applet::new(&session, line);
    applet.wait("the reason", |report| {
        let error = report.error.as_deref().unwrap_or_default();
        report.state == StateName::Failed && error.contains("PipeWire is not running")
    });
    session.start_pipewire();
    applet.wait_for("idle");
    Consumer::new(&session).see_camera(ENOUGH);
}

#[test]
fn a_named_pipewire_must_be_there() {
    let session = Session::without_pipewire();
    let output = session.lenscap("--source test --output pipewire");
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    assert!(
        stderr.contains("systemctl --user start pipewire"),
        "{stderr}"
    );
}

#[test]
fn one_output_of_two_is_enough() {
    let session = Session::new();
    session.write_config(
        "[output]\nkind = [\"pipewire\", \"v4l2loopback\"]\ndevice = \"/dev/no-video\"\n\
         placeholder = \"black\"\n",
    );
    let mut applet = Applet::new(&session, "--source test -w 160 -H 120");
    let report = applet.wait("the reason", |report| {
        let error = report.error.as_deref().unwrap_or_default();
        error.contains("/dev/no-video")
    });
    assert_eq!((report.state, report.outputs.len()), (StateName::Idle, 1));
    Consumer::new(&session).see_camera(ENOUGH);
    session.write_config("[output]\nkind = \"pipewire\"\n");
    applet.wait("no complaint", |report| report.error.is_none());
}

#[test]
fn without_a_loopback_device_the_camera_is_in_pipewire() {
    if Path::new("/sys/module/v4l2loopback").exists() {
        return left_out("v4l2loopback is loaded");
    }
    let session = session();
    let mut applet = Applet::new(&session, "--source test -w 160 -H 120");
    assert_eq!(applet.wait_for("idle").outputs[0].kind, "pipewire");
}

#[test]
fn new_settings_reach_consumers() {
    let session = session();
    let mut applet = Applet::new(&session, "--source test --output pipewire");
    applet.wait_for("idle");
    session
        .write_config("[camera]\nwidth = 160\nheight = 120\n[output]\nplaceholder = \"black\"\n");
    applet.wait("the new size", |report| {
        report.outputs.iter().any(|output| output.width == 160)
    });
    Consumer::new(&session).see_camera(ENOUGH);
}

/// A damaged image is no reason to show black.
#[test]
fn the_cards_stand_in_for_an_image_that_cannot_be_shown() {
    let session = Session::new();
    let image = session.dir().join("image.png");
    fs::write(&image, "no image").unwrap();
    let path = image.display();
    session.write_config(&format!("[output]\nplaceholder = \"{path}\"\n"));
    let mut applet = Applet::new(&session, LINE);
    let report = applet.wait("the reason", |report| report.error.is_some());
    let error = report.error.clone().unwrap();
    let wanted = format!("the placeholder image {path} can't be shown: ");
    assert!(error.starts_with(&wanted), "{error}");
    assert_eq!(report.state, StateName::Idle);

    assert!(session.lenscap("pause").status.success());
    let mut consumer = Consumer::new(&session);
    // Not even the darkest part of a card is black.
    assert!(matches!(consumer.next(), Picture::Camera(_)));
    session.write_config("[output]\nplaceholder = \"card\"\n");
    applet.wait("no reason", |report| report.error.is_none());
}
