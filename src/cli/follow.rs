//! `lenscap status --follow`: prints the status now and after every change.

use std::cell::RefCell;
use std::process::ExitCode;
use std::rc::Rc;

use gio::{DBusSignalFlags, DBusSignalRef};
use glib::{ControlFlow, IOCondition, MainLoop, VariantDict};

use super::applet::{Applet, Failure};
use super::control;
use crate::dbus::{INTERFACE, NAME, PATH, PROPERTIES};
use crate::descriptor;
use crate::report::Report;

/// Prints until the applet ends or standard output is closed.
pub fn run(json: bool) -> ExitCode {
    control::finish(Applet::find().and_then(|applet| follow(applet, json)))
}

fn follow(applet: Applet, json: bool) -> Result<(), Failure> {
    let connection = applet.connection().clone();
    let follower = Rc::new(Follower {
        applet,
        json,
        last: RefCell::default(),
        result: RefCell::default(),
        main_loop: MainLoop::new(None, false),
    });
    let this = follower.clone();
    let _subscription = connection.subscribe_to_signal(
        Some(NAME),
        Some(PROPERTIES),
        Some("PropertiesChanged"),
        Some(PATH),
        Some(INTERFACE),
        DBusSignalFlags::NONE,
        move |signal| this.on_change(&signal),
    );
    let this = follower.clone();
    let _watch = follower
        .applet
        .on_end(move || this.stop(Err(Failure::Ended)));
    let this = follower.clone();
    follower
        .applet
        .ask_status(move |status| this.handle(status));
    let this = follower.clone();
    let closed = IOCondition::ERR | IOCondition::HUP;
    let _reader = descriptor::watch(std::io::stdout(), closed, move |_| {
        this.stop(Ok(()));
        ControlFlow::Break
    });
    follower.main_loop.run();
    follower.result.take().unwrap_or(Ok(()))
}

struct Follower {
    applet: Applet,
    json: bool,
    last: RefCell<Option<Report>>,
    /// Set when it ends.
    result: RefCell<Option<Result<(), Failure>>>,
    main_loop: MainLoop,
}

impl Follower {
    /// Handles a change. One that arrives before the first reply is older, so the order is right.
    fn on_change(&self, signal: &DBusSignalRef) {
        let changed = VariantDict::new(Some(&signal.parameters.child_value(1)));
        if let Ok(Some(status)) = changed.lookup::<String>("Status") {
            self.handle(Report::from_json(&status).map_err(Failure::from));
        }
    }

    /// Handles a status, unless this has ended.
    fn handle(&self, status: Result<Report, Failure>) {
        if self.result.borrow().is_some() {
            return;
        }
        if let Err(failure) = status.and_then(|report| self.show(report)) {
            self.stop(Err(failure));
        }
    }

    /// Prints a report unless it equals the last one. Signals contain no statistics, so those are
    /// queried; if the applet has just ended, the last ones are used.
    fn show(&self, mut report: Report) -> Result<(), Failure> {
        let last = self.last.take();
        if last.as_ref().map(Report::without_stats) != Some(report.without_stats()) {
            if report.stats.is_none() {
                let now = self.applet.status().ok().and_then(|report| report.stats);
                report.stats = now.or(last.and_then(|last| last.stats));
            }
            control::print(&report, self.json)?;
        }
        self.last.replace(Some(report));
        Ok(())
    }

    /// Ends the run; the first reason counts.
    fn stop(&self, result: Result<(), Failure>) {
        self.result.borrow_mut().get_or_insert(result);
        self.main_loop.quit();
    }
}
