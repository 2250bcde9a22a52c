//! The worker's sandbox, with real system calls.
//!
//! Confinement is permanent, so each case runs in its own thread.

#[allow(dead_code)] // other tests need more of it
#[path = "../worker/applet.rs"]
mod applet;
mod claims;
mod home;
mod ways_out;

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use home::{Home, confined, denied, has_landlock};
use lenscap::capture::sandbox::{Reach, Rules};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketType, socket};

fn inet(family: AddressFamily) -> Result<(), Errno> {
    socket(family, SocketType::STREAM, None).map(drop)
}

#[test]
fn local_sources_have_no_network() {
    let home = Home::new();
    confined(&home.rules(Reach::Devices), || {
        assert_eq!(inet(AddressFamily::INET), Err(Errno::ACCESS));
        assert_eq!(inet(AddressFamily::INET6), Err(Errno::ACCESS));
        assert_eq!(inet(AddressFamily::UNIX), Err(Errno::ACCESS));
        assert!(socket(AddressFamily::NETLINK, SocketType::RAW, None).is_ok());
        let std = std::net::TcpListener::bind("127.0.0.1:0");
        assert_eq!(std.unwrap_err().kind(), ErrorKind::PermissionDenied);
    });
}

#[test]
fn network_sources_have_network_but_no_home() {
    let hidden = has_landlock();
    let home = Home::new();
    confined(&home.rules(Reach::Network), || {
        assert_eq!(inet(AddressFamily::INET), Ok(()));
        if hidden {
            assert!(denied(&home.home.join("documents/secret")));
        }
    });
}

#[test]
fn home_is_hidden_except_for_gstreamers_files() {
    if !has_landlock() {
        return;
    }
    let home = Home::new();
    let notes = confined(&home.rules(Reach::Devices), || {
        let at = |below: &str| home.home.join(below);
        for hidden in ["documents/secret", "documents", "."] {
            assert!(denied(&at(hidden)), "{hidden} is readable");
        }
        assert!(denied(&home.root.path().join("link/documents/secret")));
        assert!(fs::write(at("documents/new"), "").is_err());
        assert!(fs::write(at("new"), "").is_err());
        assert!(fs::remove_file(at("documents/secret")).is_err());

        assert_eq!(
            fs::read_to_string(at("plugins/libgstcamera.so")).unwrap(),
            "code"
        );
        assert!(!denied(&at("plugins")));
        assert!(fs::write(at("plugins/libgstcamera.so"), "").is_err());

        // As GStreamer does: a new file is renamed over the old one.
        let registry = at(".cache/gstreamer-1.0/registry.bin");
        fs::write(registry.with_extension("new"), "new").unwrap();
        fs::rename(registry.with_extension("new"), &registry).unwrap();
        assert_eq!(fs::read_to_string(&registry).unwrap(), "new");
        fs::write(at("made/registry.bin"), "new").unwrap();
    });
    assert_eq!(notes, [""; 0]);
}

#[test]
fn nothing_can_be_created_beside_home() {
    if !has_landlock() {
        return;
    }
    let home = Home::new();
    confined(&home.rules(Reach::Devices), || {
        for beside in [
            home.home.with_file_name("new"),
            home.root.path().join("new"),
        ] {
            assert!(fs::write(&beside, "").is_err(), "{}", beside.display());
            assert!(fs::create_dir(&beside).is_err(), "{}", beside.display());
        }
    });
}

#[test]
fn files_can_be_created_beside_a_home_in_a_shared_directory() {
    if !has_landlock() {
        return;
    }
    let home = Home::new();
    let beside = [
        home.home.with_file_name("log"),
        home.root.path().join("log"),
    ];
    let state = home.home.with_file_name("state");
    let notes = confined(&home.rules_of_shared(), || {
        for log in &beside {
            fs::write(log, "old and long").unwrap();
            fs::write(log, "new").unwrap();
        }
        fs::create_dir(&state).unwrap();
        fs::write(state.join("file"), "state").unwrap();
    });
    assert_eq!(notes, [""; 0]);
    for log in beside {
        assert_eq!(fs::read_to_string(log).unwrap(), "new");
    }
    assert_eq!(fs::read_to_string(state.join("file")).unwrap(), "state");
}

