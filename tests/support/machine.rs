//! Tests that are played in a machine of their own, by a script that starts it.

use std::process::{Command, Output};

use crate::left_out;

/// The script's exit status where this machine can't do it.
const LEFT_OUT: i32 = 77;

/// Runs the script, and prints its output. Panics if it fails.
pub fn play(script: &mut Command) {
    let Output {
        status,
        stdout,
        stderr,
    } = script.output().expect("the script can be run");
    let stderr = String::from_utf8_lossy(&stderr);
    print!("{}{stderr}", String::from_utf8_lossy(&stdout));
    if status.code() == Some(LEFT_OUT) {
        left_out(stderr.lines().last().unwrap_or("no reason given"));
    } else {
        assert!(status.success(), "{script:?}: {status}");
    }
}
