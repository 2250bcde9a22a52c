//! The pump: one event into the relay, its commands out to the adapters.

use std::rc::Rc;
use std::time::Duration;

use super::outlets::Lost;
use super::worker::could_not_start;
use super::{Applet, Worker};
use crate::capture::protocol::Job;
use crate::i18n::gettext;
use crate::relay::{Command, Event, Generation, Time};

/// Slots beyond those that a camera stack keeps in flight: one is being copied, one waits for it.
const SPARE_SLOTS: u32 = 2;

impl Applet {
    /// Handles one event; whether more may have changed than the picture. Called by the queue only.
    pub(super) fn handle(self: &Rc<Self>, event: Event) -> bool {
        self.take_over();
        match &event {
            Event::OutputReady(..) => self.end_stale_previews(),
            Event::OutputLost(id, _) => {
                self.outlets.borrow_mut().forget(*id);
                self.end_stale_previews();
            }
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
            self.obey(command);
        }
        !routine
    }

    /// Whether the relay went live since the shells were told last.
    fn starts_showing(&self) -> bool {
        self.told.borrow().0.state != self.relay.borrow().state()
    }

    pub(super) fn obey(self: &Rc<Self>, command: Command) {
        match command {
            Command::WakeAt(at) => self.wake_at(at),
            Command::Spawn(generation) => self.spawn(generation),
            Command::OpenCamera(generation) => self.with_worker(generation, Worker::open_camera),
            Command::Stop(generation, how) => {
                let kept = self.outlets.borrow().kept(generation);
                self.with_worker(generation, |worker| worker.stop(how, kept));
            }
            Command::Submit(generation, slot, to) => self.submit(generation, slot, to),
            Command::Release(generation, slot) => {
                self.with_worker(generation, |worker| worker.free(slot));
            }
            Command::Show(id, card) => {
                let lost = self.outlets.borrow_mut().show(id, card);
                self.mind(lost);
                self.preview_card(card);
            }
            Command::Sustain(id, on) => {
                let lost = self.outlets.borrow_mut().sustain(id, on);
                self.mind(lost);
            }
            Command::FindHolders(id) => self.find_holders(id),
            Command::CheckHolders(id, pids) => self.check_holders(id, &pids),
            Command::ReopenOutputs => self.reconnect(),
            Command::FindSource => self.find_source(),
            Command::AllowSleep => self.allow_sleep(),
        }
    }

    fn wake_at(self: &Rc<Self>, at: Option<Time>) {
        if let Some(timer) = self.timer.take() {
            timer.remove();
        }
        let Some(at) = at else {
            return;
        };
        // From this very moment: starting a worker just before took its time. GLib counts milliseconds,
        // and a timer must not fire before its time, or it fires twice.
        let wait = at.saturating_sub(self.now()) + Duration::from_micros(999);
        let applet = Rc::downgrade(self);
        let timer = glib::timeout_add_local_once(wait, move || {
            if let Some(applet) = applet.upgrade() {
                applet.timer.take(); // spent
                applet.events.send(Event::Wake);
            }
        });
        self.timer.replace(Some(timer));
    }

    fn spawn(self: &Rc<Self>, generation: Generation) {
        // Its process has a number now.
        let started = self.called_back(Self::settled);
        let returned = self.called_back(Self::catch_up);
        let spawned = match self.job() {
            Some(job) => Worker::spawn(generation, &job, &self.events, started, returned),
            None => Err(std::io::Error::other(gettext("no camera or no output"))),
        };
        match spawned {
            Ok(worker) => drop(self.worker.replace(Some(worker))),
            Err(error) => could_not_start(&self.events, generation, &error),
        }
    }

    fn called_back<F: Fn(&Rc<Self>)>(self: &Rc<Self>, act: F) -> impl Fn() + use<F> {
        let applet = Rc::downgrade(self);
        move || {
            if let Some(applet) = applet.upgrade() {
                act(&applet);
            }
        }
    }

    /// What a worker is to do: the chosen source, in the shape of the outputs as they are.
    fn job(&self) -> Option<Job> {
        let source = self.source.borrow().as_ref()?.found.spec.clone();
        let (geometry, framerate) = self.outlets.borrow().shape()?;
        let camera = &self.settings.borrow().camera;
        Some(Job {
            source,
            width: geometry.width,
            height: geometry.height,
            framerate,
            format: geometry.format.name().to_owned(),
            buffer_count: camera.buffer_count,
            transform: camera.transform.name().to_owned(),
            slots: camera.buffer_count + SPARE_SLOTS + self.outlets.borrow().kept_slots(),
            frame_len: geometry.frame_len(),
            parent: std::process::id(),
        })
    }

    pub(super) fn with_worker(&self, generation: Generation, tell: impl FnOnce(&Worker)) {
        let worker = self.worker.borrow();
        if let Some(worker) = worker
            .as_ref()
            .filter(|worker| worker.generation() == generation)
        {
            tell(worker);
        }
    }

    /// Tells the relay which outputs failed.
    pub(super) fn mind(&self, lost: Vec<Lost>) {
        for (id, fault) in lost {
            self.events.send(Event::OutputLost(id, fault));
        }
    }
}
