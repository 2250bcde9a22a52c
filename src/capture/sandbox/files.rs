//! Hides the home directory, and the session's runtime directory, with Landlock. Services would start
//! the programs that a file in the latter names.
//!
//! A rule applies to a directory and everything below it, so the ancestors of the home directory get
//! no rule: their other entries can be used, but nothing can be created next to them. That is right for
//! `/` and `/home`. But if home is in a shared directory such as `/tmp`, camera stacks create logs and
//! state files there, and fail if they can't. So in shared ancestors, files and directories may be
//! created and written. The price: this includes home, where a file whose name is guessed can be
//! overwritten. Nothing in home can be read, listed, removed or moved, and a new file next to it can't
//! be read or replaced either.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access, AccessFs, BitFlags, PathBeneath, PathFd, Ruleset, RulesetAttr, RulesetCreated,
    RulesetCreatedAttr, RulesetError, RulesetStatus,
};

use super::{Rules, mounts};
use crate::program::file_id;
use crate::small_file;

const MOUNTINFO: &str = "/proc/self/mountinfo";
/// Bytes of it: a mount takes some hundred, and machines with containers have thousands.
const MOST_MOUNTINFO: u64 = 16 << 20;

/// The restricted rights are those of Linux 6.2, without device ioctls, which camera libraries need.
/// Older kernels enforce those they support.
const ABI_USED: ABI = ABI::V3;

/// Denies access to the home directory except for what the rules allow.
pub fn hide_home(rules: &Rules) -> Result<(), String> {
    let home = rules.home.as_ref().ok_or("HOME is not set")?;
    // Landlock needs real paths, and /home is a symbolic link on some systems.
    let home = home
        .canonicalize()
        .map_err(|error| format!("{}: {error}", home.display()))?;
    if home == Path::new("/") {
        return Err("it is the root directory".to_owned());
    }
    let mountinfo = small_file::read(Path::new(MOUNTINFO), MOST_MOUNTINFO).unwrap_or_default();
    let mountinfo = String::from_utf8_lossy(&mountinfo);
    let runtime = rules.runtime.as_ref();
    let runtime = runtime.and_then(|path| path.canonicalize().ok());
    let own: Vec<_> = [home].into_iter().chain(runtime).collect();
    let hidden = Hidden::new(own, &mountinfo);
    let status = restrict(rules, &hidden).map_err(|error| error.to_string())?;
    match status {
        RulesetStatus::NotEnforced => Err("the kernel lacks Landlock".to_owned()),
        RulesetStatus::PartiallyEnforced | RulesetStatus::FullyEnforced => Ok(()),
    }
}

/// Directories to hide.
struct Hidden {
    own: Vec<PathBuf>,
    /// All paths to them.
    paths: Vec<PathBuf>,
    /// Device and inode of these paths and their ancestors. The kernel ties a rule to these two, so a
    /// rule for another path to the same directory would count for all.
    inodes: BTreeSet<(u64, u64)>,
}

impl Hidden {
    fn new(own: Vec<PathBuf>, mountinfo: &str) -> Self {
        let paths = own
            .iter()
            .flat_map(|path| mounts::paths_to(path, mountinfo));
        let paths: Vec<_> = paths.collect();
        let directories = paths.iter().flat_map(|path| path.ancestors());
        let inodes = directories.filter_map(|path| file_id(path).ok()).collect();
        Self { own, paths, inodes }
    }

    /// The directories above all of these. One path may be below another: the whole system may be
    /// mounted in home.
    fn ancestors<'a>(&'a self, paths: &'a [PathBuf]) -> BTreeSet<&'a Path> {
        let is_hidden = |path: &&Path| self.paths.iter().any(|hidden| path.starts_with(hidden));
        let above = paths.iter().flat_map(|path| path.ancestors().skip(1));
        above.filter(|path| !is_hidden(path)).collect()
    }

    /// Whether a rule for `path` would expose one.
    fn is_exposed_by(&self, path: &Path) -> bool {
        file_id(path).is_ok_and(|inode| self.inodes.contains(&inode))
    }

