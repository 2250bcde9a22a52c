//! Other camera relays.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use lenscap_actions::relayd;

use super::files;
use crate::doctor::facts::{Rival, RivalProgram, RivalsFacts};

pub fn gather(root: &Path, home: &Path) -> RivalsFacts {
    let unit = "systemd/user/ipu6-camera-daemon.service";
    let user = home.join(".config").join(unit);
    RivalsFacts {
        running: running(root),
        relayd_enabled: relayd_enabled(root),
        relayd_units: relayd::units(root),
        daemon_unit: user.exists() || root.join("etc").join(unit).exists(),
    }
}

fn running(root: &Path) -> Vec<Rival> {
    let processes = files::entries(root.join("proc")).into_iter();
    let mut running: Vec<_> = processes
        .filter_map(|process| {
            let pid = files::name(&process).parse().ok()?;
            let program = program(&files::text(process.join("cmdline")))?;
            Some(Rival {
                program,
                pid,
                own: is_own(&process),
            })
        })
        .collect();
    running.sort_by_key(|rival| rival.pid);
    running
}

/// Root may end every process.
fn is_own(process: &Path) -> bool {
    let user = rustix::process::getuid();
    let owner = process.metadata().map(|process| process.uid());
    user.is_root() || owner.is_ok_and(|owner| owner == user.as_raw())
}

/// The relay that a command line starts, as a program or as the script of an interpreter. `comm` is
/// no use: the kernel truncates it.
fn program(command_line: &str) -> Option<RivalProgram> {
    let mut words = command_line
        .split('\0')
        .take(2)
        .map(|word| files::name(Path::new(word)));
    words.find_map(|word| {
        RivalProgram::ALL
            .into_iter()
            .find(|program| program.name() == word)
    })
}

/// Whether a target wants a unit of v4l2-relayd.
fn relayd_enabled(root: &Path) -> bool {
    let units = files::wanted_units(root.join("etc/systemd/system"));
    let mut names = units.iter().map(|unit| files::name(unit));
    names.any(|name| name.starts_with("v4l2-relayd"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::probe::tests::machine;

    #[test]
    fn rivals_are_recognized_by_their_command_lines() {
        let root = machine(&[
            ("proc/100/cmdline", "/usr/bin/v4l2-relayd\0-d\0"),
            (
                "proc/20/cmdline",
                "/home/me/ipu6-camera-daemon/target/release/ipu6-camera-daemon\0",
            ),
            (
                "proc/7/cmdline",
                "/usr/bin/python3\0/usr/bin/camera-relay\0monitor\0",
            ),
            ("proc/8/cmdline", "vim\0/etc/notes\0v4l2-relayd\0"),
            ("proc/self/cmdline", "v4l2-relayd\0"),
        ]);
        let found: Vec<_> = running(root.path())
            .iter()
            .map(|rival| {
                assert!(rival.own, "the test's user owns these files");
                (rival.pid, rival.program)
            })
            .collect();
        assert_eq!(
            found,
            [
                (7, RivalProgram::CameraRelay),
                (20, RivalProgram::Ipu6CameraDaemon),
                (100, RivalProgram::V4l2Relayd),
            ]
        );
    }

    #[test]
    fn units_are_enabled_by_a_link_in_a_wants_directory() {
        let wants = "etc/systemd/system/multi-user.target.wants";
        let link = format!("{wants}/v4l2-relayd@default.service");
        let home = ".config/systemd/user/ipu6-camera-daemon.service";
        let template = "usr/lib/systemd/system/v4l2-relayd@.service";
        let root = machine(&[(&link, ""), (home, ""), (template, "")]);
        let rivals = gather(root.path(), root.path());
        assert!(rivals.relayd_enabled && rivals.daemon_unit);
        assert_eq!(rivals.relayd_units, ["v4l2-relayd@default.service"]);
        let other = machine(&[(&format!("{wants}/ssh.service"), "")]);
        assert_eq!(gather(other.path(), other.path()), RivalsFacts::default());
    }
}
