//! The pump: one event into the relay, its commands out to the adapters.

use std::rc::Rc;
use std::time::Duration;

use super::worker::FREED_AT_ONCE;
use super::{Applet, Worker};
use crate::capture::protocol::Job;
use crate::clients::{find_holders, still_holding};
use crate::relay::{Command, Event, Fault, FaultKind, Generation, Time};

/// Slots beyond those that a camera stack keeps in flight: one is being copied, one waits for it,
/// and some are free again without the worker's knowing yet.
const SPARE_SLOTS: u32 = 2 + FREED_AT_ONCE - 1;

impl Applet {
    /// Handles one event; whether more may have changed than the picture. Called by the queue only.
    pub(super) fn handle(self: &Rc<Self>, event: Event) -> bool {
        match &event {
            Event::OutputLost(_) => self.outlet.borrow_mut().forget(),
            Event::WorkerExited(generation) => {
                let ended = self
                    .worker
                    .borrow_mut()
                    .take_if(|worker| worker.generation() == *generation);
                drop(ended);
            }
            _ => {}
        }
        let now = self.now();
        let commands = self.relay.borrow_mut().step(event, now);
        // A frame among frames, which is nearly all that ever happens: nobody else need know.
        let routine = matches!(commands[..], [Command::Submit(..)]) && !self.starts_showing();
        for command in commands {
            self.obey(command, now);
        }
        !routine
    }

    /// Whether the relay went live since the shells were told last.
    fn starts_showing(&self) -> bool {
        self.told.borrow().0.state != self.relay.borrow().state()
    }

    fn obey(self: &Rc<Self>, command: Command, now: Time) {
        match command {
            Command::WakeAt(at) => self.wake_at(at, now),
            Command::Spawn(generation) => self.spawn(generation),
            Command::OpenCamera(generation) => self.with_worker(generation, Worker::open_camera),
            Command::Stop(generation, how) => {
                self.with_worker(generation, |worker| worker.stop(how));
            }
            Command::Submit(generation, slot) => self.submit(generation, slot),
            Command::Release(generation, slot) => {
                self.with_worker(generation, |worker| worker.free(slot));
            }
            Command::Show(card) => {
                let shown = self.outlet.borrow_mut().show(card);
                self.mind(shown);
            }
            Command::Sustain(on) => {
                let done = self.outlet.borrow_mut().sustain(on);
                self.mind(done);
            }
            Command::FindHolders => self.find_holders(),
            Command::CheckHolders(pids) => self.check_holders(&pids),
            Command::ReopenOutput => self.reconnect(),
            Command::FindSource => self.find_source(),
        }
    }

    fn wake_at(self: &Rc<Self>, at: Option<Time>, now: Time) {
        if let Some(timer) = self.timer.take() {
            timer.remove();
        }
        let Some(at) = at else {
            return;
        };
        // GLib counts milliseconds: a timer must not fire before its time, or it fires twice.
        let wait = at.saturating_sub(now) + Duration::from_micros(999);
        let applet = Rc::downgrade(self);
        let timer = glib::timeout_add_local_once(wait, move || {
            if let Some(applet) = applet.upgrade() {
                applet.timer.take(); // spent
                applet.events.send(Event::Wake);
            }
        });
        self.timer.replace(Some(timer));
    }

    fn spawn(&self, generation: Generation) {
        let started = match self.job() {
            Some(job) => Worker::spawn(generation, &job, &self.events),
            None => Err(std::io::Error::other("no camera or no output")),
        };
        match started {
            Ok(worker) => {
                self.worker.replace(Some(worker));
            }
            Err(error) => {
                let text = format!("cannot start the camera's process: {error}");
                let fault = Fault::new(FaultKind::Other, text);
                self.events.send(Event::WorkerFailed(generation, fault));
                self.events.send(Event::WorkerExited(generation));
            }
        }
    }

    /// What a worker is to do: the chosen source, in the shape of the output as it is.
    fn job(&self) -> Option<Job> {
        let source = self.source.borrow().as_ref()?.found.spec.clone();
        let outlet = self.outlet.borrow();
        let output = outlet.output()?;
        let camera = &self.settings.borrow().camera;
        let geometry = output.geometry();
        Some(Job {
            source,
            width: geometry.width,
            height: geometry.height,
            framerate: output.framerate(),
            format: geometry.format.name().to_owned(),
            buffer_count: camera.buffer_count,
            transform: camera.transform.name().to_owned(),
            slots: camera.buffer_count + SPARE_SLOTS,
            slot_stride: geometry
                .frame_len()
                .next_multiple_of(rustix::param::page_size()),
            parent: std::process::id(),
        })
    }

    fn with_worker(&self, generation: Generation, tell: impl FnOnce(&Worker)) {
        let worker = self.worker.borrow();
        if let Some(worker) = worker
            .as_ref()
            .filter(|worker| worker.generation() == generation)
        {
            tell(worker);
        }
    }

    /// The frame path: one copy from the slot into the driver's buffer, and the slot is free again.
    fn submit(&self, generation: Generation, slot: u32) {
        let mut outlet = self.outlet.borrow_mut();
        let len = outlet
            .output()
            .map_or(0, |output| output.geometry().frame_len());
        let mut shown = Ok(());
        self.with_worker(generation, |worker| {
            if let Some(frame) = worker.frame(slot, len) {
                shown = outlet.submit(frame);
            } else {
                tracing::error!("worker {} filled a slot that isn't there", worker.pid());
            }
            worker.free(slot);
        });
        drop(outlet);
        self.mind(shown);
    }

    /// Tells the relay when the output failed.
    pub(super) fn mind(&self, done: Result<(), Fault>) {
        if let Err(fault) = done {
            self.events.send(Event::OutputLost(fault));
        }
    }

    /// Walks /proc on another thread: it may have thousands of entries. The thread ends with the
    /// walk; one of GLib's pool would linger and wake up twice a second.
    fn find_holders(self: &Rc<Self>) {
        let Some(node) = self.node() else {
            return;
        };
        let (found, result) = async_channel::bounded(1);
        let walk = std::thread::Builder::new().name("holders".to_owned());
        let walk = walk.spawn(move || found.send_blocking(find_holders(&node)));
        if let Err(error) = walk {
            return tracing::warn!("cannot look who uses the camera: {error}");
        }
        let applet = Rc::downgrade(self);
        glib::spawn_future_local(async move {
            if let (Ok(holders), Some(applet)) = (result.recv().await, applet.upgrade()) {
                applet.events.send(Event::Holders(holders));
            }
        });
    }

    fn check_holders(&self, pids: &[u32]) {
        if let Some(node) = self.node() {
            self.events.send(Event::Holders(still_holding(&node, pids)));
        }
    }

    fn node(&self) -> Option<std::path::PathBuf> {
        Some(self.outlet.borrow().output()?.path().to_owned())
    }
}