    /// The siblings of the hidden directories and of their ancestors. Without symbolic links: their
    /// targets have rules of their own, and may be hidden.
    fn siblings(&self) -> Vec<PathBuf> {
        let entries = self.ancestors(&self.paths).into_iter().flat_map(|parent| {
            // Directories that this user can't list need no rule.
            fs::read_dir(parent).into_iter().flatten().flatten()
        });
        entries
            .filter(|entry| entry.file_type().is_ok_and(|kind| !kind.is_symlink()))
            .map(|entry| entry.path())
            .filter(|path| !self.is_exposed_by(path))
            .collect()
    }

    /// The ancestors of the directories' own paths within shared directories. Another path there would
    /// extend the price to a home that is elsewhere.
    fn shared_ancestors(&self, shared: &[PathBuf]) -> Vec<&Path> {
        let shared: Vec<_> = shared
            .iter()
            .filter_map(|path| path.canonicalize().ok())
            .filter(|path| path.parent().is_some()) // never the root
            .collect();
        let is_shared = |path: &&Path| shared.iter().any(|shared| path.starts_with(shared));
        let ancestors = self.ancestors(&self.own).into_iter();
        ancestors.filter(is_shared).collect()
    }
}

fn restrict(rules: &Rules, hidden: &Hidden) -> Result<RulesetStatus, RulesetError> {
    let all = AccessFs::from_all(ABI_USED);
    let mut ruleset = Ruleset::default().handle_access(all)?.create()?;
    for path in hidden.siblings() {
        ruleset = allow(ruleset, &path, all)?;
    }
    for path in hidden.shared_ancestors(&rules.shared) {
        ruleset = allow(ruleset, path, creation_rights())?;
    }
    let is_harmless = |path: &&PathBuf| !hidden.is_exposed_by(path);
    for path in rules.readable.iter().filter(is_harmless) {
        ruleset = allow(ruleset, path, AccessFs::from_read(ABI_USED))?;
    }
    for path in rules.writable.iter().filter(is_harmless) {
        // A missing directory can't be allowed, or be created later on.
        let _ = fs::create_dir_all(path);
        ruleset = allow(ruleset, path, all)?;
    }
    Ok(ruleset.restrict_self()?.ruleset)
}

/// Rights to create and write files and directories. Not to remove or rename, because rules include
/// home.
fn creation_rights() -> BitFlags<AccessFs> {
    AccessFs::MakeReg | AccessFs::MakeDir | AccessFs::WriteFile | AccessFs::Truncate
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

    fn paths(list: &[&str]) -> Vec<PathBuf> {
        list.iter().map(PathBuf::from).collect()
    }

    #[test]
    fn ancestors_of_home_are_shared_within_shared_directories() {
        let shared = paths(&["/tmp", "/", "/absent"]);
        for (home, expected) in [
            ("/tmp/a/me", vec!["/tmp", "/tmp/a"]),
            ("/tmp/me", vec!["/tmp"]),
            ("/tmp", vec![]),
            ("/tmpfiles/me", vec![]),
            ("/home/me", vec![]),
            ("/root", vec![]),
        ] {
            let mounts = format!("1 2 8:1 / / x\n3 4 8:1 {home} /tmp/second/mount x\n");
            let hidden = Hidden::new(paths(&[home]), &mounts);
            assert_eq!(hidden.shared_ancestors(&shared), paths(&expected), "{home}");
        }
    }

    #[test]
    fn siblings_exclude_the_ancestors_of_all_paths_to_home_and_links() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        for dir in [
            "home/me/all/home/me",
            "home/me/documents",
            "home/you",
            "srv/bound/me",
            "srv/else",
            "etc",
        ] {
            fs::create_dir_all(root.join(dir)).unwrap();
        }
        std::os::unix::fs::symlink(root.join("home"), root.join("link")).unwrap();
        let hidden = ["home/me", "srv/bound/me", "home/me/all/home/me"];
        let hidden = Hidden::new(hidden.map(|path| root.join(path)).into(), "");
        let siblings: BTreeSet<_> = hidden
            .siblings()
            .into_iter()
            .filter_map(|path| path.strip_prefix(&root).map(Path::to_owned).ok())
            .collect();
        let expected = paths(&["etc", "home/you", "srv/else"]);
        assert_eq!(siblings, expected.into_iter().collect());
        assert!(hidden.is_exposed_by(&root.join("link")));
        assert!(!hidden.is_exposed_by(&root.join("etc")));
    }
}
