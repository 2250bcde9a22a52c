//! The worker's process: how it is started, and that it ends.

use std::io;
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};

use glib::{ControlFlow, IOCondition};
use rustix::fs::OFlags;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use crate::app::drain::drain;
use crate::descriptor::{self, Watched};
use crate::program;

/// GStreamer searches for new plugins at every start, which takes time that a client waits for. The
/// search for a source has just done it.
const REGISTRY_UPDATE: &str = "GST_REGISTRY_UPDATE";

/// Libraries that use the network read the desktop's proxy settings. Its settings are kept in the home
/// directory, which is hidden from them, and a camera nearby needs no proxy.
const SETTINGS_BACKEND: &str = "GSETTINGS_BACKEND";

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
        if let Some(stderr) = child.stderr.take() {
            let pipe = OwnedFd::from(stderr);
            rustix::fs::fcntl_setfl(&pipe, OFlags::NONBLOCK)?;
            drain(pipe, "camera"); // ends by itself, when the last of the worker's children closed it
        }
        let pid = child.id();
        let pidfd = pidfd_open(Pid::from_child(&child), PidfdFlags::empty())?;
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

/// The worker's program, with this as its standard input.
pub fn program(socket: OwnedFd) -> io::Result<Command> {
    let mut command = program::command()?;
    if std::env::var_os(REGISTRY_UPDATE).is_none() {
        command.env(REGISTRY_UPDATE, "no");
    }
    command
        .arg("capture")
        .env(SETTINGS_BACKEND, "memory")
        .stdin(socket)
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    Ok(command)
}
