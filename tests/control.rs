//! The commands for the running applet, on a private bus.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use lenscap::dbus::Request;
use lenscap::relay::StateName;
use lenscap::report::Report;
use lenscap_support::bus::Bus;
use lenscap_support::fake_applet::{ENDING, FakeApplet, counted, report};
use rustix::fs::{FlockOperation, flock};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open, pidfd_send_signal};

const COMMANDS: [&str; 6] = [
    "status",
    "status --json --follow",
    "pause",
    "resume",
    "quit",
    "preferences",
];

fn lenscap(address: &str, line: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lenscap"));
    command
        .args(line.split(' '))
        .env("DBUS_SESSION_BUS_ADDRESS", address)
        .env("XDG_RUNTIME_DIR", "/nowhere"); // who runs the test may run an applet
    command
}

fn run(bus: &Bus, line: &str) -> Output {
    lenscap(&bus.address, line).output().unwrap()
}

/// The error line of a failed command.
fn complaint(output: &Output) -> String {
    let stderr = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert_eq!(output.stdout, b"");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    stderr.trim_end().to_owned()
}

fn silent(output: &Output) -> bool {
    output.status.success() && output.stdout.is_empty() && output.stderr.is_empty()
}

/// A running `status --json --follow`.
struct Follower {
    child: Child,
    stdout: Option<BufReader<ChildStdout>>,
}

impl Follower {
    /// Starts it and reads its first line.
    fn new(bus: &Bus) -> (Self, Report) {
        let mut child = lenscap(&bus.address, "status --json --follow")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        kill_late(&child);
        let stdout = child.stdout.take().map(BufReader::new);
        let mut this = Self { child, stdout };
        let first = this.line();
        (this, first)
    }

    fn line(&mut self) -> Report {
        let mut line = String::new();
        self.stdout.as_mut().unwrap().read_line(&mut line).unwrap();
        Report::from_json(&line).unwrap()
    }

    /// Waits for its end, with its output still open for reading.
    fn end(self) -> Output {
        self.child.wait_with_output().unwrap()
    }
}

/// Fails a test instead of waiting for ever for a process.
fn kill_late(child: &Child) {
    let process = pidfd_open(Pid::from_child(child), PidfdFlags::empty()).unwrap();
    thread::spawn(move || {
        thread::sleep(Duration::from_secs(20));
        let _ = pidfd_send_signal(process, Signal::KILL);
    });
}

#[test]
fn without_an_applet_every_command_fails() {
    let bus = Bus::new();
    for line in COMMANDS {
        let complaint = complaint(&run(&bus, line));
        assert_eq!(
            complaint, "lenscap: not running; start it with 'lenscap'",
            "{line}"
        );
    }
}

/// For example, one that outlived its bus.
#[test]
fn an_unreachable_applet_is_reported_as_such() {
    let (bus, runtime) = (Bus::new(), tempfile::tempdir().unwrap());
    let own = std::process::id();
    let lock = File::create(runtime.path().join("lenscap.lock")).unwrap();
    writeln!(&lock, "{own}").unwrap();
    let status = || {
        let mut command = lenscap(&bus.address, "status");
        let output = command.env("XDG_RUNTIME_DIR", runtime.path()).output();
        complaint(&output.unwrap())
    };
    assert!(status().contains("not running"), "nobody holds the lock");
    flock(&lock, FlockOperation::NonBlockingLockExclusive).unwrap();
    let expected = format!("lenscap: running as process {own}, but can't be reached ");
    assert!(status().starts_with(&expected), "{}", status());
}

#[test]
fn without_a_bus_every_command_fails() {
    for line in COMMANDS {
        let output = lenscap("unix:path=/dev/null/bus", line).output().unwrap();
        let complaint = complaint(&output);
        assert!(
            complaint.starts_with("lenscap: no session bus"),
            "{complaint}"
        );
    }
}

