//! The ways to a directory through mounts.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

struct Mount<'a> {
    /// Major and minor number.
    device: &'a str,
    /// What of the device is mounted.
    root: PathBuf,
    point: PathBuf,
}

/// All paths to a directory, itself first. Bind mounts, a subvolume's parent and ostree's `/sysroot`
/// lead to the same files as the directory does.
///
/// `mountinfo`: the text of `/proc/self/mountinfo`.
pub fn paths_to(directory: &Path, mountinfo: &str) -> Vec<PathBuf> {
    let mounts: Vec<_> = mountinfo.lines().filter_map(parse).collect();
    // Of several mounts at one point, the last one is on top.
    let own = mounts
        .iter()
        .filter(|mount| directory.starts_with(&mount.point))
        .max_by_key(|mount| mount.point.components().count());
    let mut paths = vec![directory.to_owned()];
    let Some((own, within)) =
        own.and_then(|own| Some((own, replant(directory, &own.point, &own.root)?)))
    else {
        return paths;
    };
    for mount in mounts.iter().filter(|mount| mount.device == own.device) {
        if let Some(path) = replant(&within, &mount.root, &mount.point)
            && !paths.contains(&path)
        {
            paths.push(path);
        }
    }
    paths
}

/// `path` with its beginning `from` replaced; `None` if it begins otherwise.
fn replant(path: &Path, from: &Path, to: &Path) -> Option<PathBuf> {
    let rest = path.strip_prefix(from).ok()?;
    Some(to.components().chain(rest.components()).collect())
}

/// A line reads `ID PARENT MAJOR:MINOR ROOT POINT OPTIONS…`.
fn parse(line: &str) -> Option<Mount<'_>> {
    let mut fields = line.split(' ').skip(2);
    Some(Mount {
        device: fields.next()?,
        root: unescape(fields.next()?),
        point: unescape(fields.next()?),
    })
}

/// The kernel writes blanks and backslashes as three octal digits.
fn unescape(text: &str) -> PathBuf {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, others)) = rest.split_first() {
        let digits = others.get(..3).filter(|_| *first == b'\\');
        let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok());
        let code = digits.and_then(|digits| u8::from_str_radix(digits, 8).ok());
        bytes.push(code.unwrap_or(*first));
        rest = if code.is_some() { &others[3..] } else { others };
    }
    OsString::from_vec(bytes).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `mounts`: device, root and point of each.
    fn check(home: &str, mounts: &[[&str; 3]], expected: &[&str]) {
        let lines = mounts.iter().map(|[device, root, point]| {
            format!("36 35 {device} {root} {point} rw,noatime shared:1 - ext4 /dev/x rw\n")
        });
        let paths = paths_to(Path::new(home), &lines.collect::<String>());
        let expected: Vec<_> = expected.iter().map(PathBuf::from).collect();
        assert_eq!(paths, expected, "{mounts:?}");
    }

    #[test]
    fn a_home_that_is_mounted_once_has_one_path() {
        check("/home/me", &[], &["/home/me"]);
        check("/home/me", &[["8:1", "/", "/"]], &["/home/me"]);
        let of_its_own = [
            ["8:1", "/", "/"],
            ["8:2", "/", "/home"],
            ["8:1", "/x", "/y"],
        ];
        check("/home/me", &of_its_own, &["/home/me"]);
    }

    #[test]
    fn bind_mounts_of_home_and_its_ancestors_lead_to_it() {
        for (root, point, path) in [
            ("/home/me", "/srv/me", "/srv/me"),
            ("/home", "/srv", "/srv/me"),
            ("/", "/mnt/root", "/mnt/root/home/me"),
            ("/home", "/with\\040blank", "/with blank/me"),
        ] {
            let mounts = [["8:1", "/", "/"], ["8:1", root, point]];
            check("/home/me", &mounts, &["/home/me", path]);
        }
        for other in [["8:1", "/home/you", "/srv"], ["8:2", "/home/me", "/srv"]] {
            check("/home/me", &[["8:1", "/", "/"], other], &["/home/me"]);
        }
    }

    #[test]
    fn the_whole_device_leads_to_a_part_of_it() {
        let ostree = [
            ["0:30", "/", "/"],
            ["8:1", "/", "/sysroot"],
            ["8:1", "/ostree/deploy/fedora/var", "/var"],
        ];
        let other = "/sysroot/ostree/deploy/fedora/var/home/me";
        check("/var/home/me", &ostree, &["/var/home/me", other]);
        let btrfs = [
            ["0:25", "/@", "/"],
            ["0:25", "/@home", "/home"],
            ["0:25", "/", "/mnt/all"],
        ];
        check("/home/me", &btrfs, &["/home/me", "/mnt/all/@home/me"]);
    }

    #[test]
    fn a_mount_over_another_one_counts() {
        let mounts = [
            ["8:1", "/", "/"],
            ["8:1", "/", "/home"],
            ["8:2", "/people", "/home"],
            ["8:2", "/", "/data"],
        ];
        check("/home/me", &mounts, &["/home/me", "/data/people/me"]);
    }
}
