//! What the desktop shows of a call, and what is clicked there: the program itself, a tray host and a
//! notification server.

use std::fs;
use std::path::Path;

use gio::{Cancellable, DBusConnection, DBusConnectionFlags};
use lenscap::dbus::{INTERFACE, NAME, PATH};

use crate::consumer::{Consumer, Picture};
use crate::{ENOUGH, session};
use lenscap_support::applet::Applet;
use lenscap_support::desktop::{Desktop, wait};
use lenscap_support::host::Host;
use lenscap_support::in_tree;
use lenscap_support::server::Server;
use lenscap_support::session::Session;

/// The test picture for whoever looks, with a cooldown that outlasts a flap and not a test.
const LINE: &str =
    "--source test --output pipewire -w 160 -H 120 --activation-delay-ms 300 -c 3000";
/// What a person calls `gst-launch-1.0`.
const ENTRY: &str = "[Desktop Entry]\nType=Application\nName=Video Call\nIcon=call-start\n\
    Exec=gst-launch-1.0\n";

/// A session whose applications have names and icons.
fn furnished() -> Session {
    let mut session = session();
    session.set_var("LC_ALL", "C.UTF-8");
    let dir = session.dir();
    fs::create_dir(dir.join("applications")).unwrap();
    fs::write(dir.join("applications/call.desktop"), ENTRY).unwrap();
    let icons = in_tree("data/icons");
    std::os::unix::fs::symlink(icons, dir.join("icons")).unwrap();
    session
}

pub fn desktop(session: &Session) -> Desktop {
    let flags =
        DBusConnectionFlags::AUTHENTICATION_CLIENT | DBusConnectionFlags::MESSAGE_BUS_CONNECTION;
    let address = &session.bus_address;
    let bus = DBusConnection::for_address_sync(address, flags, None, Cancellable::NONE);
    Desktop::new(bus.unwrap())
}

/// Waits until the tooltip has this line.
fn looks(host: &Host, item: &str, line: &str, icon: &str) {
    wait(line, || {
        let (title, detail) = host.tooltip(item);
        (title == line || detail == line).then_some(())
    });
    let name = format!("io.github.lenscap.Lenscap-{icon}-symbolic");
    assert_eq!(host.text(item, "IconName"), name);
    assert_eq!(host.text(item, "Status"), "Active");
}

/// Waits until the applet knows what id the server gave its notification, and can take that back:
/// messages of one sender keep their order, and it answers them in that.
fn learns_id(desktop: &Desktop) {
    desktop.get(NAME, PATH, INTERFACE, "State").unwrap();
}

/// The camera's process ends, and from then on nobody sees anything of it.
fn is_covered(applet: &mut Applet, consumer: &mut Consumer, worker: u32) {
    let is_closed = |report: &lenscap::report::Report| {
        report.paused && !report.camera_open && report.worker_pid.is_none()
    };
    applet.wait("the camera is closed", is_closed);
    assert!(!Path::new(&format!("/proc/{worker}")).exists());
    consumer.forget();
    for _ in 0..ENOUGH {
        assert_eq!(consumer.next(), Picture::Black);
    }
}

fn worker(applet: &mut Applet) -> u32 {
    applet.wait_for("live").worker_pid.unwrap()
}

#[test]
fn a_call_is_shown_and_one_click_closes_the_camera() {
    let session = furnished();
    let desktop = desktop(&session);
    let (host, server) = (Host::new(&desktop), Server::new(&desktop));
    host.start();
    let mut applet = Applet::new(&session, LINE);
    let item = host.item(0);
    looks(&host, &item, "Camera is off", "idle");

    let mut consumer = Consumer::new(&session);
    applet.wait_for("arming");
    consumer.see_camera(ENOUGH);
    let first = worker(&mut applet);
    looks(&host, &item, "In use by Video Call", "live");
    let menu = host.menu(&item);
    let allow = menu.iter().find(|line| line.label == "Allow camera");
    assert_eq!(menu[0].label, "Camera is on");
    assert_eq!(menu[1].label, "In use by Video Call");
    assert_eq!(allow.and_then(|line| line.checked), Some(true));
    let (_, shown) = server.shown("Camera is on");
    assert_eq!(shown.body, "Video Call is using the camera");
    assert_eq!(shown.icon.as_deref(), Some("call-start"));
    assert!(!shown.stays, "the tray icon shows it");
    let labels = shown.actions.iter().map(|(_, label)| label.as_str());
    let labels: Vec<_> = labels.filter(|label| !label.is_empty()).collect();
    assert_eq!(labels, ["Turn off", "Preferences"]);
    learns_id(&desktop);

    host.activate(&item);
    looks(&host, &item, "Camera is paused", "paused");
    server.is_clear();
    is_covered(&mut applet, &mut consumer, first);

    host.choose(&item, "Allow camera").unwrap();
    consumer.see_camera(ENOUGH);
    let second = worker(&mut applet);
    assert_ne!(first, second);
    let (id, shown) = server.shown("Camera is on");
    let button = |(_, label): &&(String, String)| label == "Turn off";
    let (turn_off, _) = shown.actions.iter().find(button).unwrap();
    server.press(id, turn_off);
    looks(&host, &item, "Camera is paused", "paused");
    is_covered(&mut applet, &mut consumer, second);
    assert_eq!(server.count(), 2);
}

#[test]
fn a_panel_that_restarts_in_a_call_shows_it_again() {
    let session = furnished();
    let desktop = desktop(&session);
    let host = Host::new(&desktop);
    host.start();
    let mut applet = Applet::new(&session, LINE);
    let first = host.item(0);
    let mut consumer = Consumer::new(&session);
    consumer.see_camera(ENOUGH);
    looks(&host, &first, "In use by Video Call", "live");
    host.stop();
    consumer.see_camera(ENOUGH);
    host.start();
    let item = wait("another item", || {
        let newest = host.items.borrow().last().cloned();
        newest.filter(|item| *item != first)
    });
    looks(&host, &item, "In use by Video Call", "live");
    let worker = worker(&mut applet);
    host.activate(&item);
    looks(&host, &item, "Camera is paused", "paused");
    is_covered(&mut applet, &mut consumer, worker);
}

#[test]
fn a_call_is_told_once_and_taken_back_when_it_is_over() {
    let session = furnished();
    let desktop = desktop(&session);
    let server = Server::new(&desktop);
    let mut applet = Applet::new(&session, LINE);
    let mut consumer = Consumer::new(&session);
    consumer.see_camera(ENOUGH);
    applet.wait_for("live");
    let (_, shown) = server.shown("Camera is on");
    assert!(shown.stays, "there is no tray icon");
    learns_id(&desktop);
    drop(consumer);
    applet.wait_for("cooldown");
    let mut consumer = Consumer::new(&session);
    consumer.see_camera(ENOUGH);
    applet.wait_for("live");
    learns_id(&desktop); // so whatever it had to tell has come
    assert_eq!(server.count(), 1);
    drop(consumer);
    server.is_clear();
    applet.wait_for("idle");
    assert_eq!(server.count(), 1);
}
