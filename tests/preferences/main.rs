//! The preferences program, as people and scripts meet it.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

fn preferences() -> Command {
    Command::new(env!("CARGO_BIN_EXE_lenscap-preferences"))
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A child that ends with the test.
struct Kept(Child);

impl Drop for Kept {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Far more than anything here takes, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        match look() {
            Some(answer) => return answer,
            None if start.elapsed() > PATIENCE => panic!("waited in vain for {what}"),
            None => thread::sleep(Duration::from_millis(20)),
        }
    }
}

/// The applet in a directory of its own, beside a window that only notes how it was started.
#[test]
fn the_applet_opens_the_window_for_its_own_file() {
    let dir = tempfile::tempdir().unwrap();
    let lenscap = dir.path().join("lenscap");
    fs::copy(env!("CARGO_BIN_EXE_lenscap"), &lenscap).unwrap();
    let window = dir.path().join("lenscap-preferences");
    let notes = dir.path().join("notes");
    let script = format!("#!/bin/sh\necho \"window $*\" >> '{}'\n", notes.display());
    fs::write(&window, script).unwrap();
    fs::set_permissions(&window, fs::Permissions::from_mode(0o755)).unwrap();
    let mut bus = Command::new("dbus-daemon")
        .args(["--session", "--print-address", "--nofork", "--nopidfile"])
        .stdout(Stdio::piped())
        .spawn()
        .map(Kept)
        .unwrap();
    let mut address = String::new();
    let stdout = bus.0.stdout.take().unwrap();
    BufReader::new(stdout).read_line(&mut address).unwrap();
    let run = |arguments: &[&str]| {
        let mut command = Command::new(&lenscap);
        command
            .args(arguments)
            .env("DBUS_SESSION_BUS_ADDRESS", address.trim())
            .env("XDG_RUNTIME_DIR", dir.path())
            .env("XDG_CONFIG_HOME", dir.path())
            .env("XDG_STATE_HOME", dir.path());
        command
    };
    let expect = |lines: &str| {
        wait_for(lines, || {
            (fs::read_to_string(&notes).ok()? == lines).then_some(())
        });
    };
    let answers = || run(&["status"]).output().unwrap().status.success();
    let start = |arguments| {
        let applet = Kept(run(arguments).spawn().unwrap());
        wait_for("the applet", || answers().then_some(()));
        applet
    };

    let applet = start(&[]);
    assert!(run(&[]).status().unwrap().success());
    expect("window \n");
    assert!(run(&["preferences"]).status().unwrap().success());
    expect("window \nwindow \n");
    drop(applet);
    wait_for("the applet's end", || (!answers()).then_some(()));

    let _applet = start(&["--config", "/nonexistent/my.toml"]);
    assert!(run(&["preferences"]).status().unwrap().success());
    expect("window \nwindow \nwindow --config /nonexistent/my.toml\n");
}

#[test]
fn without_a_display_one_line_says_so() {
    let output = preferences()
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY")
        .env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/dev/null/bus")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        stderr(&output),
        "lenscap-preferences: no display to open a window on; run this inside the desktop session\n"
    );
}

#[test]
fn the_version_needs_no_display() {
    let output = preferences()
        .arg("--version")
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY")
        .output()
        .unwrap();
    assert!(output.status.success());
    let version = format!("lenscap-preferences {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(String::from_utf8_lossy(&output.stdout), version);
}

/// A GTK process dies with its display and weighs five times as much: the applet must not be one.
#[test]
fn the_applet_is_linked_to_no_toolkit() {
    let libraries = |program: &str| {
        let output = Command::new("ldd").arg(program).output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let of_window = libraries(env!("CARGO_BIN_EXE_lenscap-preferences"));
    assert!(of_window.contains("libgtk-4"), "{of_window}");
    let of_applet = libraries(env!("CARGO_BIN_EXE_lenscap"));
    for toolkit in ["libgtk", "libgdk", "libadwaita", "libX11", "libwayland"] {
        assert!(!of_applet.contains(toolkit), "{toolkit}: {of_applet}");
    }
}

/// Runs a script of this directory with Python's bindings, which come with the system's own interpreter.
fn script(name: &str, argument: &str) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/preferences");
    let output = Command::new("/usr/bin/python3")
        .args(["-B", "-W", "ignore"])
        .arg(script.join(name))
        .arg(argument)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
}

/// Walks the window by the names that a screen reader says, and changes things in it.
#[test]
fn the_window_is_used_by_name() {
    script("walk.py", env!("CARGO_BIN_EXE_lenscap-preferences"));
}

/// A theme that has none of the icons must not make broken pictures of them.
#[test]
fn every_icon_is_found_whatever_the_theme() {
    script("icons.py", concat!(env!("OUT_DIR"), "/icons.gresource"));
}
