//! Outputs and settings that change while the applet runs.

use std::rc::Rc;

use super::outputs::Opened;
use super::{Applet, hotplug};
use crate::autostart::{Autostart, Occasion};
use crate::config;
use crate::i18n::translate;
use crate::relay::{Event, Fault, FaultKind, OutputId};
use crate::settings::key::{Effect, differs};
use crate::settings::n_;

impl Applet {
    /// Tries to open the outputs that aren't there. What the command line names must be there at the
    /// start; what the config file or `auto` wants may come later.
    pub(super) fn connect(self: &Rc<Self>) {
        if self.life.quitting.get() || self.is_elsewhere() {
            return;
        }
        let first = !self.tried.replace(true);
        let before = self.flow.outputs.borrow().ids();
        let opened = self
            .flow
            .outputs
            .borrow_mut()
            .complete(&self.config.settings());
        let is_named = |id: OutputId| {
            let specs = &self.config.settings().output.specs;
            let spec = specs.get(usize::from(id.0));
            spec.is_some_and(|spec| self.config.overrides().names_output(spec))
        };
        let mut faults = opened.iter().filter(|(id, _)| first && is_named(*id));
        let fault = faults.find_map(|(_, result)| result.as_ref().err());
        match fault {
            Some(fault) => self.fail(&translate(&fault.message)),
            None => self.opened(&before, opened),
        }
    }

    /// Opens the outputs that are missing; a fallback is replaced by something better once no client
    /// streams.
    pub(super) fn outputs_may_be_there(self: &Rc<Self>) {
        if self.flow.outputs.borrow().are_incomplete() {
            self.connect();
        }
        if !self.is_elsewhere() && self.flow.outputs.borrow_mut().have_better() {
            self.events.send(Event::BetterOutput);
        }
    }

    /// Sets the outputs up by new settings; goes on with the old ones if a program pins the format.
    pub(super) fn reconnect(self: &Rc<Self>) {
        if self.life.quitting.get() || self.is_elsewhere() {
            return;
        }
        let before = self.flow.outputs.borrow().ids();
        let (opened, pinned) = self.set_up();
        self.opened(&before, opened);
        if let Some(reason) = pinned {
            tracing::info!("new output settings wait until programs close the camera: {reason}");
            self.events.send(Event::OutputPinned);
        }
    }

    /// Opens all outputs by the newest settings; by the ones before, if that gives more of them, or
    /// better ones, with the reason.
    fn set_up(&self) -> (Vec<Opened>, Option<Fault>) {
        let mut outputs = self.flow.outputs.borrow_mut();
        let (before, had) = (outputs.settings(), outputs.rank());
        let opened = outputs.set_up(&self.config.settings());
        let Some(before) = before.filter(|_| outputs.rank() < had) else {
            return (opened, None);
        };
        let pinned = outputs.set_up(&before);
        if outputs.rank() == had {
            let fault = opened.into_iter().find_map(|(_, result)| result.err());
            let in_use = || Fault::new(FaultKind::NoOutput, n_("v4l2loopback is in use"));
            return (pinned, Some(fault.unwrap_or_else(in_use)));
        }
        (outputs.set_up(&self.config.settings()), None)
    }

    /// Tells the relay which outputs there are now, in place of those before.
    fn opened(self: &Rc<Self>, before: &[OutputId], opened: Vec<Opened>) {
        self.flow.outputs.borrow_mut().log();
        let after = self.flow.outputs.borrow().ids();
        for id in before.iter().filter(|id| !after.contains(id)) {
            self.events.send(Event::OutputDropped(*id));
        }
        let has_new = opened.iter().any(|(_, result)| result.is_ok());
        for (id, result) in opened {
            self.events.send(match result {
                Ok(watch) => Event::OutputReady(id, watch),
                Err(fault) => Event::OutputLost(id, fault),
            });
        }
        if has_new {
            self.draw_cards();
        }
    }

    /// Nodes that come and go: an output that was missing, a camera that is plugged in.
    pub(super) fn watch_devices(self: &Rc<Self>) {
        let changed = Self::callback(&Rc::downgrade(self), Self::devices_changed);
        match hotplug::watch(changed) {
            Ok(watch) => drop(self.surroundings.nodes.replace(Some(watch))),
            Err(error) => {
                tracing::warn!("cannot watch /dev ({error}): new devices are seen after a restart");
            }
        }
    }

    fn devices_changed(self: &Rc<Self>) {
        self.outputs_may_be_there();
        self.flow.nodes_changed();
        self.search_after_burst();
    }

    /// Applies the config file whenever it changes.
    pub(super) fn watch_config(self: &Rc<Self>) {
        let changed = Self::callback(&Rc::downgrade(self), Self::reload);
        match config::Watcher::new(self.config.path(), changed) {
            Ok(watcher) => drop(self.surroundings.config.replace(Some(watcher))),
            Err(error) => tracing::warn!("changes of the config file need a restart: {error}"),
        }
    }

    /// Starts with the session from the next time on, or no more. A run with another config file is
    /// no reason to do either.
    pub(super) fn prepare_autostart(&self) {
        if !self.config.is_default() {
            return;
        }
        match Autostart::new() {
            Ok(autostart) => self.surroundings.autostart.replace(Some(autostart)),
            Err(error) => return tracing::warn!("cannot start with the session: {error}"),
        };
        self.apply_autostart(Occasion::Start);
    }

    fn apply_autostart(&self, occasion: Occasion) {
        if let Some(autostart) = &*self.surroundings.autostart.borrow() {
            autostart.apply(self.config.settings().desktop.autostart, occasion);
        }
    }

    /// Applies the config file as it is now.
    pub(super) fn reload(self: &Rc<Self>) {
        let before = self.config.settings().clone();
        self.config.load();
        let after = self.config.settings().clone();
        if before == after {
            self.publish(); // the error may have come or gone
            return;
        }
        tracing::info!("settings changed");
        if before.desktop.autostart != after.desktop.autostart {
            self.apply_autostart(Occasion::Change);
        }
        self.events.send(Event::SettingsChanged {
            plan: self.config.plan(),
            output: differs(&before, &after, Effect::Outputs),
            source: differs(&before, &after, Effect::Worker),
        });
        if self.flow.outputs.borrow().settings().is_none() {
            self.connect();
        } else if before.output.placeholder != after.output.placeholder {
            self.draw_cards();
        }
    }
}
