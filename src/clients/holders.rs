//! Who has a device open, by /proc.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use rustix::fs::{AtFlags, CWD, FileType, StatxFlags, statx};

use crate::relay::Holder;

/// Every process that can be seen to have the node open. `None` where /proc doesn't even show
/// ourselves: then it shows nothing about others either.
pub fn find_holders(node: &Path) -> Option<Vec<Holder>> {
    let device = device_number(node)?;
    let own = std::process::id();
    fs::read_dir(format!("/proc/{own}/fd")).ok()?;
    let holders = fs::read_dir("/proc")
        .ok()?
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter_map(|pid| holder(pid, device))
        .collect();
    Some(holders)
}

/// Those of some processes that still have the node open. `None` as with [`find_holders`].
pub fn still_holding(node: &Path, pids: &[u32]) -> Option<Vec<Holder>> {
    let device = device_number(node)?;
    Some(pids.iter().filter_map(|pid| holder(*pid, device)).collect())
}

fn device_number(node: &Path) -> Option<u64> {
    let metadata = fs::metadata(node).ok()?;
    metadata
        .file_type()
        .is_char_device()
        .then(|| metadata.rdev())
}

fn holder(pid: u32, device: u64) -> Option<Holder> {
    has_open(pid, device).then(|| Holder {
        pid,
        name: name(pid),
        ours: is_ours(pid),
        mapped: has_mapped(pid, device),
    })
}

/// Whether a process is this one or descends from it: GStreamer's V4L2 plugin opens every node when
/// it is loaded, in a worker as well as in the plugin scanner that a worker starts.
fn is_ours(pid: u32) -> bool {
    let own = std::process::id();
    std::iter::successors(Some(pid), |pid| parent(*pid)).any(|pid| pid == own)
}

/// The fourth field of `stat`; the second is a name in parentheses that may hold anything.
fn parent(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_ascii_whitespace()
        .nth(1)?
        .parse()
        .ok()
        .filter(|pid| *pid > 1)
}

/// Whether a process runs this program, as far as we may know.
pub fn runs(pid: u32, program: &str) -> bool {
    let file = fs::read_link(format!("/proc/{pid}/exe"));
    file.is_ok_and(|file| file.file_name().is_some_and(|name| name == program))
        || name(pid) == program
}

/// Follows the links of all descriptors: the number of the device is what counts, since a container
/// may see the node under another path. What the kernel knows of a file is enough: asking a network's
/// file system could take for ever.
fn has_open(pid: u32, device: u64) -> bool {
    let Ok(entries) = fs::read_dir(format!("/proc/{pid}/fd")) else {
        return false;
    };
    let device = (rustix::fs::major(device), rustix::fs::minor(device));
    entries.flatten().any(|entry| {
        let known = AtFlags::STATX_DONT_SYNC;
        statx(CWD, entry.path(), known, StatxFlags::TYPE).is_ok_and(|file| {
            FileType::from_raw_mode(file.stx_mode.into()).is_char_device()
                && (file.stx_rdev_major, file.stx_rdev_minor) == device
        })
    })
}

/// A line of `maps` reads `address perms offset MAJOR:MINOR inode path`, the numbers being those of
/// the file system for ordinary files; a device's mapping names its node.
fn has_mapped(pid: u32, device: u64) -> bool {
    let minor = rustix::fs::minor(device);
    let Ok(maps) = fs::read_to_string(format!("/proc/{pid}/maps")) else {
        return false;
    };
    maps.lines()
        .filter_map(|line| line.split_ascii_whitespace().nth(5))
        .any(|path| path == format!("/dev/video{minor}") || is_node(path, device))
}

fn is_node(path: &str, device: u64) -> bool {
    path.starts_with("/dev/") && device_number(Path::new(path)) == Some(device)
}

/// What a person would call a process: its Flatpak or Snap application, else its own name.
pub fn name(pid: u32) -> String {
    flatpak(pid)
        .or_else(|| snap(pid))
        .or_else(|| own_name(pid))
        .unwrap_or_else(|| pid.to_string())
}

/// The kernel keeps the first 15 bytes of a name; the program's file has the rest of a longer one.
fn own_name(pid: u32) -> Option<String> {
    let comm = fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
    let comm = comm.trim_end();
    let exe = fs::read_link(format!("/proc/{pid}/exe")).unwrap_or_default();
    let whole = exe.file_name().and_then(|name| name.to_str());
    let whole = whole.filter(|name| comm.len() == 15 && name.starts_with(comm));
    Some(whole.unwrap_or(comm).to_owned())
}

/// Flatpak puts this file into every sandbox's root.
fn flatpak(pid: u32) -> Option<String> {
    let info = fs::read_to_string(format!("/proc/{pid}/root/.flatpak-info")).ok()?;
    flatpak_id(&info)
}

fn flatpak_id(info: &str) -> Option<String> {
    info.lines()
        .take_while(|line| *line != "[Instance]")
        .find_map(|line| line.strip_prefix("name="))
        .map(str::to_owned)
}

/// Snap runs every application in a cgroup `snap.SNAP.APP-ID.scope`.
fn snap(pid: u32) -> Option<String> {
    snap_name(&fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?)
}

fn snap_name(cgroup: &str) -> Option<String> {
    cgroup
        .split(['/', '\n'])
        .find_map(|part| part.strip_prefix("snap."))
        .and_then(|rest| rest.split('.').next())
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsRawFd;

    #[test]
    fn a_process_is_found_by_the_device_it_has_open() {
        let node = Path::new("/dev/full");
        let own = std::process::id();
        let holds = || {
            find_holders(node)
                .expect("/proc")
                .iter()
                .any(|holder| holder.pid == own)
        };
        assert!(!holds());
        let file = fs::File::open(node).expect("open /dev/full");
        assert!(holds(), "descriptor {}", file.as_raw_fd());
        assert_eq!(still_holding(node, &[own]).expect("/proc").len(), 1);
        drop(file);
        assert!(!holds());
        assert_eq!(still_holding(node, &[own]), Some(Vec::new()));
    }

    #[test]
    fn sandboxed_applications_go_by_their_own_names() {
        let info = "[Application]\nname=com.slack.Slack\nruntime=x\n\n[Instance]\nname=other\n";
        assert_eq!(flatpak_id(info).as_deref(), Some("com.slack.Slack"));
        let cgroup = "0::/user.slice/app.slice/snap.zoom-client.zoom-4f1e.scope\n";
        assert_eq!(snap_name(cgroup).as_deref(), Some("zoom-client"));
        assert_eq!(snap_name("0::/user.slice/session-2.scope\n"), None);
    }
}
