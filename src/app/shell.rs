//! What others see of the applet, and what they can ask of it.

use std::rc::Rc;
use std::time::SystemTime;

use gio::prelude::*;

use super::search::Chosen;
use super::{Applet, pause};
use crate::dbus::Request;
use crate::i18n::gettext;
use crate::output::Output;
use crate::relay::{Event, StateName, Status, Watch};
use crate::report::{self, Report, utc_seconds};

impl Applet {
    /// What the applet is doing.
    pub(super) fn report(self: &Rc<Self>, with_stats: bool) -> Report {
        if with_stats {
            self.catch_up(); // to count the frames that passed until now
        }
        let told = self.told.borrow();
        let (status, since) = &*told;
        let source = self.source.borrow();
        let settings = self.settings.borrow();
        Report {
            state: status.state,
            paused: status.paused,
            covered_by: status.covered_by,
            camera_open: status.camera_open,
            since: utc_seconds(*since),
            source: match &*source {
                Some(Chosen { found, instead_of }) => report::Source {
                    kind: found.kind.clone(),
                    name: found.name.clone(),
                    instead_of: instead_of.clone(),
                },
                None => report::Source {
                    kind: settings.camera.source.kind().to_owned(),
                    ..report::Source::default()
                },
            },
            outputs: self.report_outputs(),
            clients: status.clients.iter().map(Into::into).collect(),
            error: self.error(status),
            overridden: self
                .overrides
                .names()
                .into_iter()
                .map(str::to_owned)
                .collect(),
            worker_pid: self.worker.borrow().as_ref().and_then(super::Worker::pid),
            stats: with_stats.then(|| self.relay.borrow().stats().into()),
        }
    }

    fn report_outputs(&self) -> Vec<report::Output> {
        let outlets = self.outlets.borrow();
        let report = |(output, watch): (std::cell::Ref<'_, Output>, Watch)| {
            let geometry = output.geometry();
            report::Output {
                kind: output.kind().name().to_owned(),
                device: output.place(),
                name: output.name().to_owned(),
                width: geometry.width,
                height: geometry.height,
                framerate: output.framerate(),
                format: geometry.format.name().to_owned(),
                watch: watch.name().to_owned(),
            }
        };
        outlets.open().map(report).collect()
    }

    /// Why there is no picture, and what is wrong with the config file.
    fn error(&self, status: &Status) -> Option<String> {
        // Those of the relay are only marked for translation.
        let fault = status.error.as_ref().map(|fault| gettext(&*fault.text));
        let errors: Vec<_> = fault
            .into_iter()
            .chain(self.config_error.borrow().clone())
            .collect();
        (!errors.is_empty()).then(|| errors.join("; "))
    }

    /// Does what somebody asked for.
    pub(super) fn request(self: &Rc<Self>, request: Request) -> Result<(), String> {
        match request {
            Request::Pause => self.events.send(Event::Pause),
            Request::Resume => self.events.send(Event::Resume),
            Request::Quit => self.quit(),
            Request::ShowPreferences => return self.show_preferences(),
        }
        Ok(())
    }

    /// Tells the shells when something changed. Called whenever the queue is empty.
    pub(super) fn settled(self: &Rc<Self>) {
        let status = self.relay.borrow().status();
        let before = self.told.borrow().clone();
        if before.0 != status {
            let same_state = before.0.state == status.state;
            let since = if same_state {
                before.1
            } else {
                SystemTime::now()
            };
            if !self.quitting.get() {
                // Until the output was looked for, there was no state to come from.
                match (self.introduced.replace(true), &status.error) {
                    (true, _) => log(&before.0, &status),
                    (false, Some(fault)) => tracing::warn!("{fault}"),
                    (false, None) => {}
                }
            }
            if before.0.paused != status.paused {
                pause::store(status.paused);
            }
            self.told.replace((status.clone(), since));
            self.look_again_if_due(&before.0, &status);
        }
        if self.out_of_reach.get() && status.clients.is_empty() && !self.quitting.get() {
            self.exit_code.set(1);
            self.quit();
        }
        let application = self.application.borrow().upgrade();
        if !self.quitting.get()
            && let Some(application) = &application
        {
            let report = self.report(false);
            if let Some(service) = &*application.service() {
                service.changed(&report);
            }
            if self.introduced.get() {
                self.show_on_desktop(application, &report);
            }
        }
        if self.quitting.get()
            && self.worker.borrow().is_none()
            && let Some(application) = application
        {
            application.quit();
        }
    }
}

/// Says what changed, once.
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
