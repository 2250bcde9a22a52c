//! What a worker may reach.
//!
//! Camera stacks are large, closed in part, and need devices, firmware and daemons all over the
//! system. None of them needs the user's own files, and a camera of this machine needs no network. So
//! everything stays as it is but for these two. What the kernel can't enforce is noted, and the worker
//! goes on: a camera without a sandbox is better than none.
//!
//! A rule of the kernel's holds for a directory and all below it, so what lies *around* the home
//! directory has none: files there can be used, but none can be made beside them. That is as it should
//! be in `/` and `/home`. Where home lies in a shared directory such as `/tmp`, though, camera stacks
//! put their logs and states beside it, and fail where they can't. There, files and directories can
//! be made and written all the way to home. The price: in home as well, what is guessed by name can
//! be overwritten. Nothing in it can be read, listed, removed or moved out of it, and a new file
//! beside it can't be read either, nor replaced by another one.

mod rules;

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access, AccessFs, BitFlags, PathBeneath, PathFd, Ruleset, RulesetAttr, RulesetCreated,
    RulesetCreatedAttr, RulesetError, RulesetStatus,
};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule,
};

pub use self::rules::Rules;

/// The rights that are restricted: those of Linux 6.2, without ioctls on devices, which drivers'
/// libraries live on. Older kernels enforce what they know.
const ABI_USED: ABI = ABI::V3;

/// Confines the calling thread and all that it starts, for good. Returns what could not be done.
pub fn confine(rules: &Rules) -> Vec<String> {
    let mut notes = Vec::new();
    if let Err(error) = rustix::thread::set_no_new_privs(true) {
        notes.push(format!("new privileges are not ruled out: {error}"));
    }
    let network = if rules.network {
        Ok(())
    } else {
        deny_network()
    };
    if let Err(error) = network {
        notes.push(format!("the network is not closed to the camera: {error}"));
    }
    if let Err(reason) = hide_home(rules) {
        notes.push(format!(
            "the home directory is not hidden from the camera: {reason}"
        ));
    }
    notes
}

/// Makes sockets of the internet families fail with `EACCES`; local ones stay.
fn deny_network() -> Result<(), Box<dyn std::error::Error>> {
    let family = |family: libc::c_int| {
        let family = u64::try_from(family)?;
        let is = SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, family)?;
        Ok::<_, Box<dyn std::error::Error>>(SeccompRule::new(vec![is])?)
    };
    let rules = BTreeMap::from([
        (
            libc::SYS_socket,
            vec![family(libc::AF_INET)?, family(libc::AF_INET6)?],
        ),
        // A ring opens sockets without any further system call to filter.
        (libc::SYS_io_uring_setup, Vec::new()),
    ]);
    let denied = SeccompAction::Errno(u32::try_from(libc::EACCES)?);
    let arch = env::consts::ARCH.try_into()?;
    let filter: BpfProgram =
        SeccompFilter::new(rules, SeccompAction::Allow, denied, arch)?.try_into()?;
    seccompiler::apply_filter(&filter)?;
    Ok(())
}

/// Leaves everything reachable but the home directory, and in it what the rules name.
fn hide_home(rules: &Rules) -> Result<(), String> {
    let home = rules.home.as_ref().ok_or("HOME is not set")?;
    // The kernel knows no symbolic links, and /home is one on some systems.
    let home = home
        .canonicalize()
        .map_err(|error| format!("{}: {error}", home.display()))?;
    if home == Path::new("/") {
        return Err("it is the root directory".to_owned());
    }
    let status = restrict(rules, &home).map_err(|error| error.to_string())?;
    match status {
        RulesetStatus::NotEnforced => Err("the kernel lacks Landlock".to_owned()),
        RulesetStatus::PartiallyEnforced | RulesetStatus::FullyEnforced => Ok(()),
    }
}

