//! Files of the system, written whole or not at all.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, FileType, Mode, OFlags};
use rustix::fs::{fchmod, fstat, fsync, mkdirat, open, openat, renameat, statat, unlinkat};
use rustix::io::Errno;
use rustix::process::geteuid;
use rustix::thread::gettid;

/// A place for a file: the directories that lead to it, and its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub dirs: &'static [&'static str],
    pub name: &'static str,
}

impl Place {
    pub fn path(&self) -> String {
        format!("/{}/{}", self.dirs.join("/"), self.name)
    }

    /// Whether the file is there and reads like this. What can't be read doesn't.
    pub fn holds(&self, root: &Path, text: &str) -> bool {
        let read = || -> io::Result<String> {
            let dir = self.open_dir(root, false)?;
            let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
            let file = openat(dir, self.name, flags, Mode::empty())?;
            let mut found = String::new();
            // A longer file is another one already.
            let most = text.len() as u64 + 1;
            File::from(file).take(most).read_to_string(&mut found)?;
            Ok(found)
        };
        read().is_ok_and(|found| found == text)
    }

    /// Puts the text there, in one step for whoever reads it: a machine that is switched off now
    /// has the old file or the new one.
    pub fn write(&self, root: &Path, text: &str) -> io::Result<()> {
        let dir = self.open_dir(root, true)?;
        self.check_target(&dir)?;
        let new = temporary(self.name);
        // What a killed run has left. If it stays, the name is taken.
        let _ = unlinkat(&dir, &new, AtFlags::empty());
        let written = fill(&dir, &new, text)
            .and_then(|()| Ok(renameat(&dir, &new, &dir, self.name)?))
            .and_then(|()| Ok(fsync(&dir)?));
        written.map_err(|error| {
            let _ = unlinkat(&dir, &new, AtFlags::empty());
            self.error(error)
        })
    }

    /// Goes to the directory one name at a time and through no link. Only the last one is made
    /// where it is missing.
    fn open_dir(&self, root: &Path, make: bool) -> io::Result<OwnedFd> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let mut dir = open(root, flags, Mode::empty())?;
        for (at, name) in self.dirs.iter().enumerate() {
            if make && at + 1 == self.dirs.len() {
                match mkdirat(&dir, *name, Mode::from_bits_truncate(0o755)) {
                    Ok(()) | Err(Errno::EXIST) => {}
                    Err(error) => return Err(self.error(error)),
                }
            }
            let next = openat(&dir, *name, flags | OFlags::NOFOLLOW, Mode::empty());
            dir = next.map_err(|error| self.error(error))?;
            self.check_dir(&dir)?;
        }
        Ok(dir)
    }

    /// A directory that somebody else may write to is no place for a file of the system.
    fn check_dir(&self, dir: impl AsFd) -> io::Result<()> {
        let stat = fstat(dir)?;
        let is_ours = stat.st_uid == geteuid().as_raw();
        if is_ours && stat.st_mode & 0o022 == 0 {
            return Ok(());
        }
        Err(io::Error::other(format!(
            "{}: others may write to a directory on the way",
            self.path()
        )))
    }

    /// Replaces a file, and nothing else.
    fn check_target(&self, dir: impl AsFd) -> io::Result<()> {
        match statat(dir, self.name, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(self.error(error)),
            Ok(stat) if FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile => Ok(()),
            Ok(_) => Err(io::Error::other(format!(
                "{} is not a plain file: remove it first",
                self.path()
            ))),
        }
    }

    fn error(&self, error: impl Into<io::Error>) -> io::Error {
        let error = error.into();
        io::Error::other(format!("{}: {error}", self.path()))
    }
}

/// A name for the new file that no other run uses now.
fn temporary(name: &str) -> String {
    format!(".{name}.{}", gettid().as_raw_pid())
}

