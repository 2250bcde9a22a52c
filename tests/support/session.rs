//! A session of the test's own: a message bus, PipeWire, and a session manager.

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::{program, wireplumber};

/// Longer than anything here takes on a busy machine.
pub const WAIT_TIMEOUT: Duration = Duration::from_secs(30);

/// A bus that starts accessibility, as windows are pressed by it, and nobody else: who is on it is the
/// test's affair.
const BUS: &str = include_str!("bus.conf");

/// A process that ends with the test.
pub struct Process(pub Child);

impl Process {
    pub fn pid(&self) -> u32 {
        self.0.id()
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.0), signal).unwrap();
    }

    pub fn kill(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Waits until something holds; there is no event for it.
pub fn until(what: &str, holds: impl FnMut() -> bool) {
    assert!(
        within(WAIT_TIMEOUT, holds),
        "not within {WAIT_TIMEOUT:?}: {what}"
    );
}

pub fn within(limit: Duration, mut holds: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + limit;
    while !holds() {
        if Instant::now() > deadline {
            return false;
        }
        thread::sleep(Duration::from_millis(10));
    }
    true
}

/// A session, with or without PipeWire.
pub struct Session {
    manager: Option<Process>,
    pipewire: Option<Process>,
    bus: Process,
    pub bus_address: String,
    system_bus: String,
    /// What programs find in their environment beside this.
    vars: Vec<(&'static str, String)>,
    dir: tempfile::TempDir,
}

impl Session {
    /// A session in which PipeWire runs.
    pub fn new() -> Self {
        let mut session = Self::without_pipewire();
        session.start_pipewire();
        session
    }

    pub fn without_pipewire() -> Self {
        let dir = tempfile::tempdir().unwrap();
        wireplumber::configure(dir.path());
        let config = dir.path().join("bus.conf");
        let services = dir.path().join("services");
        write(
            &config,
            &BUS.replace("SERVICES", &services.display().to_string()),
        );
        let accessibility = Path::new("/usr/share/dbus-1/services/org.a11y.Bus.service");
        write(
            &services.join("org.a11y.Bus.service"),
            &fs::read_to_string(accessibility).unwrap_or_default(),
        );
        let mut bus = Command::new("dbus-daemon")
            .arg(format!("--config-file={}", config.display()))
            .args(["--print-address", "--nofork", "--nopidfile"])
            // What it starts for others is the session's, too.
            .env("XDG_RUNTIME_DIR", dir.path())
            .env("XDG_DATA_HOME", dir.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("dbus-daemon is needed for this test");
        let bus_address = first_line(&mut bus);
        Self {
            manager: None,
            pipewire: None,
            bus: Process(bus),
            bus_address,
            system_bus: "unix:path=/dev/null/bus".to_owned(),
            vars: Vec::new(),
            dir,
        }
    }

    /// The same session on a machine with this system bus.
    pub fn with_system_bus(self, address: &str) -> Self {
        Self {
            system_bus: address.to_owned(),
            ..self
        }
    }

    /// A program that knows no other session.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .env("XDG_RUNTIME_DIR", self.dir.path())
            .env("XDG_CONFIG_HOME", self.dir.path())
            .env("XDG_STATE_HOME", self.dir.path())
            .env("XDG_DATA_HOME", self.dir.path())
            .env("DBUS_SESSION_BUS_ADDRESS", &self.bus_address)
            .env("DBUS_SYSTEM_BUS_ADDRESS", &self.system_bus)
            .env("XDG_SESSION_ID", "2")
            .envs(self.vars.iter().map(|(name, value)| (name, value)))
            .env_remove("PIPEWIRE_REMOTE")
            .env_remove("PIPEWIRE_RUNTIME_DIR")
            .stdin(Stdio::null());
        command
    }

    /// What belongs to the session alone.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Sets a variable for every program that starts from now on.
    pub fn set_var(&mut self, name: &'static str, value: &str) {
        self.vars.push((name, value.to_owned()));
    }

    fn daemon(&self, program: &str) -> Process {
        let mut command = self.command(program);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let needed = format!("{program} is needed for this test");
        Process(child.expect(&needed))
    }

    pub fn socket(&self) -> PathBuf {
        self.dir().join("pipewire-0")
    }

    pub fn start_pipewire(&mut self) {
        self.pipewire = Some(self.daemon("pipewire"));
        until("PipeWire listens", || {
            UnixStream::connect(self.socket()).is_ok()
        });
        self.start_manager();
    }

    /// Kills PipeWire as a crash would; the session manager ends with it.
    pub fn kill_pipewire(&mut self) {
        self.pipewire = None;
        self.manager = None;
    }

    pub fn start_manager(&mut self) {
        self.manager = Some(self.daemon("wireplumber"));
    }

    pub fn kill_manager(&mut self) {
        self.manager = None;
    }

    /// Ends the bus under everybody, as a crash would.
    pub fn kill_bus(&mut self) {
        self.bus.kill();
    }

    pub fn write_config(&self, text: &str) {
        write(&self.dir.path().join("lenscap/lenscap.toml"), text);
    }

    pub fn lenscap(&self, line: &str) -> Output {
        let mut command = self.command(program("lenscap"));
        command.args(line.split(' ')).output().unwrap()
    }
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// What a server says first: where it listens.
pub fn first_line(server: &mut Child) -> String {
    let mut line = String::new();
    let stdout = server.stdout.take().unwrap();
    BufReader::new(stdout).read_line(&mut line).unwrap();
    line.trim().to_owned()
}
