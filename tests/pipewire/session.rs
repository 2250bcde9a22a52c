//! A session of the test's own: a message bus, PipeWire, a session manager, and an applet in it.

#[path = "manager.rs"]
mod manager;

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use lenscap::report::Report;
use rustix::process::{Pid, Signal, kill_process};

/// Longer than anything here takes on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A bus that starts accessibility, as windows are pressed by it, and nobody else: who is on it is the
/// test's affair.
const BUS: &str = include_str!("../bus/bus.conf");

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
    assert!(within(PATIENCE, holds), "not within {PATIENCE:?}: {what}");
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
        manager::configure(dir.path());
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
    pub fn command(&self, program: &str) -> Command {
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
        let mut command = self.command(env!("CARGO_BIN_EXE_lenscap"));
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

/// An applet, and what it tells of itself.
pub struct Applet {
    reports: mpsc::Receiver<Report>,
    _follower: Process,
    process: Process,
    pub now: Report,
}

impl Applet {
    pub fn new(session: &Session, line: &str) -> Self {
        let mut command = session.command(env!("CARGO_BIN_EXE_lenscap"));
        let words = line.split_ascii_whitespace();
        let process = Process(command.args(words).spawn().unwrap());
        let mut answer = None;
        until("the applet answers", || {
            answer = follow(session);
            answer.is_some()
        });
        let (follower, reports, now) = answer.unwrap();
        Self {
            reports,
            _follower: follower,
            process,
            now,
        }
    }

    /// Waits for a report, beginning with the newest.
    pub fn wait(&mut self, what: &str, holds: impl Fn(&Report) -> bool) -> &Report {
        let deadline = Instant::now() + PATIENCE;
        while !holds(&self.now) {
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok(report) = self.reports.recv_timeout(left) else {
                panic!("not within {PATIENCE:?}: {what}; {}", self.now.to_json());
            };
            self.now = report;
        }
        &self.now
    }

    pub fn wait_for(&mut self, state: &str) -> &Report {
        self.wait(state, |report| report.state.as_str() == state)
    }

    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Whether it is still there.
    pub fn is_running(&mut self) -> bool {
        self.process.0.try_wait().unwrap().is_none()
    }

    /// Waits until it has ended by itself.
    pub fn wait_for_end(&mut self) -> ExitStatus {
        let mut status = None;
        until("the applet ends", || {
            status = self.process.0.try_wait().unwrap();
            status.is_some()
        });
        status.unwrap()
    }

    pub fn descriptors(&self) -> usize {
        let dir = format!("/proc/{}/fd", self.process.pid());
        fs::read_dir(dir).unwrap().count()
    }

    /// Whether it has memory in common with a worker.
    pub fn lends_slots(&self) -> bool {
        let maps = fs::read_to_string(format!("/proc/{}/maps", self.process.pid()));
        maps.unwrap().contains("/memfd:lenscap-slots")
    }

    /// Resident memory in kilobytes.
    pub fn memory(&self) -> u64 {
        let status = format!("/proc/{}/status", self.process.pid());
        field(&fs::read_to_string(status).unwrap(), "VmRSS:")
    }

    /// Context switches of all threads so far.
    pub fn switches(&self) -> u64 {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.process.pid())).unwrap();
        tasks
            .filter_map(|task| fs::read_to_string(task.unwrap().path().join("status")).ok())
            .map(|status| {
                field(&status, "voluntary_ctxt_switches:")
                    + field(&status, "nonvoluntary_ctxt_switches:")
            })
            .sum()
    }
}

fn field(status: &str, name: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let number = line.unwrap().split_ascii_whitespace().next();
    number.unwrap().parse().unwrap()
}

/// Follows the applet's status, if it answers.
fn follow(session: &Session) -> Option<(Process, mpsc::Receiver<Report>, Report)> {
    let mut child = session
        .command(env!("CARGO_BIN_EXE_lenscap"))
        .args(["status", "--json", "--follow"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let process = Process(child);
    let first = Report::from_json(&lines.next()?.ok()?).unwrap();
    let (sender, reports) = mpsc::channel();
    thread::spawn(move || {
        for line in lines.map_while(Result::ok) {
            let report = Report::from_json(&line).unwrap();
            if sender.send(report).is_err() {
                return;
            }
        }
    });
    Some((process, reports, first))
}
