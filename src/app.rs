//! The applet: one queue of events. Event → relay → commands → what carries them out; status → shells.
//!
//! [`Applet`] holds the relay's state and everything around it, and is the only thing that touches both.
//! Outputs, worker and watches send events and carry out commands; shells get a report and send
//! requests. Nothing in here waits: what takes time is done by children, or by a thread whose result
//! comes as an event.

mod application;
mod children;
mod config_state;
mod desk;
mod drain;
mod drawings;
mod events;
mod execute;
mod frame_flow;
mod holders;
mod hotplug;
mod latest;
mod outputs;
mod pause;
mod preferences;
mod preview;
mod publish;
mod reload;
mod requests;
mod search;
mod second_start;
mod session;
mod spawner;
mod transient_unit;
mod update;
mod worker;

use std::cell::{Cell, RefCell};
use std::process::ExitCode;
use std::rc::{Rc, Weak};
use std::time::Instant;

use gio::prelude::*;
use glib::{ControlFlow, SourceId};
use rustix::process::Signal;
use rustix::thread::disable_transparent_huge_pages;

use application::Application;
use config_state::ConfigState;
use desk::Desk;
use drawings::Drawings;
use events::{Events, Handler};
use frame_flow::FrameFlow;
use outputs::{Backends, Outputs};
use pause::PauseFile;
use publish::Published;
use update::Update;

use crate::autostart::Autostart;
use crate::config::{self, RunArgs};
use crate::descriptor::Watched;
use crate::instance::{self, Instance, Refusal};
use crate::output::backends;
use crate::relay::{Event, Fault, FaultKind, State, Time};
use crate::session::{Session, Sleep};
use crate::settings::n_;
use crate::stderr::say;

/// The applet. What belongs together is one part: each owns its data, and only methods of the applet
/// use several.
pub struct Applet {
    events: Events,
    relay: RefCell<State>,
    /// Where the relay's time starts.
    origin: Instant,
    timer: RefCell<Option<SourceId>>,
    config: ConfigState,
    pause: PauseFile,
    /// Outputs, worker, previews.
    flow: FrameFlow,
    scans: holders::Scans,
    windows: preferences::Windows,
    search: search::SourceSearch,
    drawings: Drawings,
    /// Whether the outputs were tried once. What the command line names must be there by then.
    tried: Cell<bool>,
    published: Published,
    application: RefCell<glib::WeakRef<Application>>,
    desk: Desk,
    update: Update,
    life: Life,
    surroundings: Surroundings,
}

/// From start to end.
#[derive(Default)]
struct Life {
    exit_code: Cell<u8>,
    /// Whether there was a session bus that is gone: nothing can reach this applet any more.
    out_of_reach: Cell<bool>,
    quitting: Cell<bool>,
    /// Whether the program is run again at the end.
    restarting: Cell<bool>,
    /// The right to run, once it is this process's.
    instance: RefCell<Option<Instance>>,
    /// Keeps the application running until `quit`.
    hold: RefCell<Option<gio::ApplicationHoldGuard>>,
}

/// What the applet watches around it.
#[derive(Default)]
struct Surroundings {
    /// Whether our session is the active one on the seat.
    session: RefCell<Option<Session>>,
    /// When the machine sleeps.
    sleep: RefCell<Option<Sleep>>,
    /// How to start with the session; `None` where that is not this run's to decide.
    autostart: RefCell<Option<Autostart>>,
    config: RefCell<Option<config::Watcher>>,
    nodes: RefCell<Option<Watched>>,
}

/// Runs the applet until it is told to quit.
pub fn run(args: &RunArgs) -> ExitCode {
    let path = match args.config.clone().map_or_else(config::default_path, Ok) {
        Ok(path) => path,
        Err(error) => {
            say(format_args!("lenscap: {error:#}"));
            return ExitCode::FAILURE;
        }
    };
    // The kernel could back each thread's stack with a huge page of 2 MiB.
    if let Err(error) = disable_transparent_huge_pages(true) {
        tracing::debug!("huge pages stay: {error}");
    }
    loop {
        instance::wait_for_end();
        if let Some(reason) = second_start::refusal(args, &path) {
            say(format_args!("lenscap: {reason}"));
            return ExitCode::FAILURE;
        }
        let applet = Applet::new(
            ConfigState::new(path.clone(), args.overrides.clone()),
            PauseFile::default(),
            backends().into(),
        );
        let application = Application::new(&applet);
        application.run_with_args::<&str>(&[]);
        if applet.life.restarting.get() {
            return update::restart();
        }
        let has_run = applet.life.instance.take().is_some();
        // The running instance may have begun to end before our activation reached it: wait, and start.
        if has_run || !instance::wait_for_end() {
            return ExitCode::from(applet.life.exit_code.get());
        }
    }
}

