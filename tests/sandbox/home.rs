//! A home directory and confined threads.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use lenscap::capture::sandbox::{Reach, Rules, confine};

use lenscap_support::left_out;

/// A home directory with files in all relevant places.
pub struct Home {
    pub root: tempfile::TempDir,
    pub home: PathBuf,
}

impl Home {
    pub fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let home = root.path().canonicalize().unwrap().join("home/me");
        for dir in ["plugins", ".cache/gstreamer-1.0", "documents"] {
            fs::create_dir_all(home.join(dir)).unwrap();
        }
        fs::write(home.join("documents/secret"), "secret").unwrap();
        fs::write(home.join("plugins/libgstcamera.so"), "code").unwrap();
        fs::write(home.join(".cache/gstreamer-1.0/registry.bin"), "old").unwrap();
        fs::create_dir_all(home.with_file_name("you")).unwrap();
        fs::write(home.with_file_name("you").join("file"), "theirs").unwrap();
        symlink(&home, root.path().join("link")).unwrap();
        Self { root, home }
    }

    pub fn rules(&self, reach: Reach) -> Rules {
        Rules {
            reach,
            home: Some(self.home.clone()),
            runtime: None,
            readable: vec![self.home.join("plugins"), self.home.join("absent")],
            writable: vec![
                self.home.join(".cache/gstreamer-1.0"),
                self.home.join("made"),
            ],
            shared: Vec::new(),
        }
    }

    /// The rules for a home directory in a shared directory.
    pub fn rules_of_shared(&self) -> Rules {
        Rules {
            shared: vec![self.root.path().to_owned()],
            ..self.rules(Reach::Devices)
        }
    }
}

/// Runs a check in a thread confined by these rules and returns the notes.
pub fn confined(rules: &Rules, check: impl FnOnce() + Send) -> Vec<String> {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            let notes = confine(rules);
            check();
            notes
        });
        thread.join().unwrap()
    })
}

/// Whether this kernel has Landlock; without it, the tests of hidden files are skipped.
pub fn has_landlock() -> bool {
    let home = Home::new();
    let notes = confined(&home.rules(Reach::Network), || {});
    let missing = notes.iter().any(|note| note.contains("lacks Landlock"));
    if missing {
        left_out("the kernel lacks Landlock");
    }
    !missing
}

pub fn denied(path: &Path) -> bool {
    let read = if path.is_dir() {
        fs::read_dir(path).map(drop)
    } else {
        fs::File::open(path).map(drop)
    };
    matches!(read, Err(error) if error.kind() == ErrorKind::PermissionDenied)
}
