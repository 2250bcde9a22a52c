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
        // The script has given its reason, and would have failed itself if it heeds LENSCAP_STRICT.
        left_out(&format!("{script:?}"));
    } else {
        assert!(status.success(), "{script:?}: {status}");
    }
}
