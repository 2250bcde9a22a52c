//! The wait for a PipeWire that doesn't run, or doesn't answer.

use std::cell::Cell;
use std::io;
use std::rc::Rc;
use std::time::{Duration, Instant};

use glib::{ControlFlow, IOCondition};
use inotify::{Inotify, WatchMask};

use super::Socket;
use crate::descriptor::{self, Watched};
use crate::relay::backoff;
use crate::settings::{OutputKind, OutputSpec};

/// A connection that has lasted for this long was good: the next failure counts as the first.
const GOOD_AFTER: Duration = Duration::from_secs(10);

/// How long a connection has lasted, for those who count failures in a row.
pub struct Health {
    since: Instant,
    failures: Rc<Cell<u32>>,
}

impl Health {
    /// A connection that was just made.
    pub fn new(failures: Rc<Cell<u32>>) -> Self {
        Self {
            since: Instant::now(),
            failures,
        }
    }

    /// The connection is lost.
    pub fn lost(&self) {
        if self.since.elapsed() >= GOOD_AFTER {
            self.failures.set(0);
        }
    }
}

/// Retries when PipeWire is started, and where its socket is there, after a while.
pub fn wait(spec: &OutputSpec, failures: &Rc<Cell<u32>>, retry: &Rc<dyn Fn()>) -> Vec<Watched> {
    let is_wanted = match spec.kind {
        OutputKind::Pipewire => true,
        OutputKind::Auto => spec.device.is_none(),
        OutputKind::V4l2loopback | OutputKind::Vcam => false,
    };
    let Some(socket) = Socket::find().filter(|_| is_wanted) else {
        return Vec::new();
    };
    let watched = watch_socket(&socket, failures.clone(), retry.clone());
    let mut watched: Vec<_> = watched
        .inspect_err(|error| tracing::debug!("watching {}: {error}", socket.dir.display()))
        .into_iter()
        .collect();
    if socket.path().exists() {
        failures.set(failures.get() + 1);
        let retry = retry.clone();
        let wait = backoff::wait(failures.get());
        let timer = glib::timeout_add_local_once(wait, move || retry());
        watched.push(Watched::new(timer));
    }
    watched
}

/// Retries when the socket appears.
fn watch_socket(
    socket: &Socket,
    failures: Rc<Cell<u32>>,
    retry: Rc<dyn Fn()>,
) -> io::Result<Watched> {
    let inotify = Inotify::init()?;
    let mask = WatchMask::CREATE | WatchMask::MOVED_TO;
    inotify.watches().add(&socket.dir, mask)?;
    let name = socket.name.clone();
    let ready = move |inotify: &mut Inotify| {
        let mut buffer = [0; 4096];
        let appeared = match inotify.read_events(&mut buffer) {
            Ok(mut events) => events.any(|event| event.name == Some(&name)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => false,
            Err(_) => return ControlFlow::Break,
        };
        if appeared {
            failures.set(0);
            // A retry drops this watch, which must not happen within its callback.
            let retry = retry.clone();
            glib::idle_add_local_once(move || retry());
        }
        ControlFlow::Continue
    };
    Ok(descriptor::watch(inotify, IOCondition::IN, ready))
}
