//! The privileged helper: found where only root could have put it, and started through polkit.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::Action;
use super::judge::by_hand;
use crate::i18n::{gettext, gettext_f};

const NAME: &str = "lenscap-fix";

/// Has it say what it would do.
const DRY_RUN: &str = "--dry-run";

/// Where a package puts it, if that is not beside the program's own directory.
const LIBEXECDIR: Option<&str> = option_env!("LENSCAP_LIBEXECDIR");

/// What asks for the password. By its full path: the search path is anybody's.
const PKEXEC: &str = "/usr/bin/pkexec";

/// How `pkexec` says that the user would not, and that the user may not.
const DISMISSED: i32 = 126;
const NOT_ALLOWED: i32 = 127;

/// In each complaint of `pkexec`'s, which it never translates, that it found nothing to ask for the
/// password with. It ends with [`NOT_ALLOWED`] then, too.
const NO_AGENT: &str = "authentication agent";

/// Why an action came to nothing, in one line.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// It could not be started.
    #[error("{}", gettext_f("cannot start {program}: {error}", &[("program", NAME), ("error", &.0.to_string())]))]
    Start(#[from] io::Error),
    /// Nobody gave the password, or nobody may.
    #[error("{}", gettext("not allowed: nothing was changed"))]
    NotAllowed,
    /// There is nothing to ask for the password with: neither a polkit agent nor a terminal.
    #[error("{}", no_agent(.0))]
    NoAgent(String),
    /// It did not do it, for this reason.
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

/// The helper, with what stands before it on a command line.
pub struct Helper {
    words: Vec<PathBuf>,
}

impl Helper {
    /// Finds it. `None` where it isn't installed, or where there is no way to become root.
    pub fn find() -> Option<Self> {
        let program = std::env::current_exe().ok()?;
        let dir = program.parent()?;
        let packaged = LIBEXECDIR.map(PathBuf::from);
        let beside = dir.parent().map(|prefix| prefix.join("libexec"));
        // The last one is how a build tree has it.
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

    /// The program itself.
    pub fn path(&self) -> Option<&Path> {
        self.words.last().map(PathBuf::as_path)
    }

    /// A helper that is started by these words.
    pub fn new(words: impl Into<Vec<PathBuf>>) -> Self {
        let words = words.into();
        Self { words }
    }

    /// Asks for the right to have something done, and does nothing: polkit keeps the answer for a while.
    pub fn ask(&self, action: Action) -> Result<(), Failure> {
        self.call(&[DRY_RUN], action).map(drop)
    }

    /// Has it do something, and answers with what it says it did.
    pub fn run(&self, action: Action) -> Result<String, Failure> {
        self.call(&[], action)
    }

    fn call(&self, options: &[&str], action: Action) -> Result<String, Failure> {
        let mut words = self.words.iter();
        let program = words
            .next()
            .ok_or(io::ErrorKind::NotFound)
            .map_err(io::Error::from)?;
        let output = Command::new(program)
            .args(words)
            .args(options)
            .arg(action.name())
            // pkexec may have to ask for the password right here.
            .stdin(Stdio::inherit())
            .output()?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let complaint = String::from_utf8_lossy(&output.stderr);
        match output.status.code() {
            Some(0) => Ok(said),
            Some(NOT_ALLOWED) if complaint.contains(NO_AGENT) => {
                let helper = self.path().unwrap_or(Path::new(NAME));
                Err(Failure::NoAgent(by_hand(helper, action)))
            }
            Some(DISMISSED | NOT_ALLOWED) => Err(Failure::NotAllowed),
            _ => Err(Failure::Failed(one_line(&complaint))),
        }
    }
}

/// The complaint without the helper's name, for a line of ours.
fn one_line(complaint: &str) -> String {
    let lines = complaint
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty());
    let lines = lines.map(|line| line.strip_prefix("lenscap-fix: ").unwrap_or(line));
    let text = lines.collect::<Vec<_>>().join("; ");
    if text.is_empty() {
        gettext("the helper ended without a word")
    } else {
        text
    }
}

/// A program that is about to be root must be root's, and so must its directory: whoever could
/// write there would have the password asked for a program of his own.
fn is_trusted(path: &Path) -> bool {
    let is_roots = |path: &Path| {
        let metadata = std::fs::symlink_metadata(path);
        metadata.is_ok_and(|file| file.uid() == 0 && file.mode() & 0o022 == 0 && !file.is_symlink())
    };
    is_roots(path) && path.parent().is_some_and(is_roots)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// A helper that is a shell script.
    fn run(script: &str) -> Result<String, Failure> {
        let shell = ["/bin/sh", "-c", script, "helper"].map(PathBuf::from);
        Helper::new(shell).run(Action::AddDevice)
    }

    #[test]
    fn what_it_says_comes_back_and_why_it_fails_too() {
        assert_eq!(run("echo $1").ok().as_deref(), Some("add-device\n"));
        let shell = ["/bin/sh", "-c", "test $1 = --dry-run", "helper"].map(PathBuf::from);
        assert!(Helper::new(shell).ask(Action::AddDevice).is_ok());
        let failure = |script| run(script).map_err(|failure| failure.to_string()).err();
        let why = failure("echo 'lenscap-fix: modprobe: in use' >&2; exit 1");
        assert_eq!(why.as_deref(), Some("modprobe: in use"));
        let why = failure("exit 3");
        assert_eq!(why.as_deref(), Some("the helper ended without a word"));
        assert!(matches!(run("exit 126"), Err(Failure::NotAllowed)));
        assert!(matches!(run("exit 127"), Err(Failure::NotAllowed)));
        let no_agent = "echo 'x: No authentication agent found.' >&2; exit 127";
        let why = failure(no_agent).unwrap();
        assert!(why.contains("(sudo helper add-device)"), "{why}");
        let gone = Helper::new([PathBuf::from("/nowhere/lenscap-fix")]);
        assert!(matches!(
            gone.run(Action::AddDevice),
            Err(Failure::Start(_))
        ));
    }

    /// What others may write to is not root's, whoever runs the test.
    #[test]
    fn only_what_is_roots_alone_is_trusted() {
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
