//! Who has a device open, by /proc.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use rustix::fs::{AtFlags, CWD, FileType, StatxFlags, statx};

use crate::process;
use crate::relay::Holder;
use crate::settings::{LONGEST_NAME, one_line};
use crate::small_file;

/// Bytes of a process's `maps`: browsers have some hundred kilobytes.
const MOST_MAPS: u64 = 16 << 20;

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

/// Whether a process is this one, or in a process group that one of its children leads: GStreamer's
/// V4L2 plugin opens every node when it is loaded, in a worker as well as in the plugin scanner that a
/// worker starts. The preferences window leads none, nor does what it starts belong to one.
fn is_ours(pid: u32) -> bool {
    let own = std::process::id();
    let leader = || process::group(pid).and_then(process::parent);
    pid == own || leader() == Some(own)
}

/// Whether a process runs this program, as far as we may know.
pub fn runs(pid: u32, program: &str) -> bool {
    process::program(pid).is_some_and(|name| name == program) || name(pid) == program
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
    let Ok(maps) = small_file::read(Path::new(&format!("/proc/{pid}/maps")), MOST_MAPS) else {
        return false;
    };
    let maps = String::from_utf8_lossy(&maps);
    maps.lines()
        .filter_map(|line| line.split_ascii_whitespace().nth(5))
        .any(|path| path == format!("/dev/video{minor}") || is_node(path, device))
}

fn is_node(path: &str, device: u64) -> bool {
    path.starts_with("/dev/") && device_number(Path::new(path)) == Some(device)
}

/// What a person would call a process: its Flatpak or Snap application, else its own name.
pub fn name(pid: u32) -> String {
    known_name(pid).unwrap_or_else(|| pid.to_string())
}

fn known_name(pid: u32) -> Option<String> {
    let sandboxed = process::unit(pid).and_then(|unit| process::sandboxed(&unit));
    let name = sandboxed.or_else(|| process::name(pid))?;
    Some(one_line(&name, LONGEST_NAME)).filter(|name| !name.is_empty())
}

/// What to call a process that calls itself this. Any program can choose any name: it is believed where
/// nothing else is known, or if it is the program's own in other letters ("Firefox" of `firefox`).
pub fn believed_name(pid: u32, chosen: Option<&str>) -> String {
    let chosen = chosen.map(|name| one_line(name, LONGEST_NAME));
    let chosen = chosen.filter(|name| !name.is_empty());
    match (chosen, known_name(pid).filter(|_| pid > 0)) {
        (Some(chosen), Some(known)) if !are_alike(&chosen, &known) => known,
        (Some(chosen), _) => chosen,
        (None, known) => known.unwrap_or_else(|| pid.to_string()),
    }
}

fn are_alike(one: &str, other: &str) -> bool {
    let (one, other) = (one.to_lowercase(), other.to_lowercase());
    one.contains(&other) || other.contains(&one)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader};
    use std::os::fd::AsRawFd;
    use std::os::unix::process::CommandExt;
    use std::process::{Child, Command, Stdio};

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

    /// A child that has a node open, and the process that opens it there.
    fn holder_of(node: &Path, group: Option<i32>) -> (Child, Holder) {
        let mut command = Command::new("/bin/sh");
        let script = format!("sleep 3600 7<{} & echo $!; wait", node.display());
        command.args(["-c", &script]).stdout(Stdio::piped());
        group.map(|group| command.process_group(group));
        let mut child = command.spawn().expect("a child");
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().expect("its output"));
        stdout.read_line(&mut line).expect("a line");
        let pid = line.trim().parse().expect("a number");
        // Its shell opens the node after it has printed the number.
        let holder = std::iter::repeat_with(|| still_holding(node, &[pid]).expect("/proc").pop());
        (child, holder.flatten().next().expect("a holder"))
    }

    #[test]
    fn only_groups_that_children_lead_are_ours() {
        for (group, ours) in [(None, false), (Some(0), true)] {
            let (mut child, holder) = holder_of(Path::new("/dev/full"), group);
            assert_eq!(holder.ours, ours, "{group:?}");
            let pid = i32::try_from(holder.pid).expect("a number");
            let pid = rustix::process::Pid::from_raw(pid).expect("a process");
            rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("killed");
            child.wait().expect("its end");
        }
    }

    #[test]
    fn a_chosen_name_is_believed_where_nothing_speaks_against_it() {
        let own = std::process::id();
        let known = name(own);
        let shouted = known.to_uppercase();
        for (pid, chosen, wanted) in [
            (own, Some("Zoom"), &*known),
            (own, Some(&*shouted), &*shouted),
            (own, Some("\u{1b}[8m"), &*known),
            (own, None, &*known),
            (0, Some("Snap\nshot"), "Snap shot"),
            (0, None, "0"),
        ] {
            assert_eq!(believed_name(pid, chosen), wanted, "{pid} {chosen:?}");
        }
    }
}
