//! The log is never a reason to end or to wait, whatever becomes of its reader.

use std::fs::{self, File};
use std::io::Read;
use std::os::fd::{FromRawFd, OwnedFd};
use std::process::{Command, Stdio};
use std::ptr;

use gio::{Cancellable, DBusCallFlags};
use lenscap::dbus::{INTERFACE, NAME, PATH, Request};
use lenscap_support::applet::Applet;
use lenscap_support::bus::connect;
use lenscap_support::preview::open_preview;
use lenscap_support::session::Session;
use lenscap_support::{applet_of_this_test, program};

use rustix::io::{FdFlags, fcntl_setfd};
use rustix::pipe::{PipeFlags, fcntl_setpipe_size, pipe_with};
use rustix::process::Signal;

const LINE: &str = "--source test --output pipewire --no-tray -w 160 -H 120";

/// The least that a pipe holds.
const PIPE_LEN: usize = 4096;

/// An applet that logs there.
fn applet(session: &Session, stderr: impl Into<Stdio>) -> Applet {
    let mut command = session.command(program("lenscap"));
    let mut applet = Applet::start(session, command.args(LINE.split(' ')).stderr(stderr));
    applet.wait_for("idle");
    applet
}

fn pipe() -> (OwnedFd, OwnedFd) {
    pipe_with(PipeFlags::CLOEXEC).unwrap()
}

/// Checks that requests are carried out, and that the applet ends in good order.
fn check(session: &Session, mut applet: Applet) {
    for (command, state) in [("pause", "paused"), ("resume", "idle")] {
        assert!(session.lenscap(command).status.success(), "{command}");
        applet.wait_for(state);
    }
    assert!(session.lenscap("quit").status.success());
    assert_eq!(applet.wait_for_end().code(), Some(0));
}

#[test]
fn a_full_disk_does_not_end_the_applet() {
    let session = Session::new();
    let full = File::options().write(true).open("/dev/full").unwrap();
    check(&session, applet(&session, full));
}

#[test]
fn a_reader_that_ends_does_not_end_the_applet() {
    let session = Session::new();
    let (reader, writer) = pipe();
    let applet = applet(&session, writer);
    drop(reader);
    check(&session, applet);
}

#[test]
fn a_reader_that_does_not_read_does_not_stop_the_applet() {
    let session = Session::new();
    let (reader, writer) = pipe();
    fcntl_setpipe_size(&reader, PIPE_LEN).unwrap();
    let mut applet = applet(&session, writer);
    for _ in 0..4 {
        // Each caller may make 200 calls at once.
        let bus = connect(&session.bus_address);
        for request in [Request::Pause, Request::Resume].iter().cycle().take(100) {
            let (method, flags) = (request.method(), DBusCallFlags::NO_AUTO_START);
            let nothing = Cancellable::NONE;
            bus.call_sync(
                Some(NAME),
                PATH,
                INTERFACE,
                method,
                None,
                None,
                flags,
                -1,
                nothing,
            )
            .unwrap();
        }
    }
    assert!(session.lenscap("status").status.success());
    applet.signal(Signal::TERM);
    assert_eq!(applet.wait_for_end().code(), Some(0));
    let mut log = Vec::new();
    File::from(reader).read_to_end(&mut log).unwrap();
    assert!(log.len() > PIPE_LEN / 2, "only {} bytes", log.len());
}

#[test]
fn an_error_message_that_cannot_be_written_does_not_change_the_exit_code() {
    let session = Session::new();
    let full = || File::options().write(true).open("/dev/full").unwrap();
    for (line, code) in [("pause", 1), ("--frobnicate", 2), ("capture", 1)] {
        let mut command = session.command(program("lenscap"));
        let status = command.arg(line).stderr(full()).status().unwrap();
        assert_eq!(status.code(), Some(code), "{line}");
    }
}

/// A terminal: its own side, and that of programs.
fn terminal() -> (OwnedFd, OwnedFd) {
    let (mut ours, mut theirs) = (-1, -1);
    let (name, settings, size) = (ptr::null_mut(), ptr::null(), ptr::null());
    // SAFETY: it writes two numbers to variables that live as long as the call.
    let opened = unsafe { libc::openpty(&raw mut ours, &raw mut theirs, name, settings, size) };
    assert_eq!(opened, 0);
    // SAFETY: both are open and have no other owner.
    let both = [ours, theirs].map(|fd| unsafe { OwnedFd::from_raw_fd(fd) });
    for fd in &both {
        fcntl_setfd(fd, FdFlags::CLOEXEC).unwrap();
    }
    both.into()
}

#[test]
fn a_terminal_that_closes_stops_the_camera_in_good_order() {
    let mut session = Session::new();
    let events = session.dir().join("events-%p");
    session.set_var("GST_DEBUG", "GST_EVENT:6");
    session.set_var("GST_DEBUG_FILE", events.to_str().unwrap());
    let (ours, theirs) = terminal();
    // As a shell does it. It starts the program in its place.
    let mut command = session.command("setsid");
    let command: &mut Command = command
        .arg("--ctty")
        .arg(applet_of_this_test(session.dir()))
        .args(LINE.split(' '))
        .stdin(theirs.try_clone().unwrap())
        .stderr(theirs.try_clone().unwrap());
    let mut applet = Applet::start(&session, command.stdout(theirs));
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    applet.wait_for("idle");
    let _preview = open_preview(&connect(&session.bus_address));
    let worker = applet.wait_for("live").worker_pid.unwrap();
    drop(ours);
    assert_eq!(applet.wait_for_end().code(), Some(0));
    let events = fs::read_to_string(session.dir().join(format!("events-{worker}"))).unwrap();
    assert!(events.contains("eos"), "the camera's stream was not ended");
}
