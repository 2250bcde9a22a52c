//! Finding cameras, in a child process: plugins access the hardware as they load, and may crash.

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
use crate::settings::{LONGEST_NAME, SourceSpec, n_, one_line};
use crate::source::{self, Found};

/// Scanning all plugins after an update takes seconds on a slow disk.
pub const PROBE_TIMEOUT: Duration = Duration::from_secs(20);

/// `lenscap capture --probe [SPEC]`: writes one [`Found`] per line to standard output.
///
/// Without a source, it finds all cameras; with one, it checks that source. `-` reads the source from
/// standard input: all users can see a command line, and the source may contain a password. Each line
/// is written before the next camera is accessed.
pub fn run(spec: Option<&str>) -> ExitCode {
    match probe(spec) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::warn!("cannot search for cameras: {error:#}");
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
        Some(spec) => write_line(&mut out, &checked(&spec))?,
        None => source::find_each(|found| {
            // Fails only if the reader has ended.
            let _ = write_line(&mut out, &found);
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

fn write_line(out: &mut File, found: &Found) -> io::Result<()> {
    let mut line = serde_json::to_vec(found)?;
    line.push(b'\n');
    out.write_all(&line)
}

/// The cameras in a probe's output, in the order in which `auto` tries them.
///
/// `ended_well`: the probe ended by itself without an error. If not, the result contains
/// `icamerasrc` with a fault unless the probe got past it.
pub fn read(output: &[u8], ended_well: bool) -> Vec<Found> {
    let lines = output.split(|byte| *byte == b'\n');
    let mut all: Vec<Found> = lines
        .filter_map(|line| serde_json::from_slice(line).ok())
        .map(fit_to_show)
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

/// A camera whose texts, which come from the device or its software, are fit to be shown.
fn fit_to_show(found: Found) -> Found {
    Found {
        name: one_line(&found.name, LONGEST_NAME),
        problem: found.problem.map(Fault::one_line),
        ..found
    }
}

/// Finds all cameras in a child process and waits for it.
pub fn find_all() -> io::Result<Vec<Found>> {
    let child = program::command()?
        .args(["capture", "--probe"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null()) // messages of libraries
        .spawn()?;
    let (output, ended_well) = wait_with_output(child)?;
    Ok(read(&output, ended_well))
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
