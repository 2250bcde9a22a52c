//! What others see of the applet: the report, published whenever the status has changed.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::SystemTime;

use super::Applet;
use crate::i18n::translate;
use crate::output::OutputInfo;
use crate::relay::{StateName, Status};
use crate::report::{self, Report, utc_seconds};

/// The status that was published last.
pub struct Published {
    status: RefCell<Status>,
    /// When its state began.
    since: Cell<SystemTime>,
    /// Whether anything was published yet. Until the outputs were tried, there is no state to report.
    is_first_done: Cell<bool>,
}

impl Published {
    /// Nothing yet but the status at the start.
    pub fn new(status: Status) -> Self {
        Self {
            status: RefCell::new(status),
            since: Cell::new(SystemTime::now()),
            is_first_done: Cell::new(false),
        }
    }

    /// Takes a new status; answers with the one before if they differ.
    fn replace(&self, status: &Status) -> Option<Status> {
        if *self.status.borrow() == *status {
            return None;
        }
        self.is_first_done.set(true);
        let before = self.status.replace(status.clone());
        if before.state != status.state {
            self.since.set(SystemTime::now());
        }
        Some(before)
    }
}

impl Applet {
    /// Publishes what has changed, to the log last. Called whenever the queue is empty.
    pub(super) fn publish(self: &Rc<Self>) {
        let status = self.relay.borrow().status();
        let is_first = !self.published.is_first_done.get();
        let before = self.published.replace(&status);
        if let Some(before) = &before {
            if before.paused != status.paused {
                self.pause.store(status.paused);
            }
            self.search_if_due(before, &status);
        }
        if self.life.out_of_reach.get() && status.clients.is_empty() {
            self.fail_out_of_reach();
        }
        self.report_to_shells();
        if let Some(before) = before.filter(|_| !self.life.quitting.get()) {
            match (is_first, &status.error) {
                (false, _) => log(&before, &status),
                (true, Some(fault)) => tracing::warn!("{fault}"),
                (true, None) => {}
            }
        }
        self.restart_if_due(&status);
        self.end_if_done();
    }

    fn report_to_shells(self: &Rc<Self>) {
        let application = self.application.borrow().upgrade();
        let Some(application) = application.filter(|_| !self.life.quitting.get()) else {
            return;
        };
        let report = self.report(false);
        if let Some(service) = &*application.service() {
            service.changed(&report);
        }
        if self.published.is_first_done.get() {
            self.show_on_desktop(&application, &report);
        }
    }

    /// What the applet is doing.
    pub(super) fn report(self: &Rc<Self>, with_stats: bool) -> Report {
        if with_stats {
            self.count_frames();
        }
        let status = self.published.status.borrow();
        let settings = self.config.settings();
        let source = match self.search.chosen() {
            Some(chosen) => report::Source {
                kind: chosen.found.kind,
                name: chosen.found.name,
                instead_of: chosen.instead_of,
            },
            None => report::Source {
                kind: settings.camera.source.kind().to_owned(),
                ..report::Source::default()
            },
        };
        let names = self.config.overrides().names();
        Report {
            state: status.state,
            paused: status.paused,
            covered_by: status.covered_by,
            camera_open: status.camera_open,
            since: utc_seconds(self.published.since.get()),
            source,
            outputs: self
                .flow
                .outputs
                .borrow()
                .open()
                .map(|output| report_output(output.info()))
                .collect(),
            clients: status.clients.iter().map(Into::into).collect(),
            error: self.error(&status),
            overridden: names.into_iter().map(str::to_owned).collect(),
            update: self.update.is_there(),
            worker_pid: self.flow.worker_pid(),
            stats: with_stats.then(|| self.relay.borrow().stats().into()),
        }
    }

    /// Why there is no picture, and what is wrong with the config file, the pause and the placeholder.
    fn error(&self, status: &Status) -> Option<String> {
        let fault = status.error.as_ref();
        let fault = fault.map(|fault| translate(&fault.message));
        let others = [self.pause.problem(), self.drawings.problem()];
        let others = others.iter().flatten().map(translate);
        let errors = fault.into_iter().chain(self.config.error()).chain(others);
        let errors: Vec<_> = errors.collect();
        (!errors.is_empty()).then(|| errors.join("; "))
    }
}

fn report_output(output: &OutputInfo) -> report::Output {
    report::Output {
        kind: output.kind.name().to_owned(),
        device: output.place(),
        name: output.name.clone(),
        width: output.geometry.width,
        height: output.geometry.height,
        framerate: output.framerate,
        format: output.geometry.format.name().to_owned(),
        watch: output.watch.name().to_owned(),
    }
}

/// Logs what changed, once.
fn log(before: &Status, after: &Status) {
    if before.state != after.state {
        let users: Vec<_> = after
            .clients
            .iter()
            .map(|client| client.name.as_str())
            .collect();
        let (from, to) = (before.state.as_str(), after.state.as_str());
        match (&after.error, after.covered_by) {
            (Some(fault), _) if after.state == StateName::Failed => {
                tracing::warn!("{from} -> {to}: {fault}");
            }
            (_, Some(cover)) => tracing::info!("{from} -> {to} ({})", cover.as_str()),
            _ if users.is_empty() => tracing::info!("{from} -> {to}"),
            _ => tracing::info!("{from} -> {to} ({})", users.join(", ")),
        }
    }
    for client in after
        .waiting
        .iter()
        .filter(|client| !before.waiting.contains(client))
    {
        tracing::info!(
            "{} ({}) has the camera open, too; this driver serves one application at a time",
            client.name,
            client.pid
        );
    }
}
