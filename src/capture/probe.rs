//! Finding cameras, in a child process: plugins access the hardware as they load, and may crash.

use std::fs::File;
use std::io::{self, Read, Write};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use super::sandbox::{self, Reach, Rules};
use super::{child, elements, stdout};
use crate::relay::{Fault, FaultKind};
use crate::settings::{LONGEST_NAME, SourceSpec, n_, one_line};
use crate::source::{self, Found};

/// Scanning all plugins after an update takes seconds on a slow disk.
pub const PROBE_TIMEOUT: Duration = Duration::from_secs(20);

/// What to find.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Query {
    /// All local cameras.
    Local,
    /// All of `PipeWire`'s, apart from the software of local cameras: its socket is not for that.
    PipeWire,
    /// Checks this source.
    Source(SourceSpec),
}

impl Query {
    /// The queries that find all cameras.
    pub const ALL: [Self; 2] = [Self::Local, Self::PipeWire];

    /// From the command line. The source `-` is on standard input: all users can see a command line,
    /// and the source may contain a password.
    fn from_arguments(source: Option<&str>, pipewire: bool) -> anyhow::Result<Self> {
        Ok(match source {
            Some("-") => Self::Source(io::read_to_string(io::stdin())?.parse()?),
            Some(source) => Self::Source(source.parse()?),
            None if pipewire => Self::PipeWire,
            None => Self::Local,
        })
    }

    fn reach(&self) -> Reach {
        match self {
            Self::Local => Reach::Devices,
            Self::PipeWire => Reach::PipeWire,
            Self::Source(source) => Reach::of(source),
        }
    }

    /// The process for it. It reads a source from standard input.
    pub fn command(&self) -> Command {
        let mut command = child::command(self.reach());
        command.arg("--probe");
        match self {
            Self::Local => {}
            Self::PipeWire => {
                command.arg("--pipewire");
            }
            Self::Source(_) => {
                command.arg("-");
            }
        }
        command
    }

    /// The cameras in the process's output.
    ///
    /// `ended_well`: it ended by itself without an error. If not, the local cameras contain
    /// `icamerasrc` with a fault unless the process got past it.
    pub fn read(&self, output: &[u8], ended_well: bool) -> Vec<Found> {
        let lines = output.split(|byte| *byte == b'\n');
        let mut all: Vec<Found> = lines
            .filter_map(|line| serde_json::from_slice(line).ok())
            .map(fit_to_show)
            .collect();
        let got_past = |found: &Found| found.kind == "icamerasrc";
        if *self == Self::Local && !ended_well && !all.iter().any(got_past) {
            all.push(source::lost_icamerasrc(Fault::new(
                FaultKind::Stopped,
                n_(
                    "the camera's software crashed or hung while it was asked for its cameras: \
                     run `gst-inspect-1.0 icamerasrc` to see its messages",
                ),
            )));
        }
        all
    }
}

