//! The worker's process: how it is started, and that it ends.

use std::io;
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};

use rustix::fs::OFlags;
use rustix::process::{Pid, Signal, kill_process_group, pidfd_send_signal};

use crate::app::drain::drain;
use crate::app::spawner;
use crate::capture::child;
use crate::capture::sandbox::Reach;
use crate::settings::SourceSpec;

/// A worker's process.
pub struct Process {
    /// Its number, which is also that of its process group.
    pub pid: u32,
    pidfd: OwnedFd,
}

impl Process {
    /// Watches over a child; `ended` is called once it has been reaped.
    pub fn new(child: Child, ended: impl Fn() + 'static) -> io::Result<Self> {
        let pid = child.id();
        let (mut child, pidfd) = spawner::with_pidfd(child)?;
        if let Some(stderr) = child.stderr.take() {
            read_log(stderr.into());
        }
        let end = spawner::end(child);
        glib::spawn_future_local(async move {
            match end.await {
                Ok(status) => tracing::debug!("worker {pid} ended: {status}"),
                Err(error) => tracing::error!("worker {pid}: {error}"),
            }
            ended();
        });
        Ok(Self { pid, pidfd })
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        if let Err(error) = pidfd_send_signal(&self.pidfd, signal) {
            tracing::debug!("worker {}: {error}", self.pid);
        }
    }

    /// Kills it and all that it started.
    pub fn kill(&self) {
        // Once it has been reaped, its number may be another process's.
        if pidfd_send_signal(&self.pidfd, Signal::KILL).is_ok()
            && let Some(group) = Pid::from_raw(self.pid.cast_signed())
        {
            let _ = kill_process_group(group, Signal::KILL);
        }
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
pub fn program(socket: OwnedFd, source: &str) -> Command {
    // A worker fails if it can't read its source.
    let source: SourceSpec = source.parse().unwrap_or(SourceSpec::Test);
    let mut command = child::command(Reach::of(&source));
    command
        .stdin(socket)
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    command
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader};
    use std::os::unix::process::CommandExt;
    use std::path::Path;
    use std::thread;

    use glib::MainLoop;
    use rustix::event::{PollFd, PollFlags, poll};
    use rustix::process::{PidfdFlags, Resource, Rlimit, pidfd_open, setrlimit};

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

    /// A worker that leaves a process behind, and a descriptor that shows the latter's end.
    fn worker(script: &str) -> (Child, OwnedFd) {
        let mut command = Command::new("/bin/sh");
        let left = "sleep 3600 </dev/null >/dev/null 2>&1 & echo $!";
        command.args(["-c", &format!("{left}; {script}")]);
        let command = command.process_group(0).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut line).unwrap();
        let left = Pid::from_raw(line.trim().parse().unwrap()).unwrap();
        (child, pidfd_open(left, PidfdFlags::empty()).unwrap())
    }

    #[test]
    fn what_a_worker_starts_ends_with_it() {
        for (script, is_killed) in [("exit", false), ("sleep 3600", true)] {
            let (child, left) = worker(script);
            let main_loop = MainLoop::new(None, false);
            let quit = main_loop.clone();
            let process = Process::new(child, move || quit.quit()).unwrap();
            if is_killed {
                process.kill();
            }
            main_loop.run();
            // Returns when it has ended, which a kill brings about.
            poll(&mut [PollFd::new(&left, PollFlags::IN)], None).unwrap();
        }
    }
}
