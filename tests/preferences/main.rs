//! The preferences program, as people and scripts meet it.

use std::path::Path;
use std::process::{Command, Output};

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

/// Walks the window by the names that a screen reader says, and changes things in it.
#[test]
fn the_window_is_used_by_name() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/preferences/walk.py");
    // Python's bindings come with the system's own interpreter.
    let output = Command::new("/usr/bin/python3")
        .args(["-B", "-W", "ignore"])
        .arg(script)
        .arg(env!("CARGO_BIN_EXE_lenscap-preferences"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
}
