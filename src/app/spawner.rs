//! Starting processes, on a thread of its own: starting one blocks until it is loaded, which would
//! delay the main loop.
//!
//! The thread lives as long as the program, because the kernel ends a worker at the end of the thread
//! that started it (`PR_SET_PDEATHSIG`).

use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus};
use std::sync::{LazyLock, mpsc};
use std::thread;

use async_channel::Sender;
use glib::{ControlFlow, IOCondition};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use crate::capture::child;
use crate::descriptor;
use crate::small_file;

struct Order {
    command: Command,
    started: Sender<io::Result<Child>>,
}

static ORDERS: LazyLock<mpsc::Sender<Order>> = LazyLock::new(|| {
    let (orders, incoming) = mpsc::channel();
    let spawner = thread::Builder::new().name("spawner".to_owned());
    if let Err(error) = spawner.spawn(move || run(&incoming)) {
        tracing::error!("cannot start a thread: {error}");
    }
    orders
});

fn run(orders: &mpsc::Receiver<Order>) {
    for Order {
        mut command,
        started,
    } in orders
    {
        // The caller may have gone; the child then ends by the end of its socket.
        let _ = started.send_blocking(command.spawn());
    }
}

/// Starts a process. The order is out when this returns, whether the answer is waited for or not.
pub fn start(command: Command) -> impl Future<Output = io::Result<Child>> {
    let (started, answer) = async_channel::bounded(1);
    let sent = ORDERS.send(Order { command, started });
    async move {
        let lost = || io::Error::other("no thread to start it");
        sent.map_err(|_| lost())?;
        answer.recv().await.map_err(|_| lost())?
    }
}

/// Reaps the children that an applet before this one, in the same process, has left.
pub fn adopt() {
    let pid = std::process::id();
    let path = PathBuf::from(format!("/proc/{pid}/task/{pid}/children"));
    let children = small_file::text(&path).unwrap_or_default();
    let children = children.split_ascii_whitespace();
    for child in children.filter_map(|pid| pid.parse().ok()) {
        glib::child_watch_add_local(glib::Pid(child), |_, _| {});
    }
}

/// Waits until a process has ended. It is reaped then, also if the caller stops waiting, and the rest of
/// the process group that it leads is killed before.
pub fn end(child: Child) -> impl Future<Output = io::Result<ExitStatus>> {
    let (ended, status) = async_channel::bounded(1);
    let watched = with_pidfd(child).map(|(mut child, pidfd)| {
        let watch = descriptor::watch(pidfd, IOCondition::IN, move |_| {
            child::kill_group(&child);
            let _ = ended.try_send(child.wait());
            ControlFlow::Break
        });
        watch.detach();
    });
    async move {
        watched?;
        status.recv().await.map_err(io::Error::other)?
    }
}

/// A process, and a descriptor to watch and signal it. Without a free descriptor, ends the process: it
/// may have the order to open the camera already.
pub fn with_pidfd(mut child: Child) -> io::Result<(Child, OwnedFd)> {
    let error = match pidfd_open(Pid::from_child(&child), PidfdFlags::empty()) {
        Ok(pidfd) => return Ok((child, pidfd)),
        Err(error) => error,
    };
    let _ = child.kill();
    // Its end may take a moment.
    let reaper = thread::Builder::new().name("reaper".to_owned());
    if let Err(error) = reaper.spawn(move || child.wait()) {
        tracing::error!("cannot start a thread: {error}");
    }
    Err(error.into())
}
