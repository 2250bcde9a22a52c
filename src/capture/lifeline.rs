//! The worker's end, whatever a driver does.
//!
//! The applet ends a worker that hangs. When the applet itself is gone nobody is left to do so, and
//! a main thread that is stuck in a driver sees neither the closed socket nor a signal. So a thread
//! of its own waits for the socket to close.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::process::{
    Pid, Signal, getpid, getppid, kill_process, set_parent_process_death_signal,
};

/// From the applet's end to ours, at most: what the applet itself would give us.
const LIMIT: Duration = Duration::from_secs(5);

/// Ties this process to its parent, which must be `parent`. False if that is gone already.
pub fn tie_to_parent(parent: u32) -> rustix::io::Result<bool> {
    set_parent_process_death_signal(Some(Signal::TERM))?;
    // It may have died before the line above, which then never fires.
    let now = getppid().map(Pid::as_raw_nonzero);
    Ok(now.is_some_and(|pid| u32::try_from(pid.get()) == Ok(parent)))
}

/// From now on the process ends at most [`LIMIT`] after the other side of the socket closed.
pub fn hold(socket: Arc<OwnedFd>) -> std::io::Result<()> {
    thread::Builder::new()
        .name("lifeline".to_owned())
        .spawn(move || {
            wait_for_close(&socket);
            thread::sleep(LIMIT);
            // Not `exit`: it would run the libraries' own clean-up, which may hang as well.
            let _ = kill_process(getpid(), Signal::KILL);
        })
        .map(drop)
}

fn wait_for_close(socket: &OwnedFd) {
    loop {
        // Messages are the main loop's; only the end wakes this thread.
        let mut fds = [PollFd::new(socket, PollFlags::RDHUP)];
        match poll(&mut fds, None) {
            Err(Errno::INTR) => {}
            // A socket that can't be watched is no lifeline either.
            Ok(_) | Err(_) => return,
        }
    }
}
