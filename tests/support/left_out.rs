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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_fails_where_nothing_may_be() {
        let fails = |strict| {
            let mut script = Command::new(crate::in_tree("tests/left-out"));
            let output = script.arg("x").env("LENSCAP_STRICT", strict).output();
            let output = output.unwrap();
            assert_eq!(output.stderr, b"left out: x\n");
            !output.status.success()
        };
        assert!(fails("1") && !fails("0") && !fails(""));
    }
}
