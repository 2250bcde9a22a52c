//! The privileged helper: started through polkit, and only from a place that root alone can write to.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::RootAction;
use super::judge::with_sudo;
use crate::i18n::{gettext, gettext_f};

const NAME: &str = "lenscap-fix";

const DRY_RUN: &str = "--dry-run";

/// Where a package installs it, unless that is `../libexec` from the program's directory.
const LIBEXECDIR: Option<&str> = option_env!("LENSCAP_LIBEXECDIR");

/// By its full path, because any program could have changed `PATH`.
const PKEXEC: &str = "/usr/bin/pkexec";

/// Exit codes of `pkexec`: the user dismissed the dialog, or was not authorized.
const DISMISSED: i32 = 126;
const NOT_ALLOWED: i32 = 127;

/// In each message of `pkexec`, which it never translates, about a missing authentication agent. It
/// exits with [`NOT_ALLOWED`] in that case, too.
const NO_AGENT: &str = "authentication agent";

/// Why a fix could not be applied, in one line.
#[derive(Debug, thiserror::Error)]
pub enum FixError {
    #[error("{}", gettext_f("cannot start {program}: {error}", &[("program", NAME), ("error", &.0.to_string())]))]
    Start(#[from] io::Error),
    #[error("{}", gettext("not allowed: nothing was changed"))]
    NotAllowed,
    /// There is neither a polkit agent nor a terminal to ask for the password.
    #[error("{}", no_agent(.0))]
    NoAgent(String),
    #[error("{0}")]
    Failed(String),
}

fn no_agent(command: &str) -> String {
    gettext_f(
        "nothing here can ask for the password, and nothing was changed; run it in a terminal \
         ({command}), or start a polkit agent",
        &[("command", command)],
    )
}

pub struct Helper {
    /// The helper's program, after `pkexec` where that is needed.
    command: Vec<PathBuf>,
}

impl Helper {
    /// `None` if it isn't installed, or if there is no way to become root.
    pub fn find() -> Option<Self> {
        let program = std::env::current_exe().ok()?;
        let dir = program.parent()?;
        let packaged = LIBEXECDIR.map(PathBuf::from);
        let beside = dir.parent().map(|prefix| prefix.join("libexec"));
        // The last directory is for a build tree.
        let dirs = packaged.into_iter().chain(beside).chain([dir.to_owned()]);
        let helper = dirs
            .map(|dir| dir.join(NAME))
            .find(|path| is_trusted(path))?;
        if rustix::process::geteuid().is_root() {
            return Some(Self::new([helper]));
        }
        let pkexec = PathBuf::from(PKEXEC);
        pkexec.exists().then(|| Self::new([pkexec, helper]))
    }

    pub fn path(&self) -> Option<&Path> {
        self.command.last().map(PathBuf::as_path)
    }

    pub fn new(command: impl Into<Vec<PathBuf>>) -> Self {
        let command = command.into();
        Self { command }
    }

    /// Obtains authorization without applying anything; polkit remembers it for a few minutes.
    pub fn authorize(&self, action: RootAction) -> Result<(), FixError> {
        self.call(&[DRY_RUN], action).map(drop)
    }

    /// Applies a fix and returns the helper's report.
    pub fn run(&self, action: RootAction) -> Result<String, FixError> {
        self.call(&[], action)
    }

    fn call(&self, options: &[&str], action: RootAction) -> Result<String, FixError> {
        let mut command = self.command.iter();
        let program = command
            .next()
            .ok_or(io::ErrorKind::NotFound)
            .map_err(io::Error::from)?;
        let output = Command::new(program)
            .args(command)
            .args(options)
            .arg(action.name())
            // pkexec may ask for the password on this terminal.
            .stdin(Stdio::inherit())
            .output()?;
        let report = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr);
        match output.status.code() {
            Some(0) => Ok(report),
            Some(NOT_ALLOWED) if errors.contains(NO_AGENT) => {
                let helper = self.path().unwrap_or(Path::new(NAME));
                Err(FixError::NoAgent(with_sudo(helper, action)))
            }
            Some(DISMISSED | NOT_ALLOWED) => Err(FixError::NotAllowed),
            _ => Err(FixError::Failed(one_line(&errors))),
        }
    }
}

/// The helper's error messages without its name.
fn one_line(errors: &str) -> String {
    let lines = errors
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty());
    let lines = lines.map(|line| line.strip_prefix("lenscap-fix: ").unwrap_or(line));
    let text = lines.collect::<Vec<_>>().join("; ");
    if text.is_empty() {
        gettext("the helper failed without an error message")
    } else {
        text
    }
}

/// A program that is about to run as root must belong to root, and so must its directory: otherwise
/// another user could replace it.
fn is_trusted(path: &Path) -> bool {
    let is_owned_by_root = |path: &Path| {
        let metadata = std::fs::symlink_metadata(path);
        metadata.is_ok_and(|file| file.uid() == 0 && file.mode() & 0o022 == 0 && !file.is_symlink())
    };
    is_owned_by_root(path) && path.parent().is_some_and(is_owned_by_root)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// Runs a shell script as the helper.
    fn run(script: &str) -> Result<String, FixError> {
        let shell = ["/bin/sh", "-c", script, "helper"].map(PathBuf::from);
        Helper::new(shell).run(RootAction::AddDevice)
    }

    #[test]
    fn the_report_and_errors_are_returned() {
        assert_eq!(run("echo $1").ok().as_deref(), Some("add-device\n"));
        let shell = ["/bin/sh", "-c", "test $1 = --dry-run", "helper"].map(PathBuf::from);
        assert!(Helper::new(shell).authorize(RootAction::AddDevice).is_ok());
        let failure = |script| run(script).map_err(|failure| failure.to_string()).err();
        let why = failure("echo 'lenscap-fix: modprobe: in use' >&2; exit 1");
        assert_eq!(why.as_deref(), Some("modprobe: in use"));
        let why = failure("exit 3");
        assert_eq!(
            why.as_deref(),
            Some("the helper failed without an error message")
        );
        assert!(matches!(run("exit 126"), Err(FixError::NotAllowed)));
        assert!(matches!(run("exit 127"), Err(FixError::NotAllowed)));
        let no_agent = "echo 'x: No authentication agent found.' >&2; exit 127";
        let why = failure(no_agent).unwrap();
        assert!(why.contains("(sudo helper add-device)"), "{why}");
        let gone = Helper::new([PathBuf::from("/nowhere/lenscap-fix")]);
        assert!(matches!(
            gone.run(RootAction::AddDevice),
            Err(FixError::Start(_))
        ));
    }

    #[test]
    fn only_files_that_root_alone_can_write_to_are_trusted() {
        assert!(is_trusted(Path::new("/etc/passwd")));
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(NAME);
        fs::write(&path, "").unwrap();
        for (dir_mode, mode) in [(0o755, 0o777), (0o777, 0o755), (0o775, 0o775)] {
            fs::set_permissions(dir.path(), fs::Permissions::from_mode(dir_mode)).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert!(!is_trusted(&path), "{dir_mode:o} {mode:o}");
        }
        let link = dir.path().join("link");
        std::os::unix::fs::symlink("/etc/passwd", &link).unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        assert!(!is_trusted(&link));
    }
}
