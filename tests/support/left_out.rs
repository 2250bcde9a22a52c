//! What a machine can't test.

use std::process::Command;

/// Prints it; with `LENSCAP_STRICT=1`, panics. See `tests/left-out`.
pub fn left_out(what: &str) {
    let status = Command::new(crate::in_tree("tests/left-out"))
        .arg(what)
        .status();
    assert!(
        status.is_ok_and(|status| status.success()),
        "left out: {what}"
    );
}
