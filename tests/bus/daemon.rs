//! A message bus of the test's own.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;

use gio::{Cancellable, DBusConnection, DBusConnectionFlags};
use lenscap::dbus::NAME;

/// A message bus that ends with the test.
pub struct Bus {
    daemon: Child,
    /// Where it listens.
    pub address: String,
    data: tempfile::TempDir,
}

impl Bus {
    pub fn new() -> Self {
        let data = tempfile::tempdir().unwrap();
        offer_activation(data.path());
        let mut daemon = Command::new("dbus-daemon")
            .args(["--session", "--print-address", "--nofork", "--nopidfile"])
            .env("XDG_DATA_HOME", data.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("dbus-daemon is needed for this test");
        let mut address = String::new();
        let stdout = daemon.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut address).unwrap();
        Self {
            daemon,
            address: address.trim().to_owned(),
            data,
        }
    }

    pub fn connect(&self) -> DBusConnection {
        let flags = DBusConnectionFlags::AUTHENTICATION_CLIENT
            | DBusConnectionFlags::MESSAGE_BUS_CONNECTION;
        DBusConnection::for_address_sync(&self.address, flags, None, Cancellable::NONE).unwrap()
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
        let was_started = self.data.path().join("started").exists();
        assert!(
            !was_started || thread::panicking(),
            "the applet was started"
        );
    }
}

/// Lets the bus start an applet, which nothing may ever do without the user's asking.
fn offer_activation(data: &Path) {
    let services = data.join("dbus-1/services");
    fs::create_dir_all(&services).unwrap();
    let exec = format!("/usr/bin/touch {}", data.join("started").display());
    let service = format!("[D-BUS Service]\nName={NAME}\nExec={exec}\n");
    fs::write(services.join(format!("{NAME}.service")), service).unwrap();
}