/// `lenscap capture --probe`: writes one [`Found`] per line to standard output, each before the next
/// camera is accessed.
pub fn run(source: Option<&str>, pipewire: bool) -> ExitCode {
    match Query::from_arguments(source, pipewire).and_then(|query| probe(&query)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::warn!("cannot search for cameras: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn probe(query: &Query) -> anyhow::Result<()> {
    let mut out = stdout::take()?;
    sandbox::enter(&Rules::from_environment(query.reach()));
    gstreamer::init()?;
    // Fails only if the reader has ended.
    let mut report = |found| drop(write_line(&mut out, &found));
    match query {
        Query::Local => source::find_each_local(report),
        Query::PipeWire => source::find_each_of_pipewire(report),
        Query::Source(source) => report(checked(source)),
    }
    Ok(())
}

fn checked(spec: &SourceSpec) -> Found {
    source::check(spec).unwrap_or_else(|fault| Found {
        problem: Some(fault),
        ..source::unchecked(spec)
    })
}

fn write_line(out: &mut File, found: &Found) -> io::Result<()> {
    let mut line = serde_json::to_vec(found)?;
    line.push(b'\n');
    out.write_all(&line)
}

/// A camera whose texts, which come from the device or its software, are fit to be shown.
fn fit_to_show(found: Found) -> Found {
    Found {
        name: one_line(&found.name, LONGEST_NAME),
        problem: found.problem.map(Fault::one_line),
        ..found
    }
}

/// Finds all cameras in child processes and waits for them.
pub fn find_all() -> io::Result<Vec<Found>> {
    let run = |mut command: Command| {
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null()); // messages of libraries
        wait_with_output(command.spawn()?)
    };
    run(elements::search())?;
    let mut all = Vec::new();
    for query in Query::ALL {
        let (output, ended_well) = run(query.command())?;
        all.extend(query.read(&output, ended_well));
    }
    Ok(source::distinct(all))
}

/// The child's output, and whether it ended by itself without an error. Kills it after
/// [`PROBE_TIMEOUT`].
pub(super) fn wait_with_output(mut child: Child) -> io::Result<(Vec<u8>, bool)> {
    let deadline = Instant::now() + PROBE_TIMEOUT;
    let output = read_until(&mut child, deadline);
    // Its output ends before the process does; killed in between, it would seem to have crashed.
    let pidfd = pidfd_open(Pid::from_child(&child), PidfdFlags::empty())?;
    let left = Timespec::try_from(deadline.saturating_duration_since(Instant::now())).ok();
    let _ = poll(&mut [PollFd::new(&pidfd, PollFlags::IN)], left.as_ref());
    let _ = child.kill(); // unless it has ended by itself
    child::kill_group(&child);
    Ok((output, child.wait()?.success()))
}

fn read_until(child: &mut Child, deadline: Instant) -> Vec<u8> {
    let Some(mut stdout) = child.stdout.take() else {
        return Vec::new();
    };
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut chunk = [0; 4096];
        while let Ok(len @ 1..) = stdout.read(&mut chunk) {
            if sender.send(chunk[..len].to_vec()).is_err() {
                return;
            }
        }
    });
    let next = || receiver.recv_timeout(deadline.saturating_duration_since(Instant::now()));
    std::iter::from_fn(|| next().ok()).flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAMERA: &str =
        r#"{"kind":"v4l2","spec":"v4l2:/dev/video0","name":"Webcam","rank":1000,"problem":null}"#;
    const BUILT_IN: &str =
        r#"{"kind":"icamerasrc","spec":"icamerasrc:x","name":"x","rank":0,"problem":null}"#;

    fn specs(output: &str, ended_well: bool) -> Vec<(String, bool)> {
        let found = source::distinct(Query::Local.read(output.as_bytes(), ended_well));
        let pair = |found: Found| (found.spec, found.problem.is_none());
        found.into_iter().map(pair).collect()
    }

    #[test]
    fn lines_are_sorted_and_other_output_is_ignored() {
        let output = format!("{CAMERA}\nCamHAL: noise {{\n{BUILT_IN}\n");
        let expected = [("icamerasrc:x", true), ("v4l2:/dev/video0", true)];
        let expected = expected.map(|(spec, usable)| (spec.to_owned(), usable));
        assert_eq!(specs(&output, true), expected);
        assert_eq!(specs(&output, false), expected);
    }

    #[test]
    fn a_crash_loses_only_the_camera_that_crashed() {
        let cut = &BUILT_IN[..20];
        let expected = [("icamerasrc", false), ("v4l2:/dev/video0", true)];
        let expected = expected.map(|(spec, usable)| (spec.to_owned(), usable));
        assert_eq!(specs(&format!("{CAMERA}\n{cut}"), false), expected);
        assert_eq!(Query::PipeWire.read(cut.as_bytes(), false), []);
    }

    #[test]
    fn a_child_may_end_later_than_its_output() {
        let run = |script: &str| {
            let mut command = Command::new("/bin/sh");
            let command = command.args(["-c", script]).stdout(Stdio::piped());
            wait_with_output(command.spawn().unwrap()).unwrap()
        };
        let output = b"one\n".to_vec();
        let slow = run("echo one; exec >&-; sleep 0.2");
        assert_eq!(slow, (output.clone(), true));
        assert_eq!(run("echo one; exit 1"), (output.clone(), false));
        assert_eq!(run("echo one; kill -SEGV $$"), (output, false));
    }
}
