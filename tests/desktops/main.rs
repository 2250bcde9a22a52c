//! Plays Lenscap's Debian package on real desktops, with systemd, logind and polkit beneath them.
//!
//! `tests/desktops/setup` makes what is needed, and `boot` starts it. Where a machine can't, these tests pass with one
//! line that says what was left out.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

/// How `boot` says that this machine can't.
const LEFT_OUT: i32 = 77;

/// A test for each of a script's functions.
macro_rules! plays {
    ($layer:literal, $script:literal: $($case:ident),+) => {
        $(#[test]
        fn $case() {
            play($layer, $script, &[stringify!($case)]);
        })+
    };
}

plays!(
    "base", "units": bus_activates_unit, display_comes_later, log_in_again, log_in_again_while_streaming,
    package_is_upgraded, session_bus_restarts, session_bus_restarts_while_streaming, unit_is_killed
);

/// Calls a function of a script in a machine, and shows what it printed. Its files are kept for whoever wants to look.
fn play(layer: &str, script: &str, arguments: &[&str]) {
    let out = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("desktops")
        .join([&[layer], arguments].concat().join("-"));
    fs::create_dir_all(&out).expect("a folder for the output");
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/desktops");
    let mut boot = Command::new(here.join("boot"));
    boot.arg(layer).arg(&out).arg("/usr/bin/python3");
    boot.arg(format!("/tests/desktops/{script}.py"))
        .args(arguments);
    let Output {
        status,
        stdout,
        stderr,
    } = boot.output().expect("tests/desktops/boot can be run");
    print!(
        "{}{}",
        String::from_utf8_lossy(&stdout),
        String::from_utf8_lossy(&stderr)
    );
    assert!(
        status.success() || status.code() == Some(LEFT_OUT),
        "{}: {status}; its output is in {}",
        arguments.join(" "),
        out.display()
    );
}
