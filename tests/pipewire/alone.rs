//! The program where there is no desktop: no display, no session bus, nobody to talk to.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::sync::mpsc;
use std::thread;

use crate::consumer::{Consumer, Picture};
use crate::{ENOUGH, LINE, session};
use lenscap_support::session::{Process, WAIT_TIMEOUT};

#[test]
fn without_a_display_and_a_bus_it_relays_and_says_what_is_missing() {
    let session = session();
    let mut command = session.command(env!("CARGO_BIN_EXE_lenscap"));
    command
        .args(LINE.split(' '))
        .env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/dev/null/bus")
        .env("LC_ALL", "C")
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY")
        .stderr(Stdio::piped());
    let mut applet = Process(command.spawn().unwrap());
    let stderr = BufReader::new(applet.0.stderr.take().unwrap());
    let (told, said) = mpsc::channel();
    thread::spawn(move || {
        stderr
            .lines()
            .map_while(Result::ok)
            .try_for_each(|line| told.send(line))
    });
    let mut missing = String::new();
    while !missing.contains("no session bus") {
        missing = said
            .recv_timeout(WAIT_TIMEOUT)
            .expect("a line about the bus");
    }
    assert!(missing.contains("the camera works, but"), "{missing}");
    let mut consumer = Consumer::new(&session);
    let (before, after) = consumer.see_camera(ENOUGH);
    assert!(
        before > 0 && after == 0,
        "{before} placeholders, then {after}"
    );
    assert!(matches!(consumer.next(), Picture::Camera(_)));
    assert!(applet.0.try_wait().unwrap().is_none());
}
