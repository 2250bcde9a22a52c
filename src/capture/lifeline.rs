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
    Pid, Signal, getpid, getppid, kill_process, set_parent_process_death_signal,
};

/// From the applet's end; the same time limit as the applet's own.
const KILL_DELAY: Duration = Duration::from_secs(5);

/// Makes this process receive SIGTERM when its parent ends. False if `parent` has ended already.
pub fn tie_to_parent(parent: u32) -> rustix::io::Result<bool> {
    set_parent_process_death_signal(Some(Signal::TERM))?;
    // If it ended before the line above, there will be no signal.
    let now = getppid().map(Pid::as_raw_nonzero);
    Ok(now.is_some_and(|pid| u32::try_from(pid.get()) == Ok(parent)))
}

/// Kills this process [`KILL_DELAY`] after the other side closes the socket.
pub fn hold(socket: Arc<OwnedFd>) -> std::io::Result<()> {
    thread::Builder::new()
        .name("lifeline".to_owned())
        .spawn(move || {
            wait_for_close(&socket);
            thread::sleep(KILL_DELAY);
            // Not `exit`: it would run the libraries' exit handlers, which may hang as well.
            let _ = kill_process(getpid(), Signal::KILL);
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
