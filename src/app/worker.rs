//! The capture worker, as the applet holds it: a process, a channel to it, and the pump for its frames.

mod channel;
mod process;
mod pump;

use std::cell::{Cell, RefCell};
use std::io;
use std::process::Child;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::time::Duration;

use async_channel::Receiver;
use rustix::process::Signal;

use self::channel::Channel;
use self::process::{Process, program};
use self::pump::Pump;
pub use self::pump::{Report, Route};
use super::spawner;
use crate::capture::protocol::{Job, ToWorker};
use crate::descriptor::Watched;
use crate::relay::{Fault, FaultKind, FrameCount, Generation, StopHow};
use crate::settings::n_;

/// What a worker reports.
pub enum WorkerEvent {
    /// Its process has started, or there will be none.
    Started(Result<(), Fault>),
    /// What the frame pump reports.
    Pump(Report),
}

/// A worker. Dropping it kills the process.
pub struct Worker {
    generation: Generation,
    channel: Arc<Channel>,
    pump: Rc<Pump>,
    state: Rc<RefCell<State>>,
    has_route: Cell<bool>,
    _reports: Watched,
}

/// How far its process is.
enum State {
    Starting,
    Running(Process),
    Ended,
}

impl Worker {
    /// Starts a worker, which warms up and waits for the order to open the camera. Commands can be sent
    /// at once. No frame for `silence` after another is reported.
    pub fn spawn(
        generation: Generation,
        job: &Job,
        silence: Duration,
        notify: impl Fn(WorkerEvent) + 'static,
    ) -> io::Result<Self> {
        let (channel, theirs) = Channel::new(job)?;
        let (pump, reports) = Pump::start(channel.clone(), silence)?;
        let (pump, state) = (Rc::new(pump), Rc::new(RefCell::new(State::Starting)));
        let notify = Rc::new(notify);
        let order = spawner::start(program(theirs, &job.source));
        let started = notify.clone();
        adopt(order, &state, &pump, move |result| {
            started(WorkerEvent::Started(result));
        });
        Ok(Self {
            generation,
            channel,
            pump,
            state,
            has_route: Cell::new(false),
            _reports: receive(reports, notify),
        })
    }

    /// Which start this is.
    pub fn generation(&self) -> Generation {
        self.generation
    }

    /// Its process id, while there is a process.
    pub fn pid(&self) -> Option<u32> {
        match &*self.state.borrow() {
            State::Running(process) => Some(process.pid),
            State::Starting | State::Ended => None,
        }
    }

    /// Orders it to open the camera.
    pub fn open_camera(&self) {
        self.channel.send(ToWorker::Open);
    }

    /// Shows its frames along this route from now on; no frame of the old one is shown after this.
    pub fn set_route(&self, route: Route) {
        self.has_route.set(!route.outputs.is_empty());
        self.pump.set_route(route);
    }

    /// Whether its frames go to any output.
    pub fn has_route(&self) -> bool {
        self.has_route.get()
    }

    /// Its frames since the last call.
    pub fn count(&self) -> FrameCount {
        self.pump.count()
    }

    /// Orders it to end. It must not write into slots that an output still reads.
    pub fn stop(&self, how: StopHow) {
        let name = match how {
            StopHow::Gracefully => {
                return self.channel.send(ToWorker::Stop(self.channel.leased()));
            }
            StopHow::Terminate => "SIGTERM",
            StopHow::Kill => "SIGKILL",
        };
        match &*self.state.borrow() {
            State::Running(process) if how == StopHow::Kill => process.kill(),
            State::Running(process) => process.signal(Signal::TERM),
            State::Starting | State::Ended => {}
        }
        tracing::warn!("the camera's software does not end; sent it {name}");
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if let State::Running(process) = self.state.replace(State::Ended) {
            process.kill();
        }
    }
}

/// Passes the pump's reports on, until the worker is dropped.
fn receive(reports: Receiver<Report>, notify: Rc<impl Fn(WorkerEvent) + 'static>) -> Watched {
    Watched::task(async move {
        while let Ok(report) = reports.recv().await {
            notify(WorkerEvent::Pump(report));
        }
    })
}

/// Follows a worker's process from its start to its end, at which the pump reads what is left and then
/// reports the end.
fn adopt(
    order: impl Future<Output = io::Result<Child>> + 'static,
    state: &Rc<RefCell<State>>,
    pump: &Rc<Pump>,
    started: impl FnOnce(Result<(), Fault>) + 'static,
) {
    let (state, pump) = (Rc::downgrade(state), Rc::downgrade(pump));
    glib::spawn_future_local(async move {
        let ended = {
            let state = state.clone();
            move || end(&state, &pump)
        };
        let process = order.await.and_then(|child| Process::new(child, ended));
        let Some(state) = state.upgrade() else {
            // It was dropped meanwhile.
            return process.iter().for_each(Process::kill);
        };
        started(match process {
            Ok(process) => {
                state.replace(State::Running(process));
                Ok(())
            }
            Err(error) => Err(could_not_start(&error)),
        });
    });
}

fn end(state: &Weak<RefCell<State>>, pump: &Weak<Pump>) {
    // Dropped after its own callback.
    let process = state.upgrade().map(|state| state.replace(State::Ended));
    glib::idle_add_local_once(move || drop(process));
    if let Some(pump) = pump.upgrade() {
        pump.end();
    }
}

/// Why there is no worker.
pub fn could_not_start(error: &io::Error) -> Fault {
    let text = n_("cannot start the camera's process: {error}");
    Fault::new(FaultKind::Other, text).with_message("error", error)
}
