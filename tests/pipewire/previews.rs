//! What the preferences window sees: previews of the running program's picture.

use std::os::fd::AsFd;
use std::time::Instant;

use lenscap::preview::Reader;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::consumer::{Consumer, GEOMETRY, Picture};
use crate::desk::desktop;
use crate::{ENOUGH, LINE, session};
use lenscap_support::applet::Applet;
use lenscap_support::applet_of_this_test;
use lenscap_support::desktop::Desktop;
use lenscap_support::preview::{open_preview, request_preview};
use lenscap_support::session::{Session, WAIT_TIMEOUT};

/// Opens a preview as preferences do.
fn open(desktop: &Desktop) -> Reader {
    Reader::new(open_preview(&desktop.bus)).unwrap()
}

/// The applet, for which this test is its preferences.
fn applet(session: &Session) -> Applet {
    let mut command = session.command(applet_of_this_test(session.dir()));
    Applet::start(session, command.args(LINE.split_ascii_whitespace()))
}

/// The next picture that a preview has.
fn next(reader: &mut Reader) -> Vec<u8> {
    let deadline = Instant::now() + WAIT_TIMEOUT;
    loop {
        if let Some(frame) = reader.newest().unwrap() {
            return frame.bytes().to_vec();
        }
        let left = deadline.saturating_duration_since(Instant::now());
        assert!(!left.is_zero(), "no picture within {WAIT_TIMEOUT:?}");
        let mut fds = [PollFd::from_borrowed_fd(reader.as_fd(), PollFlags::IN)];
        poll(&mut fds, Some(&Timespec::try_from(left).unwrap())).unwrap();
    }
}

/// The placeholder.
fn black() -> Vec<u8> {
    let mut black = vec![0; GEOMETRY.frame_len()];
    GEOMETRY.fill_black(&mut black);
    black
}

/// This many of the camera's pictures.
fn camera(reader: &mut Reader, count: usize) -> Vec<Vec<u8>> {
    let black = black();
    let pictures = std::iter::repeat_with(|| next(reader));
    let pictures = pictures.take(1000).filter(|picture| *picture != black);
    let pictures: Vec<_> = pictures.take(count).collect();
    assert_eq!(pictures.len(), count, "the camera never comes");
    pictures
}

#[test]
fn a_preview_alone_turns_the_camera_on_and_shows_what_applications_see() {
    let session = session();
    let desktop = desktop(&session);
    let mut applet = applet(&session);
    applet.wait_for("idle");
    let mut reader = open(&desktop);
    assert_eq!(reader.geometry(), GEOMETRY);
    let alone = camera(&mut reader, ENOUGH);
    assert!(alone.windows(2).all(|pair| pair[0] != pair[1]), "it stands");
    let live = applet.wait_for("live");
    let pids = |report: &lenscap::report::Report| {
        let clients = report.clients.iter();
        clients.map(|client| client.pid).collect::<Vec<_>>()
    };
    assert_eq!(pids(live), [std::process::id()]);

    let mut consumer = Consumer::new(&session);
    let (before, _) = consumer.see_camera(ENOUGH);
    assert_eq!(before, 0, "it is on already");
    applet.wait("both", |report| pids(report).contains(&consumer.pid()));
    consumer.forget();
    let previewed = camera(&mut reader, ENOUGH);
    let mut seen = (0..2 * ENOUGH).map(|_| consumer.next());
    let is_same =
        |picture: Picture| matches!(picture, Picture::Camera(frame) if previewed.contains(&frame));
    assert!(seen.any(is_same), "they see different pictures");

    drop(reader);
    applet.wait("one", |report| pids(report) == [consumer.pid()]);
    consumer.see_camera(ENOUGH);
    drop(consumer);
    applet.wait_for("idle");
    assert!(applet.now.clients.is_empty());
}

#[test]
fn a_preview_of_a_paused_camera_leaves_it_off() {
    let session = session();
    let desktop = desktop(&session);
    let mut applet = applet(&session);
    applet.wait_for("idle");
    assert!(session.lenscap("pause").status.success());
    applet.wait_for("paused");
    let mut reader = open(&desktop);
    assert!(next(&mut reader) == black());
    let looking = applet.wait("the preview", |report| !report.clients.is_empty());
    assert_eq!((looking.camera_open, looking.worker_pid), (false, None));
    assert!(session.lenscap("resume").status.success());
    camera(&mut reader, ENOUGH);
}

#[test]
fn previews_are_for_the_preferences_alone() {
    let session = session();
    let desktop = desktop(&session);
    let mut applet = Applet::new(&session, LINE);
    applet.wait_for("idle");
    let refused = request_preview(&desktop.bus).unwrap_err();
    assert!(refused.message().contains("preferences alone"), "{refused}");
    assert!(applet.now.clients.is_empty());
}
