//! `lenscap-fix` from outside: whatever its arguments and environment are, nothing but its list is
//! done, and it is linked with nothing that could be led astray.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::SystemTime;
use std::{env, fs};

use lenscap_actions::RootAction;
use lenscap_support::{in_tree, left_out};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

const FIX: &str = env!("CARGO_BIN_EXE_lenscap-fix");

/// Where its actions write.
const WRITTEN: [&str; 3] = [
    "/etc/modprobe.d",
    "/etc/modules-load.d",
    "/etc/udev/rules.d",
];

fn names() -> Vec<&'static str> {
    RootAction::ALL.map(RootAction::name).into()
}

/// What stands there, with the time of its last change.
fn written() -> BTreeMap<PathBuf, Option<SystemTime>> {
    let dirs = WRITTEN.iter().map(Path::new);
    let inside = dirs.clone().flat_map(fs::read_dir).flatten().flatten();
    dirs.map(Path::to_owned)
        .chain(inside.map(|entry| entry.path()))
        .map(|path| {
            let changed = path.symlink_metadata().and_then(|file| file.modified());
            (path, changed.ok())
        })
        .collect()
}

fn fix<A: AsRef<OsStr>>(args: &[A], vars: &[(OsString, OsString)]) -> Output {
    Command::new(FIX)
        .args(args)
        .envs(vars.iter().map(|(name, value)| (name, value)))
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// One word, as an attacker would write it: near the list, options, paths, and any bytes at all.
fn word() -> impl Strategy<Value = OsString> {
    let names = names();
    let near = (prop::sample::select(names), any::<usize>(), any::<u8>());
    let near = near.prop_map(|(name, at, byte)| {
        let mut name = name.as_bytes().to_vec();
        let at = at % name.len();
        // A NUL can't be said.
        name[at] = if byte == 0 || byte == name[at] {
            b'_'
        } else {
            byte
        };
        OsString::from_vec(name)
    });
    let odd = [
        "",
        "-",
        "--",
        "--dry-run",
        "--help",
        "--root=/tmp/x",
        "--root",
        "/etc/passwd",
        "../../etc/shadow",
        "load-module;id",
        "$(id)",
        "load-module\n",
        " load-module",
        "%s%n",
        "LOAD-MODULE",
        "load_module",
        "v4l2loopback",
        "write-udev-rules/../../x",
    ];
    let bytes = prop::collection::vec(1_u8.., 0..40).prop_map(OsString::from_vec);
    prop_oneof![
        near,
        prop::sample::select(odd.to_vec()).prop_map(OsString::from),
        bytes
    ]
}

/// Variables that lead others astray, and any.
fn variable() -> impl Strategy<Value = (OsString, OsString)> {
    let known = [
        "PATH",
        "LD_LIBRARY_PATH",
        "MODPROBE_OPTIONS",
        "SYSTEMD_PAGER",
        "IFS",
        "HOME",
        "TMPDIR",
        "DESTDIR",
        "ROOT",
        "LENSCAP_ROOT",
        "RUST_BACKTRACE",
        "PKEXEC_UID",
        "SUDO_UID",
        "BASH_ENV",
        "ENV",
        "GCONV_PATH",
        "LD_PRELOAD_32",
        "PWD",
        "SHELL",
        "SYSTEMCTL_FORCE_BUS",
        "UDEV_LOG",
        "LC_ALL",
    ];
    let name = prop_oneof![
        prop::sample::select(known.to_vec()).prop_map(OsString::from),
        "[A-Z_]{1,12}".prop_map(OsString::from),
    ];
    let value = prop::collection::vec(1_u8.., 0..60).prop_map(OsString::from_vec);
    (name, value)
}

/// The same runs at every run. Thousands of lines are read within the program, by a test of its own.
fn runs(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(1),
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(runs(150))]

    #[test]
    fn whatever_is_not_on_the_list_is_refused_and_nothing_is_written(
        words in prop::collection::vec(word(), 0..5),
        vars in prop::collection::vec(variable(), 0..6),
    ) {
        let before = written();
        let output = fix(&words, &vars);
        prop_assert_eq!(output.status.code(), Some(2), "{:?}", words);
        prop_assert_eq!(&output.stdout, b"");
        prop_assert_eq!(text(&output.stderr).lines().count(), 1);
        prop_assert_eq!(before, written());
    }
}

