//! The worker's sandbox.
//!
//! Camera stacks are large, partly closed, and need devices, firmware and daemons all over the system.
//! None of them needs the user's files, and a local camera needs no network. So only these two are
//! denied. What the kernel can't enforce is logged, and the worker goes on: a camera without a sandbox
//! is better than none.
//!
//! A Landlock rule applies to a directory and everything below it, so the ancestors of the home
//! directory get no rule: their other entries can be used, but nothing can be created next to them.
//! That is right for `/` and `/home`. But if home is in a shared directory such as `/tmp`, camera
//! stacks create logs and state files there, and fail if they can't. So in shared ancestors, files and
//! directories may be created and written. The price: this includes home, where a file whose name is
//! guessed can be overwritten. Nothing in home can be read, listed, removed or moved, and a new file
//! next to it can't be read or replaced either.

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
use crate::stderr;

/// The restricted rights are those of Linux 6.2, without device ioctls, which camera libraries need.
/// Older kernels enforce those they support.
const ABI_USED: ABI = ABI::V3;

/// Confines the calling thread and those that it starts, the first of which writes the log. Returns a
/// note for each part that failed.
pub fn confine(rules: &Rules) -> Vec<String> {
    let mut notes = Vec::new();
    if let Err(error) = rustix::thread::set_no_new_privs(true) {
        notes.push(format!("cannot set no_new_privs: {error}"));
    }
    let network = if rules.network {
        Ok(())
    } else {
        deny_network()
    };
    if let Err(error) = network {
        notes.push(format!("cannot deny the camera network access: {error}"));
    }
    if let Err(reason) = hide_home(rules) {
        notes.push(format!(
            "cannot hide the home directory from the camera: {reason}"
        ));
    }
    stderr::start();
    notes
}

/// Makes IPv4 and IPv6 sockets fail with `EACCES`.
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
        // io_uring could open sockets without a system call to filter.
        (libc::SYS_io_uring_setup, Vec::new()),
    ]);
    let denied = SeccompAction::Errno(u32::try_from(libc::EACCES)?);
    let arch = env::consts::ARCH.try_into()?;
    let filter: BpfProgram =
        SeccompFilter::new(rules, SeccompAction::Allow, denied, arch)?.try_into()?;
    seccompiler::apply_filter(&filter)?;
    Ok(())
}

/// Denies access to the home directory except for what the rules allow.
fn hide_home(rules: &Rules) -> Result<(), String> {
    let home = rules.home.as_ref().ok_or("HOME is not set")?;
    // Landlock needs real paths, and /home is a symbolic link on some systems.
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
    for path in siblings(home) {
        ruleset = allow(ruleset, &path, all)?;
    }
    for path in shared_ancestors(home, &rules.shared) {
        ruleset = allow(ruleset, path, creation_rights())?;
    }
    for path in rules
        .readable
        .iter()
        .filter(|path| !is_home_or_ancestor(path, home))
    {
        ruleset = allow(ruleset, path, AccessFs::from_read(ABI_USED))?;
    }
    for path in rules
        .writable
        .iter()
        .filter(|path| !is_home_or_ancestor(path, home))
    {
        // A missing directory can't be allowed, or be created later on.
        let _ = fs::create_dir_all(path);
        ruleset = allow(ruleset, path, all)?;
    }
    Ok(ruleset.restrict_self()?.ruleset)
}

/// The siblings of `home` and of its ancestors. Without symbolic links: their targets have rules of
/// their own, and may be the home directory.
fn siblings(home: &Path) -> Vec<PathBuf> {
    let entries = home.ancestors().skip(1).flat_map(|parent| {
        // Directories that this user can't list need no rule.
        fs::read_dir(parent).into_iter().flatten().flatten()
    });
    entries
        .filter(|entry| entry.file_type().is_ok_and(|kind| !kind.is_symlink()))
        .map(|entry| entry.path())
        .filter(|path| !home.starts_with(path))
        .collect()
}

/// The ancestors of `home` within shared directories.
fn shared_ancestors<'a>(home: &'a Path, shared: &[PathBuf]) -> Vec<&'a Path> {
    let shared: Vec<_> = shared
        .iter()
        .filter_map(|path| path.canonicalize().ok())
        .filter(|path| path.parent().is_some()) // never the root
        .collect();
    let is_shared = |path: &&Path| shared.iter().any(|shared| path.starts_with(shared));
    home.ancestors().skip(1).filter(is_shared).collect()
}

/// Rights to create and write files and directories. Not to remove or rename, because rules include
/// home.
fn creation_rights() -> BitFlags<AccessFs> {
    AccessFs::MakeReg | AccessFs::MakeDir | AccessFs::WriteFile | AccessFs::Truncate
}

/// Whether a rule for `path` would expose home.
fn is_home_or_ancestor(path: &Path, home: &Path) -> bool {
    path.canonicalize().is_ok_and(|path| home.starts_with(path))
}

/// Adds a rule for a path, if it exists.
fn allow(
    ruleset: RulesetCreated,
    path: &Path,
    access: BitFlags<AccessFs>,
) -> Result<RulesetCreated, RulesetError> {
    let Ok(opened) = PathFd::new(path) else {
        return Ok(ruleset);
    };
    // The kernel rejects directory rights on a file.
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
    fn ancestors_of_home_are_shared_within_shared_directories() {
        let shared = ["/tmp", "/", "/absent"].map(PathBuf::from);
        let paths = |list: &'static [&str]| list.iter().map(Path::new).collect::<Vec<_>>();
        let deep = shared_ancestors(Path::new("/tmp/a/me"), &shared);
        assert_eq!(deep, paths(&["/tmp/a", "/tmp"]));
        assert_eq!(
            shared_ancestors(Path::new("/tmp/me"), &shared),
            paths(&["/tmp"])
        );
        for home in ["/tmp", "/tmpfiles/me", "/home/me", "/root"] {
            assert_eq!(
                shared_ancestors(Path::new(home), &shared),
                paths(&[]),
                "{home}"
            );
        }
    }

    #[test]
    fn siblings_exclude_the_ancestors_of_home_and_links() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        for dir in ["home/me", "home/you", "etc"] {
            fs::create_dir_all(root.join(dir)).unwrap();
        }
        std::os::unix::fs::symlink(root.join("home"), root.join("link")).unwrap();
        let siblings: Vec<_> = siblings(&root.join("home/me"))
            .into_iter()
            .filter_map(|path| path.strip_prefix(&root).map(Path::to_owned).ok())
            .collect();
        assert_eq!(siblings, [PathBuf::from("home/you"), PathBuf::from("etc")]);
        assert!(is_home_or_ancestor(
            &root.join("link"),
            &root.join("home/me")
        ));
        assert!(!is_home_or_ancestor(
            &root.join("etc"),
            &root.join("home/me")
        ));
    }
}
