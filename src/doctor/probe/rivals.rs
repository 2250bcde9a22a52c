//! Other programs that do the same.

use std::path::Path;

use super::files;
use crate::doctor::facts::{Program, Rival, Rivals};

/// Those that run, and those that will.
pub fn gather(root: &Path, home: &Path) -> Rivals {
    let unit = "systemd/user/ipu6-camera-daemon.service";
    let user = home.join(".config").join(unit);
    Rivals {
        running: running(root),
        relayd_enabled: relayd_enabled(root),
        daemon_unit: user.exists() || root.join("etc").join(unit).exists(),
    }
}

fn running(root: &Path) -> Vec<Rival> {
    let processes = files::entries(root.join("proc")).into_iter();
    let mut running: Vec<_> = processes
        .filter_map(|process| {
            let pid = files::name(&process).parse().ok()?;
            let program = program(&files::text(process.join("cmdline")))?;
            Some(Rival { program, pid })
        })
        .collect();
    running.sort_by_key(|rival| rival.pid);
    running
}

/// The rival that a command line starts: as a program, or as the script of an interpreter. The
/// kernel's own names for processes are cut short.
fn program(command_line: &str) -> Option<Program> {
    let mut words = command_line
        .split('\0')
        .take(2)
        .map(|word| files::name(Path::new(word)));
    words.find_map(|word| {
        Program::ALL
            .into_iter()
            .find(|program| program.name() == word)
    })
}

/// Whether some unit of v4l2-relayd's is wanted by a target.
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
    fn rivals_are_known_by_what_was_started() {
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
            .map(|rival| (rival.pid, rival.program))
            .collect();
        assert_eq!(
            found,
            [
                (7, Program::CameraRelay),
                (20, Program::Ipu6CameraDaemon),
                (100, Program::V4l2Relayd),
            ]
        );
    }

    #[test]
    fn units_are_enabled_by_a_link_of_a_target() {
        let wants = "etc/systemd/system/multi-user.target.wants";
        let link = format!("{wants}/v4l2-relayd@default.service");
        let home = ".config/systemd/user/ipu6-camera-daemon.service";
        let root = machine(&[(&link, ""), (home, "")]);
        let rivals = gather(root.path(), root.path());
        assert!(rivals.relayd_enabled && rivals.daemon_unit);
        let other = machine(&[(&format!("{wants}/ssh.service"), "")]);
        assert_eq!(gather(other.path(), other.path()), Rivals::default());
    }
}
