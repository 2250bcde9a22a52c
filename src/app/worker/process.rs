//! The worker's process: how it is started, and that it ends.

use std::io;
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};
use std::thread;

use glib::{ControlFlow, IOCondition};
use rustix::fs::OFlags;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use crate::app::drain::drain;
use crate::capture::child;
use crate::capture::sandbox::Reach;
use crate::descriptor::{self, Watched};
use crate::settings::SourceSpec;

/// A worker's process.
pub struct Process {
    /// Its number.
    pub pid: u32,
    /// Goes before the descriptor that it watches.
    _end: Watched,
    pidfd: OwnedFd,
}

impl Process {
    /// Watches over a child; `ended` is called once it has been reaped.
    pub fn new(mut child: Child, ended: impl Fn() + 'static) -> io::Result<Self> {
        let pid = child.id();
        let pidfd = match pidfd_open(Pid::from_child(&child), PidfdFlags::empty()) {
            Ok(pidfd) => pidfd,
            Err(error) => {
                abandon(child);
                return Err(error.into());
            }
        };
        if let Some(stderr) = child.stderr.take() {
            read_log(stderr.into());
        }
        let end = descriptor::watch_borrowed(&pidfd, IOCondition::IN, move || {
            match child.wait() {
                Ok(status) => tracing::debug!("worker {} ended: {status}", child.id()),
                Err(error) => tracing::error!("worker {}: {error}", child.id()),
            }
            ended();
            ControlFlow::Break
        });
        Ok(Self {
            pid,
            _end: end,
            pidfd,
        })
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        if let Err(error) = pidfd_send_signal(&self.pidfd, signal) {
            tracing::debug!("worker {}: {error}", self.pid);
        }
    }
}

/// Ends a process that can't be watched: it may have the order to open the camera already.
fn abandon(mut child: Child) {
    let _ = child.kill();
    // Its end may take a moment.
    let reaper = thread::Builder::new().name("reaper".to_owned());
    if let Err(error) = reaper.spawn(move || child.wait()) {
        tracing::error!("cannot start a thread: {error}");
    }
}

/// Logs what a worker prints, until the last of its children has closed the pipe.
fn read_log(pipe: OwnedFd) {
    match rustix::fs::fcntl_setfl(&pipe, OFlags::NONBLOCK) {
        Ok(()) => drain(pipe, "camera"),
        Err(error) => tracing::error!("cannot read the camera's log: {error}"),
    }
}

/// The worker's program for a source, with this as its standard input.
pub fn program(socket: OwnedFd, source: &str) -> io::Result<Command> {
    // A worker fails if it can't read its source.
    let source: SourceSpec = source.parse().unwrap_or(SourceSpec::Test);
    let mut command = child::command(Reach::of(&source))?;
    child::skip_registry_update(&mut command);
    command
        .stdin(socket)
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    Ok(command)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use rustix::process::{Resource, Rlimit, setrlimit};

    use super::*;

    /// Every test has its own process, so that no other one lacks descriptors.
    #[test]
    fn a_process_that_cannot_be_watched_is_ended() {
        let child = Command::new("sleep").arg("600").spawn().unwrap();
        let place = format!("/proc/{}", child.id());
        let limit = Rlimit {
            current: Some(0),
            maximum: Some(4096),
        };
        setrlimit(Resource::Nofile, limit).unwrap();
        assert!(Process::new(child, || {}).is_err());
        while Path::new(&place).exists() {
            thread::yield_now();
        }
    }
}
