//! The program where there is no desktop: no display, no session bus, nobody to talk to.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use crate::consumer::{Consumer, Picture};
use crate::session::Process;
use crate::{ENOUGH, LINE, session};

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
    let mut said = BufReader::new(applet.0.stderr.take().unwrap()).lines();
    let missing = said.find(|line| {
        let line = line.as_deref().unwrap_or_default();
        line.contains("no session bus") && line.contains("the camera works")
    });
    assert!(missing.is_some());
    let mut consumer = Consumer::new(&session);
    let (before, after) = consumer.see_camera(ENOUGH);
    assert!(
        before > 0 && after == 0,
        "{before} placeholders, then {after}"
    );
    assert!(matches!(consumer.next(), Picture::Camera(_)));
    assert!(applet.0.try_wait().unwrap().is_none());
}
