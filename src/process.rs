//! What the kernel and systemd say about another process. Nothing here is read from a place that the
//! process itself chose: its root directory, its environment, its memory.

use std::fs;
use std::path::Path;

use crate::small_file;

fn file(pid: u32, name: &str) -> Option<String> {
    small_file::text(Path::new(&format!("/proc/{pid}/{name}"))).ok()
}

/// The file name of its program.
pub fn program(pid: u32) -> Option<String> {
    let path = fs::read_link(format!("/proc/{pid}/exe")).ok()?;
    Some(path.file_name()?.to_str()?.to_owned())
}

/// Its name. The kernel keeps the first 15 bytes; the program's file has the rest of a longer one.
pub fn name(pid: u32) -> Option<String> {
    let comm = file(pid, "comm")?;
    let comm = comm.trim_end();
    let whole = program(pid).filter(|name| comm.len() == 15 && name.starts_with(comm));
    Some(whole.unwrap_or_else(|| comm.to_owned()))
}

/// Its parent.
pub fn parent(pid: u32) -> Option<u32> {
    stat(pid, 4).filter(|pid| *pid > 1)
}

/// Its process group, which is the number of the group's leader.
pub fn group(pid: u32) -> Option<u32> {
    stat(pid, 5)
}

/// A field of `stat`, from the third on. The second is a name in parentheses that may hold anything.
fn stat(pid: u32, field: usize) -> Option<u32> {
    let stat = file(pid, "stat")?;
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_ascii_whitespace().nth(field - 3)?.parse().ok()
}

/// The innermost systemd unit that it is in.
pub fn unit(pid: u32) -> Option<String> {
    unit_in(&file(pid, "cgroup")?)
}

fn unit_in(cgroup: &str) -> Option<String> {
    let unit = cgroup.trim_end().rsplit('/').next()?;
    (!unit.is_empty()).then(|| unit.to_owned())
}

/// The id of the desktop entry in a unit's name, by systemd's convention (`DESKTOP_ENVIRONMENTS` in its
/// docs): `app-[LAUNCHER-]ID-RANDOM.scope`, `app-[LAUNCHER-]ID[@RANDOM].service`, dashes escaped as
/// `\x2d`.
pub fn entry_id(unit: &str) -> Option<String> {
    let unit = unit.strip_prefix("app-")?;
    let name = match unit.strip_suffix(".scope") {
        Some(scope) => scope.rsplit_once('-')?.0,
        None => unit.strip_suffix(".service")?.split('@').next()?,
    };
    let id = name.rsplit('-').next()?;
    Some(id.replace("\\x2d", "-"))
}

/// The sandboxed application that a unit belongs to: Flatpak's scopes are called
/// `app-flatpak-ID-PID.scope`, Snap's `snap.SNAP.APP-ID.scope`.
pub fn sandboxed(unit: &str) -> Option<String> {
    if unit.starts_with("app-flatpak-") {
        return entry_id(unit);
    }
    let snap = unit.strip_prefix("snap.")?.split('.').next()?;
    Some(snap.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_named_after_desktop_entries() {
        for (unit, wanted) in [
            ("app-gnome-firefox-12345.scope", Some("firefox")),
            (
                "app-gnome-google\\x2dchrome-77.scope",
                Some("google-chrome"),
            ),
            (
                "app-flatpak-com.slack.Slack-9.scope",
                Some("com.slack.Slack"),
            ),
            ("app-org.gnome.Cheese@3f.service", Some("org.gnome.Cheese")),
            ("app-zoom.service", Some("zoom")),
            ("session-2.scope", None),
            ("vte-spawn-1-2.scope", None),
        ] {
            let parent = "0::/user.slice/user-1000.slice/user@1000.service/app.slice";
            let found = unit_in(&format!("{parent}/{unit}\n")).unwrap();
            assert_eq!(found, unit);
            assert_eq!(entry_id(unit).as_deref(), wanted, "{unit}");
        }
        assert_eq!(unit_in(""), None);
    }

    #[test]
    fn sandboxed_applications_are_known_by_their_units() {
        for (unit, wanted) in [
            (
                "app-flatpak-com.slack.Slack-9.scope",
                Some("com.slack.Slack"),
            ),
            ("snap.zoom-client.zoom-4f1e.scope", Some("zoom-client")),
            ("app-gnome-firefox-12345.scope", None),
            ("session-2.scope", None),
        ] {
            assert_eq!(sandboxed(unit).as_deref(), wanted, "{unit}");
        }
    }

    #[test]
    fn we_know_ourselves() {
        let own = std::process::id();
        assert_eq!(parent(own), Some(std::os::unix::process::parent_id()));
        let leader = rustix::process::getpgrp().as_raw_nonzero().get();
        assert_eq!(group(own).map(u32::cast_signed), Some(leader));
        let (name, program) = (name(own).unwrap(), program(own).unwrap());
        assert!(program.starts_with(&name), "{name}, {program}");
    }
}
