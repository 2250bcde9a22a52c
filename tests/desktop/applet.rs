//! The real applet with a private home and private buses.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use lenscap::report::Report;
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open, pidfd_send_signal};

/// Timeout on a busy machine.
const LIMIT: Duration = Duration::from_secs(20);

/// The user's home directory.
pub struct Home {
    dir: tempfile::TempDir,
    session_bus: String,
    system_bus: String,
}

impl Home {
    /// A home on this session bus, without a system bus.
    pub fn new(session_bus: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("run")).unwrap();
        Self {
            dir,
            session_bus: session_bus.to_owned(),
            system_bus: "unix:path=/dev/null/bus".to_owned(),
        }
    }

    /// The same home with this system bus.
    pub fn with_system_bus(self, system_bus: &str) -> Self {
        Self {
            system_bus: system_bus.to_owned(),
            ..self
        }
    }

    /// A path in the home.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Replaces the config file, as editors do.
    pub fn configure(&self, text: &str) {
        let path = self.path("config/lenscap/lenscap.toml");
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let draft = path.with_extension("new");
        // Don't use devices of this machine.
        let nothing = "[output]\ndevice = \"/dev/null\"\n[camera]\nsource = \"test\"\n";
        fs::write(&draft, format!("{nothing}{text}")).unwrap();
        fs::rename(draft, path).unwrap();
    }

    /// A command with this home.
    pub fn command(&self, program: &Path, args: &[&str]) -> Command {
        let mut command = Command::new(program);
        command
            .args(args)
            .env("HOME", self.dir.path())
            .env("XDG_SESSION_ID", "2")
            .env("XDG_CONFIG_HOME", self.path("config"))
            .env("XDG_STATE_HOME", self.path("state"))
            .env("XDG_RUNTIME_DIR", self.path("run"))
            .env("DBUS_SESSION_BUS_ADDRESS", &self.session_bus)
            .env("DBUS_SYSTEM_BUS_ADDRESS", &self.system_bus)
            .env("LC_ALL", "C");
        command
    }

    /// Starts the applet.
    pub fn start(&self) -> HomeApplet<'_> {
        self.start_with(&[])
    }

    /// Starts the applet with these arguments.
    pub fn start_with(&self, args: &[&str]) -> HomeApplet<'_> {
        self.start_on(&self.session_bus, args)
    }

    /// Starts the applet on another session bus.
    pub fn start_on(&self, session_bus: &str, args: &[&str]) -> HomeApplet<'_> {
        let program = Path::new(env!("CARGO_BIN_EXE_lenscap"));
        let mut command = self.command(program, args);
        command.env("DBUS_SESSION_BUS_ADDRESS", session_bus);
        let log = fs::File::create(self.path("log")).unwrap();
        let child = command.stderr(log).spawn().unwrap();
        HomeApplet { home: self, child }
    }

    /// The last applet's log.
    pub fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap()
    }

    /// Waits until a path in the home exists or doesn't exist.
    pub fn wait_for(&self, name: &str, there: bool) {
        let is_so = || self.path(name).symlink_metadata().is_ok() == there;
        until(&format!("{name}: {there}"), is_so);
    }
}

/// Polls until a condition is true.
pub fn until(what: &str, holds: impl Fn() -> bool) {
    let end = Instant::now() + LIMIT;
    while !holds() {
        assert!(Instant::now() < end, "not within {LIMIT:?}: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// An applet that ends with the test.
pub struct HomeApplet<'a> {
    home: &'a Home,
    child: Child,
}

impl HomeApplet<'_> {
    /// Waits for a status; on timeout, panics with the last one.
    pub fn wait(&self, wanted: impl Fn(&Report) -> bool) -> Report {
        let program = Path::new(env!("CARGO_BIN_EXE_lenscap"));
        let end = Instant::now() + LIMIT;
        let mut last = None;
        while Instant::now() < end {
            let mut command = self
                .home
                .command(program, &["status", "--json", "--follow"]);
            command.stdout(Stdio::piped()).stderr(Stdio::null());
            let mut follower = command.spawn().unwrap();
            kill_late(&follower);
            // Fails at once while the applet is not yet on the bus.
            let lines = BufReader::new(follower.stdout.take().unwrap()).lines();
            for line in lines.map_while(Result::ok) {
                let report = Report::from_json(&line).unwrap();
                if wanted(&report) {
                    let _ = follower.kill();
                    let _ = follower.wait();
                    return report;
                }
                last = Some(report);
            }
            let _ = follower.wait();
        }
        panic!("the last status was {last:?}");
    }

    /// Runs a command for the applet.
    pub fn tell(&self, order: &str) {
        let program = Path::new(env!("CARGO_BIN_EXE_lenscap"));
        let output = self.home.command(program, &[order]).output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }

    /// Waits until it has ended by itself.
    pub fn wait_for_end(&mut self) -> ExitStatus {
        kill_late(&self.child);
        self.child.wait().unwrap()
    }

    /// Whether it waits for a process's end.
    pub fn waits_for_process(&self) -> bool {
        let files = fs::read_dir(format!("/proc/{}/fd", self.child.id())).unwrap();
        files
            .filter_map(|file| fs::read_link(file.ok()?.path()).ok())
            .any(|file| file.to_string_lossy().contains("pidfd"))
    }

    /// Kills it.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for HomeApplet<'_> {
    fn drop(&mut self) {
        let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
        kill_late(&self.child);
        let _ = self.child.wait();
    }
}

/// Fails a test instead of waiting for ever for a process.
fn kill_late(child: &Child) {
    let Ok(process) = pidfd_open(Pid::from_child(child), PidfdFlags::empty()) else {
        return; // it has ended
    };
    thread::spawn(move || {
        thread::sleep(LIMIT);
        let _ = pidfd_send_signal(process, Signal::KILL);
    });
}
