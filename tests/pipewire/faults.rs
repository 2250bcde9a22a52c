//! What must not disturb a call: the end of everything around it that is no part of the picture's
//! way.

use std::path::Path;
use std::process::{Command, Stdio};

use lenscap_support::program;
use rustix::process::{Pid, Signal, kill_process};

use crate::call::{Call, SOURCE};
use lenscap_support::applet::Applet;
use lenscap_support::session::{Process, Session, first_line};

/// The window's process, as the applet names it.
const PREFERENCES: &str = "lenscap-preferences";

/// A call, and beside it the preferences window with a preview.
struct Scene {
    display: Process,
    window: u32,
    call: Call,
    applet: Applet,
    session: Session,
}

impl Scene {
    fn new() -> Self {
        let mut session = Session::new();
        let display = display(&mut session);
        for (name, value) in [
            ("LC_ALL", "C.UTF-8"),
            ("GDK_BACKEND", "x11"),
            ("GSK_RENDERER", "cairo"),
            ("GTK_A11Y", "atspi"),
            ("NO_AT_BRIDGE", "1"),
            ("GSETTINGS_BACKEND", "memory"),
            ("ADW_DISABLE_PORTAL", "1"),
        ] {
            session.set_var(name, value);
        }
        session.write_config(&format!(
            "[camera]\nsource = \"{SOURCE}\"\nwidth = 160\nheight = 120\n\
             [delays]\nactivation_ms = 300\ncooldown_ms = 300\n\
             [output]\nkind = \"pipewire\"\nplaceholder = \"black\"\n"
        ));
        program(PREFERENCES); // which the applet starts
        let mut applet = Applet::new(&session, "");
        applet.wait_for("idle");
        let call = Call::new(&session);
        assert!(session.lenscap("preferences").status.success());
        press("Show", &session);
        let of_window = |client: &&lenscap::report::Client| client.name == PREFERENCES;
        let report = applet.wait("the preview", |report| {
            report.clients.iter().any(|client| of_window(&client))
        });
        let window = report.clients.iter().find(of_window).unwrap().pid;
        Self {
            display,
            window,
            call,
            applet,
            session,
        }
    }

    /// The window goes, and the call is as if nothing had been.
    fn goes_on_without_window(&mut self) {
        self.applet.wait("the end of the preview", |report| {
            report.clients.iter().all(|one| one.name != PREFERENCES)
        });
        self.goes_on();
        assert_eq!(self.applet.now.state.as_str(), "live");
    }

    fn goes_on(&mut self) {
        let worker = self.applet.now.worker_pid.unwrap();
        self.call.goes_on();
        assert!(self.applet.is_running());
        assert!(Path::new(&format!("/proc/{worker}")).exists());
    }
}

/// A display of the session's own.
fn display(session: &mut Session) -> Process {
    let mut child = Command::new("Xvfb")
        .args(["-displayfd", "1", "-screen", "0", "1024x768x24"])
        .args(["-nolisten", "tcp"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("Xvfb is needed for this test");
    session.set_var("DISPLAY", &format!(":{}", first_line(&mut child)));
    Process(child)
}

/// Presses a button of the preferences window.
fn press(button: &str, session: &Session) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/preferences/press.py");
    // Python's bindings come with the system's own interpreter.
    let output = session
        .command("/usr/bin/python3")
        .args(["-B", "-W", "ignore"])
        .arg(script)
        .arg(button)
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
}

#[test]
fn preferences_may_be_killed_with_a_preview() {
    let mut scene = Scene::new();
    scene.goes_on();
    let window = Pid::from_raw(scene.window.cast_signed()).unwrap();
    kill_process(window, Signal::KILL).unwrap();
    scene.goes_on_without_window();
}

#[test]
fn the_display_may_end() {
    let mut scene = Scene::new();
    scene.goes_on();
    scene.display.kill();
    scene.goes_on_without_window();
}

#[test]
fn the_session_bus_may_end() {
    let mut scene = Scene::new();
    scene.goes_on();
    scene.session.kill_bus();
    scene.goes_on();
    drop(scene.call);
    drop(scene.display); // and with it the window, whose preview counts
    assert_eq!(scene.applet.wait_for_end().code(), Some(1));
}
