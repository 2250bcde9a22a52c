//! Ends the worker after the applet, even if a driver hangs.
//!
//! Normally the applet kills a worker that hangs. If the applet itself is gone, and the main thread is
//! stuck in a driver, so that it handles neither the closed socket nor a signal, a separate thread
//! that waits for the socket to close does so.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::process::{
    Pid, Signal, getpgrp, getpid, getppid, kill_process, kill_process_group,
    set_parent_process_death_signal,
};

/// From the applet's end; the same time limit as the applet's own.
const KILL_DELAY: Duration = Duration::from_secs(5);

/// Makes this process receive SIGTERM when its parent ends. False if `parent` has ended already.
pub fn tie_to_parent(parent: u32) -> rustix::io::Result<bool> {
    set_parent_process_death_signal(Some(Signal::TERM))?;
    // If it ended before the line above, there will be no signal.
    Ok(is_parent(parent))
}

fn is_parent(parent: u32) -> bool {
    let now = getppid().map(Pid::as_raw_nonzero);
    now.is_some_and(|pid| u32::try_from(pid.get()) == Ok(parent))
}

/// At the end of the worker: kills what it started, and itself, if there is no applet to do so.
pub fn end_without(parent: u32) {
    if !is_parent(parent) {
        kill_all();
    }
}

fn kill_all() {
    let own = getpid();
    // A group that another process leads is not the worker's alone.
    if getpgrp() == own {
        let _ = kill_process_group(own, Signal::KILL);
    }
    let _ = kill_process(own, Signal::KILL);
}

/// Kills this process, and what it started, [`KILL_DELAY`] after the other side closes the socket.
pub fn hold(socket: Arc<OwnedFd>) -> std::io::Result<()> {
    thread::Builder::new()
        .name("lifeline".to_owned())
        .spawn(move || {
            wait_for_close(&socket);
            thread::sleep(KILL_DELAY);
            // Not `exit`: it would run the libraries' exit handlers, which may hang as well.
            kill_all();
        })
        .map(drop)
}

fn wait_for_close(socket: &OwnedFd) {
    loop {
        // The main loop reads messages; only the close wakes this thread.
        let mut fds = [PollFd::new(socket, PollFlags::RDHUP)];
        match poll(&mut fds, None) {
            Err(Errno::INTR) => {}
            // A socket that can't be polled counts as closed.
            Ok(_) | Err(_) => return,
        }
    }
}
