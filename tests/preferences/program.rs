//! The preferences program, as people and scripts meet it.

use std::process::{Command, Output};

use lenscap_support::in_tree;

fn preferences() -> Command {
    Command::new(env!("CARGO_BIN_EXE_lenscap-preferences"))
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
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

/// Runs a script of this directory with Python's bindings, which come with the system's own interpreter.
fn script(name: &str, argument: &str) {
    let script = in_tree("tests/preferences");
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
