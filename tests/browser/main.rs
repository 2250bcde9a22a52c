//! A browser that uses the camera through PipeWire and the desktop portal: a real Chromium, a real
//! xdg-desktop-portal, and a fake dialog.

mod page;
mod portal;

use std::collections::HashSet;
use std::fs;

use lenscap_support::applet::Applet;
use lenscap_support::session::Session;
use page::{Browser, Picture};
use portal::Portal;

/// The test picture on PipeWire, with a visible delay and a distinguishable cooldown.
const LINE: &str =
    "--source test --output pipewire -w 320 -H 240 --activation-delay-ms 3000 -c 300";
/// Enough camera frames to prove that it is on.
const ENOUGH: usize = 30;

#[test]
fn a_page_sees_the_placeholder_and_then_the_camera() {
    let session = session();
    let portal = Portal::new(&session);
    let mut applet = Applet::new(&session, &format!("{LINE} --format YUY2"));
    applet.wait_for("idle");

    let mut browser = Browser::new(&session);
    assert_eq!(browser.label(), "Lenscap");
    assert_eq!(portal.dialogs(), 1, "somebody is asked for the camera");
    see_camera(&mut browser);
    // The socket belongs to the portal, but the client isn't the portal.
    let looks = |report: &lenscap::report::Report| {
        let [client] = &report.clients[..] else {
            return false;
        };
        client.name == "chromium" && command(client.pid) == "chromium"
    };
    applet.wait_for("live");
    applet.wait("Chromium as the client", looks);

    browser.stop();
    applet.wait_for("idle");
    applet.wait("the camera is off", |report| {
        !report.camera_open && report.clients.is_empty()
    });
}

#[test]
fn every_format_can_be_shown() {
    for format in ["NV12", "UYVY", "I420"] {
        let session = session();
        let _portal = Portal::new(&session);
        let mut applet = Applet::new(&session, &format!("{LINE} --format {format}"));
        applet.wait_for("idle");
        see_camera(&mut Browser::new(&session));
        assert_eq!(applet.now.outputs[0].format, format);
    }
}

fn session() -> Session {
    let session = Session::new();
    session.write_config("[output]\nplaceholder = \"black\"\n");
    session
}

/// Waits until a page has shown the placeholder and then enough distinct camera frames.
fn see_camera(browser: &mut Browser) {
    let mut before = 0;
    let mut seen = HashSet::new();
    while seen.len() < ENOUGH {
        match browser.picture() {
            Picture::Black => {
                assert!(seen.is_empty(), "black after {} camera frames", seen.len());
                before += 1;
            }
            Picture::Camera(digest) => {
                seen.insert(digest);
            }
        }
    }
    assert!(before > 0, "no placeholder came before the camera");
}

fn command(pid: u32) -> String {
    let name = fs::read_to_string(format!("/proc/{pid}/comm"));
    name.unwrap_or_default().trim_end().to_owned()
}