fn restrict(rules: &Rules, home: &Path) -> Result<RulesetStatus, RulesetError> {
    let all = AccessFs::from_all(ABI_USED);
    let mut ruleset = Ruleset::default().handle_access(all)?.create()?;
    for path in beside(home) {
        ruleset = allow(ruleset, &path, all)?;
    }
    for path in around(home, &rules.shared) {
        ruleset = allow(ruleset, path, making())?;
    }
    for path in rules.readable.iter().filter(|path| !contains(path, home)) {
        ruleset = allow(ruleset, path, AccessFs::from_read(ABI_USED))?;
    }
    for path in rules.writable.iter().filter(|path| !contains(path, home)) {
        // A directory that is missing can't be allowed, nor made later on.
        let _ = fs::create_dir_all(path);
        ruleset = allow(ruleset, path, all)?;
    }
    Ok(ruleset.restrict_self()?.ruleset)
}

/// Everything that lies beside the way from the root to `home`. Symbolic links are left out: what
/// they lead to has a place of its own, and may be the home directory.
fn beside(home: &Path) -> Vec<PathBuf> {
    let entries = home.ancestors().skip(1).flat_map(|parent| {
        // A directory that can't be listed is not ours to open.
        fs::read_dir(parent).into_iter().flatten().flatten()
    });
    entries
        .filter(|entry| entry.file_type().is_ok_and(|kind| !kind.is_symlink()))
        .map(|entry| entry.path())
        .filter(|path| !home.starts_with(path))
        .collect()
}

/// The way to `home` within the shared directories.
fn around<'a>(home: &'a Path, shared: &[PathBuf]) -> Vec<&'a Path> {
    let shared: Vec<_> = shared
        .iter()
        .filter_map(|path| path.canonicalize().ok())
        .filter(|path| path.parent().is_some()) // never the root
        .collect();
    let is_shared = |path: &&Path| shared.iter().any(|shared| path.starts_with(shared));
    home.ancestors().skip(1).filter(is_shared).collect()
}

/// Making and writing files and directories. Neither reading nor listing, of course; and neither
/// removing nor renaming, since a rule reaches into home.
fn making() -> BitFlags<AccessFs> {
    AccessFs::MakeReg | AccessFs::MakeDir | AccessFs::WriteFile | AccessFs::Truncate
}

/// Whether `path` is `home` or lies around it: a rule for it would bare all that is to be hidden.
fn contains(path: &Path, home: &Path) -> bool {
    path.canonicalize().is_ok_and(|path| home.starts_with(path))
}

/// Adds a rule for what exists; what doesn't needs none.
fn allow(
    ruleset: RulesetCreated,
    path: &Path,
    access: BitFlags<AccessFs>,
) -> Result<RulesetCreated, RulesetError> {
    let Ok(opened) = PathFd::new(path) else {
        return Ok(ruleset);
    };
    // Rights of directories on a file are refused by the kernel.
    let access = if path.is_dir() {
        access
    } else {
        access & AccessFs::from_file(ABI_USED)
    };
    ruleset.add_rule(PathBeneath::new(opened, access))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_home_is_shared_from_the_shared_directory_on() {
        let shared = ["/tmp", "/", "/absent"].map(PathBuf::from);
        let paths = |list: &'static [&str]| list.iter().map(Path::new).collect::<Vec<_>>();
        let deep = around(Path::new("/tmp/a/me"), &shared);
        assert_eq!(deep, paths(&["/tmp/a", "/tmp"]));
        assert_eq!(around(Path::new("/tmp/me"), &shared), paths(&["/tmp"]));
        for home in ["/tmp", "/tmpfiles/me", "/home/me", "/root"] {
            assert_eq!(around(Path::new(home), &shared), paths(&[]), "{home}");
        }
    }

    #[test]
    fn the_way_home_is_left_out_and_all_else_is_not() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        for dir in ["home/me", "home/you", "etc"] {
            fs::create_dir_all(root.join(dir)).unwrap();
        }
        std::os::unix::fs::symlink(root.join("home"), root.join("link")).unwrap();
        let beside: Vec<_> = beside(&root.join("home/me"))
            .into_iter()
            .filter_map(|path| path.strip_prefix(&root).map(Path::to_owned).ok())
            .collect();
        assert_eq!(beside, [PathBuf::from("home/you"), PathBuf::from("etc")]);
        assert!(contains(&root.join("link"), &root.join("home/me")));
        assert!(!contains(&root.join("etc"), &root.join("home/me")));
    }
}
