//! The preferences window is a program of its own, which the applet starts.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};

use lenscap_support::bus::Bus;

const LENSCAP: &str = env!("CARGO_BIN_EXE_lenscap");

/// A child that ends with the test.
struct Kept(Child);

impl Drop for Kept {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Far more than anything here takes, even on a busy machine.
const LIMIT: Duration = Duration::from_secs(60);

fn wait_for<T>(what: &str, mut check: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        match check() {
            Some(answer) => return answer,
            None if start.elapsed() > LIMIT => panic!("waited in vain for {what}"),
            None => thread::sleep(Duration::from_millis(20)),
        }
    }
}

/// The applet in a directory of its own, beside a window that only notes how it was started.
#[test]
fn the_applet_opens_the_window_for_its_own_file() {
    let dir = tempfile::tempdir().unwrap();
    let lenscap = dir.path().join("lenscap");
    fs::copy(LENSCAP, &lenscap).unwrap();
    let window = dir.path().join("lenscap-preferences");
    let notes = dir.path().join("notes");
    let script = format!("#!/bin/sh\necho \"window $*\" >> '{}'\n", notes.display());
    fs::write(&window, script).unwrap();
    fs::set_permissions(&window, fs::Permissions::from_mode(0o755)).unwrap();
    let bus = Bus::new();
    let run = |arguments: &[&str]| {
        let mut command = Command::new(&lenscap);
        command
            .args(arguments)
            .env("DBUS_SESSION_BUS_ADDRESS", &bus.address)
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

/// A GTK process ends with its display and needs five times the memory: the applet must not be one.
#[test]
fn the_applet_is_linked_to_no_toolkit() {
    let output = Command::new("ldd").arg(LENSCAP).output().unwrap();
    let libraries = String::from_utf8(output.stdout).unwrap();
    assert!(libraries.contains("libgstreamer-1.0"), "{libraries}");
    for toolkit in ["libgtk", "libgdk", "libadwaita", "libX11", "libwayland"] {
        assert!(!libraries.contains(toolkit), "{toolkit}: {libraries}");
    }
}
