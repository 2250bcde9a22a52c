//! The relay's events in, its commands out to what carries them out.

use std::rc::Rc;
use std::time::Duration;

use super::Applet;
use super::worker::{Report, WorkerEvent};
use crate::relay::{Command, Event, Fault, FrameCount, Generation, Time};

impl Applet {
    /// Handles one event. Called by the queue only.
    pub(super) fn handle(self: &Rc<Self>, event: Event) {
        match &event {
            Event::OutputReady(..) => self.flow.end_stale_previews(),
            Event::OutputLost(id, _) => self.flow.forget_output(*id),
            Event::WorkerExited(generation) => {
                self.count_frames();
                self.flow.forget_worker(*generation);
            }
            _ => {}
        }
        let now = self.now();
        let commands = self.relay.borrow_mut().step(event, now);
        for command in commands {
            self.execute(command);
        }
    }

    fn execute(self: &Rc<Self>, command: Command) {
        match command {
            Command::WakeAt(at) => self.wake_at(at),
            Command::Spawn(generation) => self.spawn(generation),
            Command::OpenCamera(generation) => self.flow.open_camera(generation),
            Command::Stop(generation, how) => self.flow.stop(generation, how),
            Command::Route(generation, to) => {
                self.flow.set_route(generation, to);
                self.count_frames();
            }
            Command::Show(id, card) => self.flow.show(id, card),
            Command::Sustain(id, on) => self.flow.sustain(id, on),
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
        let applet = Rc::downgrade(self);
        let notify = move |event| {
            if let Some(applet) = applet.upgrade() {
                applet.worker_reported(generation, event);
            }
        };
        let source = self.search.chosen().map(|chosen| chosen.found.spec);
        let camera = self.config.settings().camera.clone();
        let silence = self.config.plan().silence;
        let spawned = self
            .flow
            .spawn(generation, source, &camera, silence, notify);
        if let Err(fault) = spawned {
            self.no_worker(generation, fault);
        }
    }

    fn worker_reported(self: &Rc<Self>, generation: Generation, event: WorkerEvent) {
        match event {
            WorkerEvent::Started(Ok(())) => self.publish(), // its process has a number now
            WorkerEvent::Started(Err(fault)) => self.no_worker(generation, fault),
            WorkerEvent::Pump(report) => {
                let event = match report {
                    Report::FirstFrame => Some(Event::FirstFrame(generation)),
                    Report::Silent => Some(Event::Silent(generation)),
                    Report::Failed(fault) => Some(Event::WorkerFailed(generation, fault)),
                    Report::Streams(id, count) => Some(Event::Usage(id, count)),
                    Report::Lost(id, error) => self.flow.output_failed(id, &error),
                    Report::Ended => Some(Event::WorkerExited(generation)),
                };
                if let Some(event) = event {
                    self.events.send(event);
                }
            }
        }
    }

    fn no_worker(&self, generation: Generation, fault: Fault) {
        self.events.send(Event::WorkerFailed(generation, fault));
        self.events.send(Event::WorkerExited(generation));
    }

    /// Has the relay count the frames that went along the route until now.
    pub(super) fn count_frames(&self) {
        let count = self.flow.count_frames();
        if count != FrameCount::default() {
            self.events.send(Event::Frames(count));
        }
    }
}
