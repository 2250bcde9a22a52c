//! The applet: one queue of events, one pump. Event → relay → commands → adapters; status → shells.
//!
//! [`Applet`] holds the relay's state and its adapters, and is the only thing that touches both.
//! Adapters send events and are told what to do; shells get a report and send requests. Nothing in
//! here waits: what takes time is done by children, or by a thread whose result comes as an event.

mod application;
mod children;
mod desk;
mod drain;
mod events;
mod frames;
mod holders;
mod hotplug;
mod obey;
mod outlet;
mod outlets;
mod pause;
mod preferences;
mod preview;
mod reload;
mod search;
mod session;
mod shell;
mod spawner;
mod turns;
mod worker;

use std::cell::{Cell, RefCell};
use std::path::PathBuf;
use std::process::ExitCode;
use std::rc::Rc;
use std::time::{Instant, SystemTime};

use gio::prelude::*;
use glib::{ControlFlow, SourceId};
use rustix::process::Signal;
use rustix::thread::disable_transparent_huge_pages;

use application::Application;
use desk::Desk;
use events::Events;
use outlets::Outlets;
use turns::Turns;
use worker::Worker;

use crate::autostart::Autostart;
use crate::config::{self, Loaded, Overrides, RunArgs};
use crate::instance::{self, Instance, Refusal};
use crate::preview::Audience;
use crate::relay::{Event, Fault, FaultKind, Plan, State, Status, Time};
use crate::session::{Session, Sleep};
use crate::settings::Settings;

/// The applet.
pub struct Applet {
    events: Events,
    relay: RefCell<State>,
    /// Where the relay's time starts.
    origin: Instant,
    timer: RefCell<Option<SourceId>>,
    config_path: PathBuf,
    overrides: Overrides,
    /// What the file says, without the overrides.
    last_good: RefCell<Settings>,
    settings: RefCell<Settings>,
    /// What is wrong with the config file.
    config_error: RefCell<Option<String>>,
    outlets: RefCell<Outlets>,
    worker: RefCell<Option<Worker>>,
    audience: Audience,
    walks: holders::Walks,
    search: search::Search,
    search_timer: RefCell<Option<SourceId>>,
    /// Drawings of the placeholder: an older one that ends later is of no interest.
    drawings: Turns,
    /// Whether the outputs were tried once. What the command line names must be there by then.
    tried: Cell<bool>,
    /// The camera to open, once one was found.
    source: RefCell<Option<search::Chosen>>,
    /// The status as the shells know it, and when its state began.
    told: RefCell<(Status, SystemTime)>,
    /// Whether the shells were told of anything yet.
    introduced: Cell<bool>,
    application: RefCell<glib::WeakRef<Application>>,
    desk: Desk,
    exit_code: Cell<u8>,
    /// Whether there was a session bus that is gone: nothing can reach this applet any more.
    out_of_reach: Cell<bool>,
    quitting: Cell<bool>,
    /// Whose turn it is at the machine.
    session: RefCell<Option<Session>>,
    /// When the machine sleeps.
    sleep: RefCell<Option<Sleep>>,
    /// How to start with the session; `None` where that is not this run's to decide.
    autostart: RefCell<Option<Autostart>>,
    /// The right to run, once it is this process's.
    instance: RefCell<Option<Instance>>,
    /// What is as long as the applet.
    kept: RefCell<Vec<Box<dyn std::any::Any>>>,
}

/// Runs the applet until it is told to quit.
pub fn run(args: RunArgs) -> ExitCode {
    let path = match args.config.map_or_else(config::default_path, Ok) {
        Ok(path) => path,
        Err(error) => {
            eprintln!("lenscap: {error:#}");
            return ExitCode::FAILURE;
        }
    };
    // The stack of any thread may become one, of two megabytes, for what needs a few kilobytes.
    if let Err(error) = disable_transparent_huge_pages(true) {
        tracing::debug!("huge pages stay: {error}");
    }
    loop {
        instance::wait_for_end();
        let applet = Applet::new(path.clone(), args.overrides.clone());
        let application = Application::new(&applet);
        application.run_with_args::<&str>(&[]);
        let has_run = applet.instance.take().is_some();
        // The running instance may have begun to end before our activation reached it: wait, and start.
        if has_run || !instance::wait_for_end() {
            return ExitCode::from(applet.exit_code.get());
        }
    }
}

