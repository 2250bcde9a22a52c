//! The helper with a real polkit: an unauthorized user can change nothing, an authorized one only what the helper's actions do.

use std::path::Path;
use std::process::Command;

use lenscap_support::{in_tree, left_out, program};

/// Authorizes every user for the helper's action only.
const GRANT: &str = r#"polkit.addRule(function(action, subject) {
    if (action.id == "io.github.lenscap.Lenscap.fix") return polkit.Result.YES;
});"#;

/// Authorizes no user, even with a password.
const REFUSE: &str = r#"polkit.addRule(function(action, subject) {
    if (action.id == "io.github.lenscap.Lenscap.fix") return polkit.Result.NO;
});"#;

/// No rules of an administrator.
const NO_WORD: &str = "";

const HELPER: &str = "/opt/libexec/lenscap-fix";

/// The file that `write-module-options` writes.
const WRITTEN: [&str; 2] = [
    "written /etc/modprobe.d/zz-lenscap.conf",
    "written /etc/modules-load.d/lenscap.conf",
];

/// The result of a command.
struct Outcome {
    code: Option<i32>,
    text: String,
}

impl Outcome {
    fn written(&self) -> Vec<&str> {
        let lines = self.text.lines();
        lines.filter(|line| line.starts_with("written ")).collect()
    }
}

/// Runs a command as `nobody` on a machine with polkit; `None` if that isn't possible here.
fn as_nobody(rules: &str, command: &[&str]) -> Option<Outcome> {
    let needed = ["/usr/bin/pkexec", "/usr/lib/polkit-1/polkitd"];
    let missing = needed.iter().find(|path| !Path::new(path).exists());
    let may = Command::new("unshare").args(["--mount", "true"]).output();
    if missing.is_some() || !may.is_ok_and(|output| output.status.success()) {
        left_out("polkit takes root, namespaces, pkexec and polkitd");
        return None;
    }
    let output = Command::new("unshare")
        .args(["--mount", "--pid", "--fork", "--kill-child", "--mount-proc"])
        .arg(in_tree("tests/polkit/stage"))
        .arg(env!("CARGO_BIN_EXE_lenscap"))
        .arg(program("lenscap-fix"))
        .arg(in_tree("data/io.github.lenscap.Lenscap.policy"))
        .arg(rules)
        .args(command)
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    Some(Outcome {
        code: output.status.code(),
        text: String::from_utf8(said).unwrap(),
    })
}

#[test]
fn without_authorization_nothing_is_changed() {
    let command = ["pkexec", HELPER, "write-module-options"];
    let Some(refused) = as_nobody(NO_WORD, &command) else {
        return;
    };
    assert_eq!(refused.code, Some(127), "{}", refused.text);
    assert_eq!(refused.written(), [""; 0]);
}

#[test]
fn with_authorization_the_helper_applies_its_actions() {
    let command = ["pkexec", HELPER, "write-module-options"];
    let Some(granted) = as_nobody(GRANT, &command) else {
        return;
    };
    assert_eq!(granted.code, Some(0), "{}", granted.text);
    assert_eq!(granted.written(), WRITTEN);
    let more = ["pkexec", HELPER, "write-module-options", "/etc/passwd"];
    let refused = as_nobody(GRANT, &more).unwrap();
    assert_eq!(refused.code, Some(2), "{}", refused.text);
    assert_eq!(refused.written(), [""; 0]);
}

/// Only for the helper at its installed path.
#[test]
fn the_authorization_covers_no_other_program() {
    let Some(refused) = as_nobody(GRANT, &["pkexec", "/usr/bin/id"]) else {
        return;
    };
    assert_eq!(refused.code, Some(127), "{}", refused.text);
    assert!(!refused.text.contains("uid=0"), "{}", refused.text);
}

#[test]
fn the_doctor_uses_polkit() {
    let command = ["/opt/bin/lenscap", "doctor", "--fix"];
    let Some(unasked) = as_nobody(NO_WORD, &command) else {
        return;
    };
    // Neither an agent nor a terminal could ask for the password.
    let answer = "write-module-options: nothing here can ask for the password, and nothing was \
                  changed; run it in a terminal (sudo /opt/libexec/lenscap-fix write-module-options)";
    assert!(unasked.text.contains(answer), "{}", unasked.text);
    assert_eq!(unasked.written(), [""; 0]);
    let refused = as_nobody(REFUSE, &command).unwrap();
    let answer = "write-module-options: not allowed: nothing was changed";
    assert!(refused.text.contains(answer), "{}", refused.text);
    assert_eq!(refused.written(), [""; 0]);
    let granted = as_nobody(GRANT, &command).unwrap();
    assert!(
        granted
            .text
            .contains("write /etc/modules-load.d/lenscap.conf"),
        "{}",
        granted.text
    );
    assert_eq!(granted.written(), WRITTEN);
}
