//! Plays Lenscap's Debian package on real desktops, with systemd, logind and polkit beneath them.
//!
//! `tests/desktops/setup` makes what is needed, and `boot` starts it. Where a machine can't, these tests pass with one
//! line that says what was left out.

use std::{env, fs, path::Path, process::Command};

use lenscap_support::{in_tree, machine};

/// A test for each of a script's functions.
macro_rules! plays {
    ($layer:literal, $script:literal: $($case:ident),+) => {
        $(#[test]
        fn $case() {
            crate::play($layer, $script, &[stringify!($case)]);
        })+
    };
}

plays!(
    "base", "units": bus_activates_unit, display_comes_later, log_in_again, log_in_again_while_streaming,
    session_bus_restarts, session_bus_restarts_while_streaming, unit_is_killed
);

/// The package is built for Debian 12, and used on newer releases, too.
mod bookworm {
    plays!("bookworm", "package": package_is_removed, package_is_upgraded);
}

mod trixie {
    plays!("trixie", "package": package_is_removed, package_is_upgraded);
}

#[test]
fn xfce() {
    play("xfce", "shell", &["xfce"]);
}

/// Tests that take minutes each: a script's function on a desktop, with what else it is told.
macro_rules! plays_long {
    ($($name:ident: $layer:literal $script:literal $($argument:expr),+;)+) => {
        $(#[test]
        #[ignore = "takes minutes: make desktops"]
        fn $name() {
            play($layer, $script, &[$($argument),+]);
        })+
    };
}

// Debian's next release may be broken on any day, which is no fault of Lenscap's.
plays_long! {
    package_is_removed_on_sid: "sid" "package" "package_is_removed";
    package_is_upgraded_on_sid: "sid" "package" "package_is_upgraded";
    sway: "sway" "shell" "sway";
    plasma: "plasma" "shell" "plasma";
    gnome: "gnome" "shell" "gnome";
    firefox_in_sway: "sway" "applications" "firefox", "sway";
    firefox_in_plasma: "plasma" "applications" "firefox", "plasma";
    firefox_in_gnome: "gnome" "applications" "firefox", "gnome";
    chromium_in_sway: "sway" "applications" "chromium", "sway";
    snapshot_in_sway: "sway" "applications" "snapshot", "sway";
    obs_in_sway: "sway" "applications" "obs", "sway";
    log_ins_by_unit_in_xfce: "xfce" "logins" "xfce", "unit", &count();
    log_ins_by_unit_in_plasma: "plasma" "logins" "plasma", "unit", &count();
    log_ins_by_unit_in_gnome: "gnome" "logins" "gnome", "unit", &count();
    log_ins_by_entry_in_xfce: "xfce" "logins" "xfce", "entry", &count();
    log_ins_by_entry_in_plasma: "plasma" "logins" "plasma", "entry", &count();
    log_ins_by_entry_in_gnome: "gnome" "logins" "gnome", "entry", &count();
}

/// How often to log in.
fn count() -> String {
    env::var("LENSCAP_LOGINS").unwrap_or_else(|_| "10".to_owned())
}

/// Calls a function of a script in a machine, and shows what it printed. Its files are kept for whoever wants to look.
fn play(layer: &str, script: &str, arguments: &[&str]) {
    let out = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("desktops")
        .join([&[layer, script], arguments].concat().join("-"));
    fs::create_dir_all(&out).expect("a folder for the output");
    let mut boot = Command::new(in_tree("tests/desktops/boot"));
    boot.arg(layer).arg(&out).arg("/usr/bin/python3");
    boot.arg(format!("/tests/desktops/{script}.py"))
        .args(arguments);
    machine::play(&mut boot);
}
