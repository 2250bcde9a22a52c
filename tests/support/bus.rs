//! A message bus of the test's own.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;

use gio::prelude::*;
use gio::{Cancellable, DBusCallFlags, DBusConnection, DBusConnectionFlags};
use lenscap::dbus::NAME;

/// A bus that starts what the test offers and nothing else: what is installed on this machine is not
/// the test's affair.
const CONFIG: &str = include_str!("bus.conf");

/// A message bus that ends with the test.
pub struct Bus {
    daemon: Child,
    /// Where it listens.
    pub address: String,
    data: tempfile::TempDir,
}

impl Bus {
    pub fn new() -> Self {
        Self::with_services(&[])
    }

    /// A bus that starts these services of this machine, too, when they are called.
    pub fn with_services(names: &[&str]) -> Self {
        let data = tempfile::tempdir().unwrap();
        offer_activation(data.path());
        let services = data.path().join("dbus-1/services");
        for name in names {
            let file = format!("{name}.service");
            let installed = Path::new("/usr/share/dbus-1/services").join(&file);
            fs::copy(installed, services.join(file)).expect("a service that this test needs");
        }
        let config = data.path().join("bus.conf");
        let text = CONFIG.replace("SERVICES", &services.display().to_string());
        fs::write(&config, text).unwrap();
        let mut daemon = Command::new("dbus-daemon")
            .arg(format!("--config-file={}", config.display()))
            .args(["--print-address", "--nofork", "--nopidfile"])
            // What it starts for others keeps its data with the test.
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
        connect(&self.address)
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

/// Connects to a bus.
pub fn connect(address: &str) -> DBusConnection {
    let flags =
        DBusConnectionFlags::AUTHENTICATION_CLIENT | DBusConnectionFlags::MESSAGE_BUS_CONNECTION;
    DBusConnection::for_address_sync(address, flags, None, Cancellable::NONE).unwrap()
}

/// Lets the bus start an applet, which nothing may ever do without the user's asking.
fn offer_activation(data: &Path) {
    let services = data.join("dbus-1/services");
    fs::create_dir_all(&services).unwrap();
    let exec = format!("/usr/bin/touch {}", data.join("started").display());
    let service = format!("[D-BUS Service]\nName={NAME}\nExec={exec}\n");
    fs::write(services.join(format!("{NAME}.service")), service).unwrap();
}

/// Takes a name on the bus.
pub fn own_name(connection: &DBusConnection, name: &str) {
    let bus = "org.freedesktop.DBus";
    connection
        .call_sync(
            Some(bus),
            "/org/freedesktop/DBus",
            bus,
            "RequestName",
            Some(&(name, 0_u32).to_variant()),
            None,
            DBusCallFlags::NONE,
            5000,
            Cancellable::NONE,
        )
        .unwrap();
}