impl Applet {
    fn new(config: ConfigState, pause: PauseFile, backends: Backends) -> Rc<Self> {
        let relay = State::new(config.plan(), pause.load());
        let published = Published::new(relay.status());
        Rc::new_cyclic(|applet: &Weak<Self>| {
            let events = Events::new(applet.clone());
            let retry = Self::callback(applet, Self::outputs_may_be_there);
            let outputs = Outputs::new(backends, events.clone(), retry);
            Self {
                flow: FrameFlow::new(events.clone(), outputs),
                events,
                relay: RefCell::new(relay),
                origin: Instant::now(),
                timer: RefCell::default(),
                config,
                pause,
                scans: holders::Scans::default(),
                windows: preferences::Windows::default(),
                search: search::SourceSearch::default(),
                drawings: Drawings::default(),
                tried: Cell::new(false),
                published,
                application: RefCell::default(),
                desk: Desk::default(),
                update: Update::default(),
                life: Life::default(),
                surroundings: Surroundings::default(),
            }
        })
    }

    /// Something to be called later, which does nothing once the applet is gone.
    fn callback<F: Fn(&Rc<Self>)>(applet: &Weak<Self>, act: F) -> impl Fn() + use<F> {
        let applet = applet.clone();
        move || {
            if let Some(applet) = applet.upgrade() {
                act(&applet);
            }
        }
    }

    /// Sets everything going. Called once, in the instance that is to run.
    fn start(self: &Rc<Self>, application: &Application) {
        self.application.borrow().set(Some(application));
        match Instance::acquire() {
            Ok(instance) => drop(self.life.instance.replace(Some(instance))),
            Err(refusal @ Refusal::Held { .. }) => {
                say(format_args!("lenscap: {refusal}"));
                self.life.exit_code.set(1);
                return;
            }
            Err(refusal) => tracing::warn!("{refusal}"),
        }
        self.life.hold.replace(Some(application.hold()));
        spawner::adopt();
        if application.dbus_connection().is_none() {
            tracing::warn!(
                "no session bus: the camera works, but status, pause and desktop integration don't"
            );
        }
        self.join_desktop(application);
        self.quit_on_signals();
        self.watch_config();
        self.config.load();
        self.events.send(Event::SettingsChanged {
            plan: self.config.plan(),
            output: false,
            source: false,
        });
        self.watch_program();
        self.watch_session();
        self.connect();
        if self.life.quitting.get() {
            return;
        }
        self.watch_devices();
        self.find_source();
        self.prepare_autostart();
    }

    fn quit_on_signals(self: &Rc<Self>) {
        for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
            let applet = Rc::downgrade(self);
            glib_unix::unix_signal_add_local(signal.as_raw(), move || {
                if let Some(applet) = applet.upgrade() {
                    applet.quit();
                }
                ControlFlow::Continue
            });
        }
    }

    /// The session bus has ended, with the session or to be started anew. The picture goes on for as
    /// long as a client streams. A new connection would miss what began with the old one: the tray, the
    /// portal, and who started what on which display. So a new applet has to come, and it is a failure
    /// that this one ends.
    fn bus_is_gone(self: &Rc<Self>) {
        if !self.life.quitting.get() {
            tracing::warn!("the session bus is gone: ending as soon as no client streams");
            self.life.out_of_reach.set(true);
            self.publish();
        }
    }

    /// Ends the applet in good order, even if it was about to restart.
    fn quit(&self) {
        self.life.restarting.set(false);
        self.end();
    }

    /// Ends the applet in good order, and runs the program anew in this process.
    fn restart(&self) {
        if !self.life.quitting.get() {
            self.life.restarting.set(true);
            self.end();
        }
    }

    /// Covers and gives the device back at once, then waits for the camera to be closed.
    fn end(&self) {
        if self.life.quitting.replace(true) {
            return;
        }
        self.flow
            .close_outputs(&Fault::new(FaultKind::NoOutput, n_("Lenscap is ending")));
        if !self.life.restarting.get() {
            self.mark_ending();
        }
        self.leave_desktop();
        if self.life.exit_code.get() == 0 {
            tracing::info!("ending");
        }
    }

    /// Has applets that start from now on wait for the end of this process. A restart doesn't end it.
    fn mark_ending(&self) {
        let mut instance = self.life.instance.borrow_mut();
        if let Some(Err(error)) = instance.as_mut().map(Instance::mark_ending) {
            tracing::debug!("a start meanwhile will not wait: {error}");
        }
    }

    /// Ends an applet that nothing can reach any more.
    fn fail_out_of_reach(&self) {
        if !self.life.quitting.get() {
            self.life.exit_code.set(1);
            self.quit();
        }
    }

    /// Ends the application once the camera is closed.
    fn end_if_done(&self) {
        if self.life.quitting.get()
            && !self.flow.has_worker()
            && let Some(application) = self.application.borrow().upgrade()
        {
            application.quit();
        }
    }

    /// Ends the applet with one line that says what to do.
    fn fail(&self, reason: &dyn std::fmt::Display) {
        self.life.exit_code.set(1);
        self.quit();
        say(format_args!("lenscap: {reason}"));
    }

    fn now(&self) -> Time {
        self.origin.elapsed()
    }
}

impl Handler for Applet {
    fn handle(self: Rc<Self>, event: Event) {
        Self::handle(&self, event);
    }

    fn settle(self: Rc<Self>) {
        self.publish();
    }
}

#[cfg(test)]
mod tests;
