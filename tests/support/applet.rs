//! The applet in a session, and its reports.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use lenscap::report::Report;
use rustix::process::Signal;

use crate::program;
use crate::session::{Process, Session, WAIT_TIMEOUT, until};

/// An applet, and what it tells of itself.
pub struct Applet {
    reports: mpsc::Receiver<Report>,
    _follower: Process,
    process: Process,
    pub now: Report,
}

impl Applet {
    pub fn new(session: &Session, line: &str) -> Self {
        let mut command = session.command(program("lenscap"));
        Self::start(session, command.args(line.split_ascii_whitespace()))
    }

    /// One that is started by this command.
    pub fn start(session: &Session, command: &mut Command) -> Self {
        Self::follow(session, Process(command.spawn().unwrap()))
    }

    /// Follows the status of what it became by a restart.
    pub fn restarted(self, session: &Session) -> Self {
        Self::follow(session, self.process)
    }

    fn follow(session: &Session, process: Process) -> Self {
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
        let deadline = Instant::now() + WAIT_TIMEOUT;
        while !holds(&self.now) {
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok(report) = self.reports.recv_timeout(left) else {
                panic!(
                    "not within {WAIT_TIMEOUT:?}: {what}; {}",
                    self.now.to_json()
                );
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

    pub fn signal(&self, signal: Signal) {
        self.process.signal(signal);
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
        .command(program("lenscap"))
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
