//! Outputs and settings that change while the applet runs.

use std::rc::Rc;
use std::time::Duration;

use super::{Applet, children, hotplug};
use crate::config;
use crate::relay::Event;
use crate::settings::Settings;

/// Devices come in bursts (a camera has several nodes, and udev touches each): the search for a
/// source waits for the end of the burst.
const BURST: Duration = Duration::from_millis(700);

impl Applet {
    /// Tries to open the output. What the command line names must be there at the start; what the
    /// config file or `auto` asks for may come later.
    pub(super) fn connect(self: &Rc<Self>) {
        if self.quitting.get() {
            return;
        }
        let first = !self.tried.replace(true);
        let connected = self.outlet.borrow_mut().connect(&self.settings.borrow());
        match connected {
            Ok(_) => self.connected(),
            Err(fault) if first && self.overrides.names_output() => self.fail(&fault),
            Err(fault) => self.events.send(Event::OutputLost(fault)),
        }
    }

    /// Sets the output up by new settings; goes on with the old ones if somebody pins its format.
    pub(super) fn reconnect(self: &Rc<Self>) {
        let before = self.outlet.borrow().settings();
        let connected = self.outlet.borrow_mut().connect(&self.settings.borrow());
        let Err(fault) = connected else {
            return self.connected();
        };
        let pinned = before.is_some_and(|before| self.outlet.borrow_mut().connect(&before).is_ok());
        if pinned {
            tracing::info!("new output settings wait until every program has closed the camera");
            self.connected();
            self.events.send(Event::OutputPinned);
        } else {
            self.events.send(Event::OutputLost(fault));
        }
    }

    fn connected(self: &Rc<Self>) {
        let plan = self.outlet.borrow().plan(&self.settings.borrow());
        if let Some(output) = self.outlet.borrow().output() {
            let (name, path) = (output.name(), output.path().display());
            tracing::info!(
                "virtual camera: {name} ({path}), watched by {}",
                plan.watch.name()
            );
        }
        self.events.send(Event::OutputReady(plan));
        self.draw_cards();
    }

    /// Has the placeholder drawn for the output as it is. Until it is there, black is shown.
    pub(super) fn draw_cards(self: &Rc<Self>) {
        let Some(geometry) = self
            .outlet
            .borrow()
            .output()
            .map(|output| output.geometry())
        else {
            return;
        };
        let placeholder = self.settings.borrow().output.placeholder.clone();
        let applet = Rc::downgrade(self);
        glib::spawn_future_local(async move {
            let pictures = children::draw(geometry, &placeholder).await;
            let Some(applet) = applet.upgrade() else {
                return;
            };
            let same = |output: std::cell::Ref<_>| {
                let output: &crate::output::V4l2loopback = &output;
                output.geometry() == geometry
            };
            match pictures {
                Ok(pictures) if applet.outlet.borrow().output().is_some_and(same) => {
                    let shown = applet.outlet.borrow_mut().set_pictures(pictures);
                    applet.mind(shown);
                }
                Ok(_) => {} // for an output that is gone
                Err(error) => tracing::warn!("no placeholder card, black instead: {error:#}"),
            }
        });
    }

    /// Nodes that come and go: an output that was missing, a camera that is plugged in.
    pub(super) fn watch_devices(self: &Rc<Self>) {
        let applet = Rc::downgrade(self);
        let watch = hotplug::watch(move || {
            if let Some(applet) = applet.upgrade() {
                applet.devices_changed();
            }
        });
        if let Err(error) = watch {
            tracing::warn!("cannot watch /dev ({error}): new devices are seen after a restart");
        }
    }

    fn devices_changed(self: &Rc<Self>) {
        if self.outlet.borrow().output().is_none() {
            self.connect();
        }
        let settled = Rc::downgrade(self);
        let search = glib::timeout_add_local_once(BURST, move || {
            if let Some(applet) = settled.upgrade() {
                applet.search_timer.take();
                applet.look_again();
            }
        });
        if let Some(earlier) = self.search_timer.replace(Some(search)) {
            earlier.remove();
        }
    }

    /// Applies the config file whenever it changes.
    pub(super) fn watch_config(self: &Rc<Self>) {
        let applet = Rc::downgrade(self);
        let watcher = config::Watcher::new(&self.config_path, move || {
            if let Some(applet) = applet.upgrade() {
                applet.reload();
            }
        });
        match watcher {
            Ok(watcher) => self.keep(watcher),
            Err(error) => tracing::warn!("changes of the config file need a restart: {error}"),
        }
    }

    fn reload(self: &Rc<Self>) {
        let before = self.settings.borrow().clone();
        self.load_config();
        let after = self.settings.borrow().clone();
        if before == after {
            self.settled(); // the error may have come or gone
            return;
        }
        tracing::info!("settings changed");
        let plan = self.outlet.borrow().plan(&after);
        self.events.send(Event::SettingsChanged {
            plan,
            output: output_differs(&before, &after),
            source: source_differs(&before, &after),
        });
        if self.outlet.borrow().output().is_none() {
            self.connect();
        } else if before.output.placeholder != after.output.placeholder {
            self.draw_cards();
        }
    }
}

/// Whether the device has to be set up anew.
fn output_differs(before: &Settings, after: &Settings) -> bool {
    before.geometry() != after.geometry()
        || before.camera.framerate != after.camera.framerate
        || before.output.spec != after.output.spec
}

/// Whether a running worker does something else than the settings say.
fn source_differs(before: &Settings, after: &Settings) -> bool {
    let (before, after) = (&before.camera, &after.camera);
    before.source != after.source
        || before.transform != after.transform
        || before.buffer_count != after.buffer_count
}