/// A file in home may be overwritten, but not read or moved.
#[test]
fn a_home_in_a_shared_directory_is_unreadable() {
    if !has_landlock() {
        return;
    }
    let home = Home::new();
    confined(&home.rules_of_shared(), || {
        let secret = home.home.join("documents/secret");
        for hidden in [&secret, &home.home, &home.home.join("documents")] {
            assert!(denied(hidden), "{} is readable", hidden.display());
        }
        assert!(denied(&home.root.path().join("link/documents/secret")));
        let out = home.home.with_file_name("you").join("out");
        assert!(fs::rename(&secret, &out).is_err());
        assert!(fs::hard_link(&secret, &out).is_err());
        assert!(fs::remove_file(&secret).is_err());
        assert!(symlink(&secret, home.home.join("link")).is_err());
        assert!(denied(home.home.parent().unwrap()));
    });
    let secret = fs::read_to_string(home.home.join("documents/secret"));
    assert_eq!(secret.unwrap(), "secret");
}

#[test]
fn system_files_stay_accessible() {
    let home = Home::new();
    confined(&home.rules(Reach::Devices), || {
        fs::write("/dev/null", "nothing").unwrap();
        let beside = home.home.with_file_name("you").join("file");
        assert_eq!(fs::read_to_string(&beside).unwrap(), "theirs");
        fs::write(&beside, "changed").unwrap();
        for dir in ["/dev", "/sys", "/proc/self/fd", "/usr/lib", "/etc", "/run"] {
            assert!(!denied(Path::new(dir)), "{dir}");
        }
        assert!(fs::metadata("/").is_ok() && fs::read_to_string("/proc/self/status").is_ok());
        assert!(Command::new("true").status().unwrap().success());
    });
}

#[test]
fn child_processes_are_confined_as_well() {
    if !has_landlock() {
        return;
    }
    let home = Home::new();
    confined(&home.rules(Reach::Devices), || {
        let secret = home.home.join("documents/secret");
        let read = Command::new("cat").arg(secret).output().unwrap();
        assert!(!read.status.success());
        let status = fs::read_to_string("/proc/thread-self/status").unwrap();
        assert!(status.contains("NoNewPrivs:\t1"), "{status}");
    });
}

#[test]
fn without_rules_everything_is_accessible() {
    let home = Home::new();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            assert_eq!(inet(AddressFamily::INET), Ok(()));
            assert!(!denied(&home.home.join("documents/secret")));
            fs::write(home.home.join("documents/new"), "").unwrap();
        });
    });
}

/// A configured path that is the home directory or its ancestor must not expose it.
#[test]
fn a_rule_for_an_ancestor_of_home_is_ignored() {
    if !has_landlock() {
        return;
    }
    let home = Home::new();
    let mut rules = home.rules(Reach::Devices);
    rules.readable.push(home.home.clone());
    rules.readable.push(home.home.parent().unwrap().to_owned());
    rules.readable.push(home.root.path().join("link"));
    rules.writable.push(PathBuf::from("/"));
    confined(&rules, || {
        assert!(denied(&home.home.join("documents/secret")));
    });
}

/// As on systems where /home is a symbolic link.
#[test]
fn a_home_that_is_a_link_is_hidden() {
    if !has_landlock() {
        return;
    }
    let home = Home::new();
    let mut rules = home.rules(Reach::Devices);
    rules.home = Some(home.root.path().join("link"));
    confined(&rules, || {
        assert!(denied(&home.home.join("documents/secret")));
    });
}

#[test]
fn a_failure_to_hide_home_is_noted_once_and_the_worker_continues() {
    for (path, words) in [
        (None, "HOME is not set"),
        (Some("/"), "root directory"),
        (Some("/absent/home"), "/absent/home"),
    ] {
        let rules = Rules {
            reach: Reach::Devices,
            home: path.map(PathBuf::from),
            runtime: None,
            readable: Vec::new(),
            writable: Vec::new(),
            shared: Vec::new(),
        };
        let notes = confined(&rules, || {
            assert!(!denied(Path::new("/etc/passwd")));
            assert_eq!(inet(AddressFamily::INET), Err(Errno::ACCESS));
        });
        assert_eq!(notes.len(), 1, "{notes:?}");
        assert!(notes[0].contains(words), "{notes:?}");
    }
}
