//! Looking for cameras, in a child of its own: plugins ask the hardware as they load, and take the
//! process with them when they crash.

use std::fs::File;
use std::io::{self, Read, Write};
use std::process::{Child, ExitCode, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use super::stdout;
use crate::program;
use crate::relay::{Fault, FaultKind};
use crate::settings::{SourceSpec, n_};
use crate::source::{self, Found};

/// How long a probe may take before it is given up. Scanning all plugins after an update takes
/// seconds on a slow disk.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// `lenscap capture --probe [SPEC]`: writes what was found to standard output, one [`Found`] a line.
///
/// Without a source that is everything; with one it is that source alone, or why it can't be used.
/// As `-` it is read from standard input: everybody can see a command line, and the source may hold a
/// password. A line is out before the next camera is touched.
pub fn run(spec: Option<&str>) -> ExitCode {
    match probe(spec) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::warn!("cannot look for cameras: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn probe(spec: Option<&str>) -> anyhow::Result<()> {
    let mut out = stdout::take()?;
    let spec = match spec {
        Some("-") => Some(io::read_to_string(io::stdin())?),
        spec => spec.map(str::to_owned),
    };
    let spec = spec.map(|spec| spec.parse::<SourceSpec>()).transpose()?;
    gstreamer::init()?;
    match spec {
        Some(spec) => tell(&mut out, &checked(&spec))?,
        None => source::find_each(|found| {
            // The reader is gone: what is still found is of no use to anybody.
            let _ = tell(&mut out, &found);
        }),
    }
    Ok(())
}

fn checked(spec: &SourceSpec) -> Found {
    source::check(spec).unwrap_or_else(|fault| Found {
        problem: Some(fault),
        ..source::unchecked(spec)
    })
}

fn tell(out: &mut File, found: &Found) -> io::Result<()> {
    let mut line = serde_json::to_vec(found)?;
    line.push(b'\n');
    out.write_all(&line)
}

/// What a probe of everything found, from its output, in the order in which `auto` tries them.
///
/// `ended_well`: it ended by itself, without an error. If it did not, the cameras it had yet to
/// come to are told as lost.
pub fn read(output: &[u8], ended_well: bool) -> Vec<Found> {
    let lines = output.split(|byte| *byte == b'\n');
    let mut all: Vec<Found> = lines
        .filter_map(|line| serde_json::from_slice(line).ok())
        .collect();
    if !ended_well && !all.iter().any(|found| found.kind == "icamerasrc") {
        all.push(source::lost_icamerasrc(Fault::new(
            FaultKind::Stopped,
            n_(
                "the camera's software crashed or hung while it was asked for its cameras: \
                 run `gst-inspect-1.0 icamerasrc` to see its messages",
            ),
        )));
    }
    source::distinct(all)
}

/// Runs a probe of everything and waits for it: for programs that have nothing else to do.
pub fn ask() -> io::Result<Vec<Found>> {
    let child = program::command()?
        .args(["capture", "--probe"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null()) // the libraries' chatter
        .spawn()?;
    let (output, ended_well) = hear_out(child)?;
    Ok(read(&output, ended_well))
}

/// What the child writes until it ends, and whether it ended well: by itself, and without an error.
/// One that takes longer than [`PATIENCE`] is killed.
pub(super) fn hear_out(mut child: Child) -> io::Result<(Vec<u8>, bool)> {
    let deadline = Instant::now() + PATIENCE;
    let output = read_until(&mut child, deadline);
    // A process is at the end of its words before it is at its own: killed in between, it would seem
    // to have crashed.
    let pidfd = pidfd_open(Pid::from_child(&child), PidfdFlags::empty())?;
    let left = Timespec::try_from(deadline.saturating_duration_since(Instant::now())).ok();
    let _ = poll(&mut [PollFd::new(&pidfd, PollFlags::IN)], left.as_ref());
    let _ = child.kill(); // has ended by itself, or hangs
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
    use std::process::Command;

    use super::*;

    const CAMERA: &str =
        r#"{"kind":"v4l2","spec":"v4l2:/dev/video0","name":"Webcam","rank":1000,"problem":null}"#;
    const BUILT_IN: &str =
        r#"{"kind":"icamerasrc","spec":"icamerasrc:x","name":"x","rank":0,"problem":null}"#;

    fn specs(output: &str, ended_well: bool) -> Vec<(String, bool)> {
        let found = read(output.as_bytes(), ended_well);
        let pair = |found: Found| (found.spec, found.problem.is_none());
        found.into_iter().map(pair).collect()
    }

    #[test]
    fn lines_are_sorted_and_noise_is_passed_over() {
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
    }

    /// What a child has to say is over before it is; only one that hangs is ended.
    #[test]
    fn a_child_may_take_its_time_to_end() {
        let run = |script: &str| {
            let mut command = Command::new("/bin/sh");
            let command = command.args(["-c", script]).stdout(Stdio::piped());
            hear_out(command.spawn().unwrap()).unwrap()
        };
        let said = b"one\n".to_vec();
        let slow = run("echo one; exec >&-; sleep 0.2");
        assert_eq!(slow, (said.clone(), true));
        assert_eq!(run("echo one; exit 1"), (said.clone(), false));
        assert_eq!(run("echo one; kill -SEGV $$"), (said, false));
    }
}
