//! What a worker may reach.
//!
//! Camera stacks are large, closed in part, and need devices, firmware and daemons all over the
//! system. None of them needs the user's own files, and a camera of this machine needs no network. So
//! everything stays as it is but for these two. What the kernel can't enforce is noted, and the worker
//! goes on: a camera without a sandbox is better than none.

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
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

/// The rights that are restricted: those of Linux 6.2, without ioctls on devices, which drivers'
/// libraries live on. Older kernels enforce what they know.
const ABI_USED: ABI = ABI::V3;

/// Environment variables that hold lists of directories with code for GStreamer.
const CODE_LISTS: [&str; 5] = [
    "GST_PLUGIN_PATH",
    "GST_PLUGIN_PATH_1_0",
    "GST_PLUGIN_SYSTEM_PATH",
    "GST_PLUGIN_SYSTEM_PATH_1_0",
    "LD_LIBRARY_PATH",
];

/// Environment variables that name the program that looks plugins over.
const SCANNERS: [&str; 2] = ["GST_PLUGIN_SCANNER", "GST_PLUGIN_SCANNER_1_0"];

/// Environment variables that name the file in which GStreamer remembers plugins.
const REGISTRIES: [&str; 2] = ["GST_REGISTRY", "GST_REGISTRY_1_0"];

/// What a process may reach beyond the system's own files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Whether it may open sockets to the network.
    pub network: bool,
    /// The directory to hide; `None` hides nothing.
    pub home: Option<PathBuf>,
    /// Files and directories to read and execute, wherever they are.
    pub readable: Vec<PathBuf>,
    /// Directories to read and write, wherever they are; made if they are missing.
    pub writable: Vec<PathBuf>,
}

impl Rules {
    /// The rules for GStreamer as this process's environment sets it up.
    pub fn from_environment(network: bool) -> Self {
        Self::from_variables(network, |name| env::var_os(name))
    }

    fn from_variables(network: bool, variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let path = |name: &str| {
            variable(name)
                .filter(|text| !text.is_empty())
                .map(PathBuf::from)
        };
        let home = path("HOME");
        let below_home = |below: &str| home.as_ref().map(|home| home.join(below));
        let data = path("XDG_DATA_HOME").or_else(|| below_home(".local/share"));
        let cache = path("XDG_CACHE_HOME").or_else(|| below_home(".cache"));
        let lists = CODE_LISTS.iter().filter_map(|name| variable(name));
        let readable = lists
            .flat_map(|list| env::split_paths(&list).collect::<Vec<_>>())
            .chain(SCANNERS.iter().filter_map(|name| path(name)))
            .chain(data.map(|data| data.join("gstreamer-1.0")))
            .filter(|path| path.is_absolute())
            .collect();
        // Registries are replaced by a new file, which needs the directory.
        let registries = REGISTRIES.iter().filter_map(|name| path(name));
        let writable = registries
            .filter_map(|file| file.parent().map(Path::to_owned))
            .chain(cache.map(|cache| cache.join("gstreamer-1.0")))
            .filter(|path| path.is_absolute())
            .collect();
        Self {
            network,
            home,
            readable,
            writable,
        }
    }
}

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

    fn rules(variables: &[(&str, &str)]) -> Rules {
        Rules::from_variables(false, |wanted| {
            let found = variables.iter().find(|(name, _)| *name == wanted);
            found.map(|(_, value)| value.into())
        })
    }

    #[test]
    fn gstreamer_keeps_its_places() {
        let rules = rules(&[
            ("HOME", "/home/u"),
            ("GST_PLUGIN_PATH", "/home/u/a:/opt/b:relative"),
            ("LD_LIBRARY_PATH", "/home/u/lib:"),
            ("GST_REGISTRY", "/home/u/reg/file.bin"),
        ]);
        let paths = |list: &[&str]| list.iter().map(PathBuf::from).collect::<Vec<_>>();
        let code = [
            "/home/u/a",
            "/opt/b",
            "/home/u/lib",
            "/home/u/.local/share/gstreamer-1.0",
        ];
        assert_eq!(rules.readable, paths(&code));
        let registries = ["/home/u/reg", "/home/u/.cache/gstreamer-1.0"];
        assert_eq!(rules.writable, paths(&registries));
    }

    #[test]
    fn the_desktops_directories_are_where_it_says() {
        let rules = rules(&[
            ("HOME", ""),
            ("XDG_CACHE_HOME", "/c"),
            ("XDG_DATA_HOME", "/d"),
        ]);
        assert_eq!(rules.home, None);
        assert_eq!(rules.readable, [PathBuf::from("/d/gstreamer-1.0")]);
        assert_eq!(rules.writable, [PathBuf::from("/c/gstreamer-1.0")]);
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