fn fill(dir: impl AsFd, name: &str, text: &str) -> io::Result<()> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mode = Mode::from_bits_truncate(0o644);
    let mut file = File::from(openat(dir, name, flags, mode)?);
    // Whatever the caller's umask was.
    fchmod(&file, mode)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    use super::*;

    const PLACE: Place = Place {
        dirs: &["etc", "modprobe.d"],
        name: "lenscap.conf",
    };

    /// A tree with an `etc`, whatever the umask of who runs the test.
    fn root() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        make_dir(&root.path().join("etc"), 0o755);
        root
    }

    fn make_dir(path: &Path, mode: u32) {
        fs::create_dir(path).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    fn files(dir: &Path) -> Vec<String> {
        let names = fs::read_dir(dir).unwrap();
        let mut names: Vec<_> = names
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_is_written_for_all_to_read_and_leaves_nothing_beside_it() {
        let root = root();
        assert!(!PLACE.holds(root.path(), "new"));
        PLACE.write(root.path(), "old, and longer").unwrap();
        let left = root
            .path()
            .join("etc/modprobe.d")
            .join(temporary(PLACE.name));
        fs::write(left, "x").unwrap();
        PLACE.write(root.path(), "new").unwrap();
        let dir = root.path().join("etc/modprobe.d");
        assert_eq!(files(&dir), ["lenscap.conf"]);
        assert!(PLACE.holds(root.path(), "new"));
        assert!(!PLACE.holds(root.path(), "ne"));
        let file = fs::metadata(dir.join("lenscap.conf")).unwrap();
        assert_eq!(file.mode() & 0o7777, 0o644);
        assert_eq!(file.uid(), geteuid().as_raw());
    }

    #[test]
    fn links_are_not_followed_wherever_they_stand() {
        let elsewhere = root();
        let victim = elsewhere.path().join("victim");
        fs::write(&victim, "mine").unwrap();

        let on_the_way = root();
        let link = on_the_way.path().join("etc/modprobe.d");
        symlink(elsewhere.path().join("etc"), link).unwrap();
        PLACE.write(on_the_way.path(), "new").unwrap_err();
        assert_eq!(files(&elsewhere.path().join("etc")), [""; 0]);

        let at_the_end = root();
        make_dir(&at_the_end.path().join("etc/modprobe.d"), 0o755);
        let link = at_the_end.path().join("etc/modprobe.d/lenscap.conf");
        symlink(&victim, &link).unwrap();
        let error = PLACE.write(at_the_end.path(), "new").unwrap_err();
        assert!(error.to_string().contains("not a plain file"), "{error}");
        assert!(!PLACE.holds(at_the_end.path(), "mine"));

        let beside = root();
        make_dir(&beside.path().join("etc/modprobe.d"), 0o755);
        let dir = beside.path().join("etc/modprobe.d");
        let link = dir.join(temporary(PLACE.name));
        symlink(&victim, link).unwrap();
        PLACE.write(beside.path(), "new").unwrap();
        assert!(PLACE.holds(beside.path(), "new"));

        assert_eq!(fs::read_to_string(victim).unwrap(), "mine");
    }

    #[test]
    fn several_at_once_write_whole_files() {
        const TEXT: &str = "options v4l2loopback\n";
        let root = root();
        let write = || (0..60).try_for_each(|_| PLACE.write(root.path(), TEXT));
        std::thread::scope(|scope| {
            let runs = [(); 2].map(|()| scope.spawn(write));
            PLACE.write(root.path(), TEXT).unwrap();
            while runs.iter().any(|run| !run.is_finished()) {
                assert!(PLACE.holds(root.path(), TEXT));
            }
            for run in runs {
                run.join().unwrap().unwrap();
            }
        });
        assert_eq!(files(&root.path().join("etc/modprobe.d")), [PLACE.name]);
    }

    #[test]
    fn a_failure_names_the_file() {
        let name = "n".repeat(250); // with the temporary's ending, too long for a name
        let place = Place {
            name: name.leak(),
            ..PLACE
        };
        let error = place.write(root().path(), "new").unwrap_err().to_string();
        assert!(error.starts_with(&format!("{}: ", place.path())), "{error}");
    }

    #[test]
    fn a_directory_of_others_is_refused() {
        let root = root();
        make_dir(&root.path().join("etc/modprobe.d"), 0o777);
        let error = PLACE.write(root.path(), "new").unwrap_err();
        assert!(error.to_string().contains("others may write"), "{error}");
        assert_eq!(files(&root.path().join("etc/modprobe.d")), [""; 0]);
    }

    #[test]
    fn a_directory_in_the_files_place_stays() {
        let root = root();
        make_dir(&root.path().join("etc/modprobe.d"), 0o755);
        make_dir(&root.path().join("etc/modprobe.d/lenscap.conf"), 0o755);
        PLACE.write(root.path(), "new").unwrap_err();
        assert_eq!(files(&root.path().join("etc/modprobe.d")), ["lenscap.conf"]);
    }
}