proptest! {
    #![proptest_config(runs(60))]

    /// What is told is what would be done: nobody but the machine has a say in it.
    #[test]
    fn no_variable_changes_what_would_be_done(
        action in prop::sample::select(&RootAction::ALL),
        vars in prop::collection::vec(variable(), 0..8),
    ) {
        let words = ["--dry-run", action.name()];
        let before = written();
        let (plain, led) = (fix(&words, &[]), fix(&words, &vars));
        prop_assert_eq!(plain.status.code(), led.status.code());
        prop_assert_eq!(plain.stdout, led.stdout);
        prop_assert_eq!(plain.stderr, led.stderr);
        prop_assert_eq!(before, written());
    }

    /// Whoever it is told that it was started by.
    #[test]
    fn no_variable_makes_a_user_root(
        action in prop::sample::select(&RootAction::ALL),
        vars in prop::collection::vec(variable(), 0..8),
    ) {
        let copy = Copy::new(0o755);
        let before = written();
        let mut command = copy.command(action);
        command.envs(vars).env("PKEXEC_UID", "0").env("SUDO_UID", "0").env("USER", "root");
        let output = command.output().unwrap();
        prop_assert_eq!(output.status.code(), Some(1));
        prop_assert_eq!(&output.stdout, b"");
        prop_assert_eq!(text(&output.stderr), NEEDS_ROOT);
        prop_assert_eq!(before, written());
    }
}

/// A caller may leave it without descriptors, without a directory, and with limits: what it opens
/// must not take the place of what it says, and what it says must not become a signal.
#[test]
fn what_is_inherited_leads_nowhere() {
    let dry = format!("exec {FIX} --dry-run load-module");
    for script in [
        format!("exec 0<&- 1>&- 2>&-; {dry}"),
        format!("exec 1>&-; {dry}"),
        format!("exec 1>/dev/full; {dry}"),
        format!("ulimit -f 0; ulimit -c 0; {dry}"),
        format!("umask 777; {dry}"),
        format!("d=$(mktemp -d) && cd $d && rmdir $d; {dry}"),
        format!("trap '' PIPE CHLD TERM; {dry}"),
    ] {
        let before = written();
        let output = Command::new("/bin/sh").args(["-c", &script]).output();
        assert_eq!(output.unwrap().status.code(), Some(0), "{script}");
        assert_eq!(before, written(), "{script}");
    }
}

#[test]
fn the_program_and_its_helper_have_one_list() {
    let said = text(&fix::<&str>(&[], &[]).stderr);
    let names = names().join(", ");
    assert_eq!(
        said,
        format!("lenscap-fix: give one of {names}, after --dry-run or alone\n")
    );
}

#[test]
fn a_dry_run_tells_and_writes_nothing_whatever_the_environment() {
    let hostile: Vec<_> = [("PATH", "/nowhere"), ("MODPROBE_OPTIONS", "--dirname=/tmp")]
        .map(|(name, value)| (name.into(), value.into()))
        .into();
    let before = written();
    for action in RootAction::ALL {
        let plain = fix(&["--dry-run", action.name()], &[]);
        let led = fix(&["--dry-run", action.name()], &hostile);
        assert_eq!(plain.stdout, led.stdout, "{action:?}");
        let said = text(&plain.stdout);
        let is_told = |line: &str| line.starts_with("would ") || line == "nothing to do";
        assert!(said.lines().all(is_told), "{said}");
    }
    let rules = text(&fix(&["--dry-run", "write-udev-rules"], &[]).stdout);
    assert!(
        rules.contains("would run udevadm control --reload\n"),
        "{rules}"
    );
    assert_eq!(before, written());
}

const NEEDS_ROOT: &str =
    "lenscap-fix: this needs root: call it by sudo, or by `lenscap doctor --fix`\n";