#[test]
fn the_status_is_json_or_text() {
    let bus = Bus::new();
    let _applet = FakeApplet::new(&bus, Ok(()));
    let json = run(&bus, "status --json").stdout;
    let wanted = counted(&report(), 100).to_json() + "\n";
    assert_eq!(String::from_utf8(json).unwrap(), wanted);
    let text = String::from_utf8(run(&bus, "status").stdout).unwrap();
    assert!(
        text.starts_with("Camera is on · In use by firefox (process 123) · "),
        "{text}"
    );
}

#[test]
fn commands_are_requests() {
    let bus = Bus::new();
    let applet = FakeApplet::new(&bus, Ok(()));
    for (line, request) in [
        ("pause", Request::Pause),
        ("resume", Request::Resume),
        ("preferences", Request::ShowPreferences),
    ] {
        assert!(silent(&run(&bus, line)), "{line}");
        assert_eq!(applet.request(), Some(request));
    }
}

#[test]
fn an_error_of_the_applet_is_printed() {
    let bus = Bus::new();
    let _applet = FakeApplet::new(&bus, Err("there is no window\nto show".to_owned()));
    let complaint = complaint(&run(&bus, "preferences"));
    assert_eq!(complaint, "lenscap: there is no window to show");
}

#[test]
fn quit_waits_for_the_applets_end() {
    let bus = Bus::new();
    let _applet = FakeApplet::new(&bus, Ok(()));
    let start = Instant::now();
    let output = run(&bus, "quit");
    assert!(silent(&output), "{output:?}");
    assert!(start.elapsed() >= ENDING);
    assert!(complaint(&run(&bus, "status")).contains("not running"));
}

#[test]
fn follow_prints_every_change_once_in_order() {
    let bus = Bus::new();
    let applet = FakeApplet::new(&bus, Ok(()));
    let (mut follower, first) = Follower::new(&bus);
    assert_eq!(first, counted(&report(), 100));
    // The applet's first signal contains all properties.
    applet.show(&report());
    let since = |second: u32| Report {
        since: format!("2026-11-20T12:00:{second:02}Z"),
        ..report()
    };
    for second in 1..40 {
        applet.show(&since(second));
        applet.show(&counted(&since(second), 7));
    }
    for second in 1..40 {
        assert_eq!(follower.line(), counted(&since(second), 100));
    }
    let paused = Report {
        state: StateName::Paused,
        ..report()
    };
    applet.show(&paused);
    assert_eq!(follower.line().state, StateName::Paused);
    drop(applet);
    let output = follower.end();
    assert_eq!(complaint(&output), "lenscap: the applet has ended");
}

#[test]
fn follow_ends_with_its_reader() {
    let bus = Bus::new();
    let _applet = FakeApplet::new(&bus, Ok(()));
    let (mut follower, _) = Follower::new(&bus);
    follower.stdout.take();
    let output = follower.end();
    assert!(silent(&output), "{output:?}");
}

#[test]
fn a_closed_pipe_is_not_an_error() {
    let bus = Bus::new();
    let _applet = FakeApplet::new(&bus, Ok(()));
    for line in ["status", "status --json"] {
        let mut command = lenscap(&bus.address, line);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = child.spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert!(silent(&output), "{output:?}");
    }
}

#[test]
fn follow_ends_quietly_when_interrupted() {
    let bus = Bus::new();
    let _applet = FakeApplet::new(&bus, Ok(()));
    let (follower, _) = Follower::new(&bus);
    kill_process(Pid::from_child(&follower.child), Signal::INT).unwrap();
    let output = follower.end();
    assert_eq!(output.status.signal(), Some(2));
    assert_eq!(output.stderr, b"");
}

#[test]
fn the_end_of_the_bus_counts_as_the_applets_end() {
    let bus = Bus::new();
    let applet = FakeApplet::new(&bus, Ok(()));
    let (follower, _) = Follower::new(&bus);
    thread::sleep(Duration::from_millis(50));
    drop(bus);
    std::mem::forget(applet);
    assert_eq!(complaint(&follower.end()), "lenscap: the applet has ended");
}