impl Applet {
    fn new(config_path: PathBuf, overrides: Overrides) -> Rc<Self> {
        let last_good = Settings::default();
        let plan = Plan::new(&last_good);
        let relay = State::new(plan, pause::load());
        let status = relay.status();
        Rc::new_cyclic(|applet| {
            let retried = applet.clone();
            let events = Events::new(applet.clone());
            let outlets = Outlets::new(events.clone(), move || {
                if let Some(applet) = retried.upgrade() {
                    applet.outputs_may_be_there();
                }
            });
            let told = events.clone();
            Self {
                events,
                audience: Audience::new(move |readers| told.send(preview::looking(readers))),
                walks: holders::Walks::default(),
                relay: RefCell::new(relay),
                origin: Instant::now(),
                timer: RefCell::default(),
                config_path,
                overrides,
                settings: RefCell::new(last_good.clone()),
                last_good: RefCell::new(last_good),
                config_error: RefCell::default(),
                outlets: RefCell::new(outlets),
                worker: RefCell::default(),
                search: search::Search::default(),
                search_timer: RefCell::default(),
                drawings: Turns::default(),
                tried: Cell::new(false),
                source: RefCell::default(),
                told: RefCell::new((status, SystemTime::now())),
                introduced: Cell::new(false),
                application: RefCell::default(),
                desk: Desk::default(),
                exit_code: Cell::new(0),
                out_of_reach: Cell::new(false),
                quitting: Cell::new(false),
                session: RefCell::default(),
                sleep: RefCell::default(),
                autostart: RefCell::default(),
                instance: RefCell::default(),
                kept: RefCell::default(),
            }
        })
    }

    /// Sets everything going. Called once, in the instance that is to run.
    fn start(self: &Rc<Self>, application: &Application) {
        self.application.borrow().set(Some(application));
        match Instance::acquire() {
            Ok(instance) => drop(self.instance.replace(Some(instance))),
            Err(refusal @ Refusal::Held { .. }) => {
                eprintln!("lenscap: {refusal}");
                self.exit_code.set(1);
                return;
            }
            Err(refusal) => tracing::warn!("{refusal}"),
        }
        self.keep(application.hold());
        if application.dbus_connection().is_none() {
            tracing::warn!(
                "no session bus: the camera works, but status, pause and desktop integration don't"
            );
        }
        self.join_desktop(application);
        self.quit_on_signals();
        self.watch_config();
        self.load_config();
        self.events.send(Event::SettingsChanged {
            plan: Plan::new(&self.settings.borrow()),
            output: false,
            source: false,
        });
        self.watch_session();
        self.connect();
        if self.quitting.get() {
            return;
        }
        self.watch_devices();
        self.find_source();
        self.prepare_autostart();
    }

    fn keep(&self, thing: impl std::any::Any) {
        self.kept.borrow_mut().push(Box::new(thing));
    }

    fn load_config(&self) {
        let Loaded {
            mut settings,
            warnings,
            error,
        } = config::load(&self.config_path, &self.last_good.borrow());
        for warning in warnings {
            tracing::warn!("{warning}");
        }
        if let Some(error) = &error {
            tracing::warn!("{error}");
        }
        self.config_error.replace(error);
        self.last_good.replace(settings.clone());
        self.overrides.apply(&mut settings);
        self.settings.replace(settings);
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
        if !self.quitting.get() {
            tracing::warn!("the session bus is gone: ending as soon as no client streams");
            self.out_of_reach.set(true);
            self.settled();
        }
    }

    /// Ends the applet in good order: covers and gives the device back at once, then waits for the
    /// camera to be closed.
    fn quit(&self) {
        if self.quitting.replace(true) {
            return;
        }
        if self.exit_code.get() == 0 {
            tracing::info!("ending");
        }
        if let Some(Err(error)) = self
            .instance
            .borrow_mut()
            .as_mut()
            .map(Instance::mark_ending)
        {
            tracing::debug!("a start meanwhile will not wait: {error}");
        }
        self.leave_desktop();
        self.give_back(&Fault::new(FaultKind::NoOutput, "ending"));
    }

    /// Covers every output and gives it back, for this reason.
    fn give_back(&self, reason: &Fault) {
        let ids = self.outlets.borrow().ids();
        self.outlets.borrow_mut().close();
        for id in ids {
            self.events.send(Event::OutputLost(id, reason.clone()));
        }
    }

    /// Ends the applet with one line that says what to do.
    fn fail(&self, reason: &dyn std::fmt::Display) {
        eprintln!("lenscap: {reason}");
        self.exit_code.set(1);
        self.quit();
    }

    fn now(&self) -> Time {
        self.origin.elapsed()
    }
}