/// A copy of the helper that everybody may run.
struct Copy(tempfile::TempDir);

impl Copy {
    fn new(mode: u32) -> Self {
        let copy = Self(tempfile::tempdir().unwrap());
        let all = <fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode;
        fs::copy(FIX, copy.path()).unwrap();
        fs::set_permissions(copy.0.path(), all(0o755)).unwrap();
        fs::set_permissions(copy.path(), all(mode)).unwrap();
        copy
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("lenscap-fix")
    }

    /// Starts it as nobody, where the test may become that; otherwise the test runs as a user already.
    fn command(&self, action: RootAction) -> Command {
        let mut command = Command::new(self.path());
        command.arg(action.name());
        if rustix::process::geteuid().is_root() {
            command.uid(65534).gid(65534);
        }
        command
    }
}

#[test]
fn without_root_nothing_is_done() {
    let copy = Copy::new(0o755);
    let before = written();
    for action in RootAction::ALL {
        let output = copy.command(action).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{action:?}");
        assert_eq!(text(&output.stderr), NEEDS_ROOT);
        assert_eq!(output.stdout, b"");
    }
    assert_eq!(before, written());
}

#[test]
fn a_set_user_id_copy_refuses_to_work() {
    if !rustix::process::geteuid().is_root() {
        return left_out("only root can make a set-user-id copy that matters");
    }
    let copy = Copy::new(0o4755);
    let output = copy.command(RootAction::TriggerUdev).output().unwrap();
    let said = text(&output.stderr);
    // A file system that ignores the bit is as good.
    assert!(
        said.contains("set-user-id") || said.contains("needs root"),
        "{said}"
    );
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(output.stdout, b"");
}

/// Every library is code that runs as root before `main` does.
#[test]
fn it_is_linked_with_the_c_library_alone() {
    let output = Command::new("ldd").arg(FIX).output().unwrap();
    let libraries = text(&output.stdout);
    let known = [
        "linux-vdso",
        "libgcc_s.so",
        "libc.so",
        "ld-linux",
        "libm.so",
    ];
    for line in libraries.lines() {
        assert!(known.iter().any(|name| line.contains(name)), "{line}");
    }
    assert!(libraries.contains("libc.so"), "{libraries}");
}

/// polkit compares the path, byte for byte.
#[test]
fn polkit_asks_for_the_helper_where_install_puts_it() {
    let policy = fs::read_to_string(in_tree("data/io.github.lenscap.Lenscap.policy")).unwrap();
    let path = "/usr/local/libexec/lenscap-fix";
    let key = format!("\"org.freedesktop.policykit.exec.path\">{path}</annotate>");
    assert!(policy.contains(&key), "{policy}");
    assert!(policy.contains("<allow_any>auth_admin</allow_any>"));
    assert!(!policy.contains(">yes<"), "nobody is let through unasked");
    let install = Command::new("make")
        .current_dir(in_tree("."))
        .args(["--dry-run", "install", "PREFIX=/usr", "DESTDIR=/staged"])
        .output()
        .unwrap();
    let install = text(&install.stdout);
    assert!(
        install.contains("/staged/usr/libexec/lenscap-fix"),
        "{install}"
    );
    assert!(
        install.contains("s|/usr/local/libexec|/usr/libexec|"),
        "{install}"
    );
    let alone = Command::new("make")
        .current_dir(in_tree("."))
        .args(["--dry-run", "install", "PREFIX=/home/me/.local"])
        .output()
        .unwrap();
    let alone = text(&alone.stdout);
    assert!(!alone.contains("polkit"), "{alone}");
}

/// systemd gives tagged nodes to the seat in a file that begins with 73.
#[test]
fn the_udev_rules_come_before_the_seats() {
    let names = fs::read_dir(in_tree("data/udev/rules.d")).unwrap();
    for entry in names {
        let name = entry.unwrap().file_name();
        let number = OsStr::from_bytes(&name.as_bytes()[..2]).to_str().unwrap();
        assert!(number.parse::<u32>().unwrap() < 73, "{}", name.display());
    }
}
