//! The applet on the desktop: its tray icon, its notifications, and what is clicked there.

mod users;

use std::cell::{Cell, OnceCell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use gio::SimpleAction;
use gio::prelude::*;

use self::users::Users;
use super::{Applet, Application};
use crate::applications::{self, Application as User};
use crate::capture::lower_priority;
use crate::dbus::Request;
use crate::notify::{self, Change, Mode, Notifications, Notifier};
use crate::program;
use crate::report::{Client, Report};
use crate::tray::{Click, Model, Tray};

/// How long "Camera is on" waits for the names of applications. A home directory in a network can make
/// their desktop entries take for ever.
const NAMES_TIMEOUT: Duration = Duration::from_secs(2);

/// What the desktop shows.
#[derive(Default)]
pub struct Desk {
    tray: RefCell<Option<Tray>>,
    /// Whether the tray's icon is shown by a host.
    has_icon: Cell<bool>,
    /// What the tray shows: it is updated on changes only.
    shown: RefCell<Option<Model>>,
    notifier: RefCell<Notifier>,
    /// Sends what the notifier decides; made on first use.
    notifications: OnceCell<Notifications>,
    users: RefCell<Users>,
}

impl Applet {
    /// Offers what notifications have buttons for.
    pub(super) fn join_desktop(self: &Rc<Self>, application: &Application) {
        self.offer(application, notify::TURN_OFF, |applet| {
            applet.request(Request::Pause)
        });
        self.offer(application, notify::PREFERENCES, |applet| {
            applet.show_preferences()
        });
        self.tidy_up(application);
    }

    /// Takes back what an applet that was killed had the portal show, which keeps that by its name.
    /// Other desktops don't: there, nothing is known of it. It also has GIO find its way to the portal,
    /// which is slow and would stop the frames of the first call.
    fn tidy_up(self: &Rc<Self>, application: &Application) {
        let (applet, application) = (Rc::downgrade(self), application.downgrade());
        glib::idle_add_local_once(move || {
            if let (Some(applet), Some(application)) = (applet.upgrade(), application.upgrade())
                && applet.config.settings().desktop.notifications
            {
                let changes = applet.desk.notifier.borrow().tidy_up();
                applet.desk.notify(&application, changes);
            }
        });
    }

    fn offer(
        self: &Rc<Self>,
        application: &Application,
        name: &str,
        act: impl Fn(&Rc<Self>) -> Result<(), String> + 'static,
    ) {
        let action = SimpleAction::new(name, None);
        let applet = Rc::downgrade(self);
        action.connect_activate(move |_, _| {
            if let Some(applet) = applet.upgrade() {
                complain(act(&applet));
            }
        });
        application.add_action(&action);
    }

    /// Shows the report, as far as the settings want it.
    pub(super) fn show_on_desktop(self: &Rc<Self>, application: &Application, report: &Report) {
        let (has_tray, has_notifications) = {
            let desktop = &self.config.settings().desktop;
            (desktop.tray, desktop.notifications)
        };
        // Names cost a walk through all desktop entries, just when a camera is about to start.
        if has_tray || has_notifications {
            self.look_up(&report.clients);
        }
        let users = self.desk.users.borrow().of(&report.clients);
        self.show_in_tray(application, has_tray, Model::new(report, &users));
        // Waiting for the names saves a second notification; without a bus there is none.
        let is_awaited = self.desk.users.borrow().is_awaited(&report.clients);
        if !is_awaited && is_connected(application) {
            let mode = self.desk.mode(has_notifications);
            let changes = self.desk.notifier.borrow_mut().step(report, &users, mode);
            self.desk.notify(application, changes);
        }
    }

    /// Takes everything off the desktop.
    pub(super) fn leave_desktop(&self) {
        self.desk.tray.take();
        if let Some(application) = self.application.borrow().upgrade() {
            let changes = self.desk.notifier.borrow_mut().end();
            self.desk.notify(&application, changes);
        }
    }

    fn show_in_tray(self: &Rc<Self>, application: &Application, is_wanted: bool, model: Model) {
        let is_wanted = is_wanted && is_connected(application);
        let bus = application.dbus_connection().filter(|_| is_wanted);
        let mut tray = self.desk.tray.borrow_mut();
        let Some(bus) = bus else {
            tray.take();
            self.desk.has_icon.set(false);
            return;
        };
        let before = self.desk.shown.replace(Some(model.clone()));
        match &*tray {
            Some(_) if before.as_ref() == Some(&model) => {}
            Some(tray) => tray.show(model),
            None => {
                let (clicked, shown) = (Rc::downgrade(self), Rc::downgrade(self));
                let clicked = move |click| {
                    if let Some(applet) = clicked.upgrade() {
                        complain(applet.clicked(click));
                    }
                };
                let shown = move |is_shown| {
                    if let Some(applet) = shown.upgrade()
                        && applet.desk.has_icon.replace(is_shown) != is_shown
                    {
                        applet.publish();
                    }
                };
                *tray = Some(Tray::new(&bus, model, clicked, shown));
            }
        }
    }

    fn clicked(self: &Rc<Self>, click: Click) -> Result<(), String> {
        match click {
            Click::Request(request) => self.request(request),
            Click::About => self.show_about(),
            Click::Restart => {
                self.try_restart(|_| true);
                Ok(())
            }
        }
    }

    /// Has applications looked up that are new, on a thread that ends with it.
    fn look_up(self: &Rc<Self>, clients: &[Client]) {
        let unknown = self.desk.users.borrow_mut().begin(clients);
        if unknown.is_empty() {
            return;
        }
        let (found, result) = async_channel::bounded(1);
        let nameless: Vec<_> = unknown
            .iter()
            .map(|one| named(one, User::unknown))
            .collect();
        let search = std::thread::Builder::new().name("applications".to_owned());
        let search = search.spawn(move || {
            lower_priority();
            let users = unknown.iter().map(|one| named(one, applications::find));
            found.send_blocking(users.collect::<Vec<_>>())
        });
        if let Err(error) = search {
            tracing::warn!("cannot find out which applications use the camera: {error}");
        }
        let applet = Rc::downgrade(self);
        glib::spawn_future_local(async move {
            let in_time = glib::future_with_timeout(NAMES_TIMEOUT, result.recv()).await;
            if in_time.is_err()
                && let Some(applet) = applet.upgrade()
            {
                applet.desk.users.borrow_mut().time_out();
                applet.publish();
            }
            let found = match in_time {
                Ok(found) => found,
                Err(_) => result.recv().await,
            };
            if let Some(applet) = applet.upgrade() {
                applet
                    .desk
                    .users
                    .borrow_mut()
                    .end(found.unwrap_or(nameless));
                applet.publish();
            }
        });
    }
}

impl Desk {
    /// Which notifications are wanted: where no icon shows that the camera is on, one has to.
    fn mode(&self, has_notifications: bool) -> Mode {
        match (has_notifications, self.has_icon.get()) {
            (false, _) => Mode::Off,
            (true, true) => Mode::BesideTray,
            (true, false) => Mode::Alone,
        }
    }

    /// Does something about notifications, where there is a desktop.
    fn notify(&self, application: &Application, changes: Vec<Change>) {
        if changes.is_empty() {
            return;
        }
        if self.notifications.get().is_none()
            && let Some(way) = Notifications::new(application, program::is_flatpak())
        {
            let _ = self.notifications.set(way);
        }
        if let Some(way) = self.notifications.get() {
            for change in changes {
                way.perform(change);
            }
        }
    }
}

/// Whether there is a bus on which the desktop can be reached.
fn is_connected(application: &Application) -> bool {
    let bus = application.dbus_connection();
    bus.is_some_and(|bus| !bus.is_closed())
}

/// A client with the application that `name` finds for it.
fn named(client: &Client, name: impl Fn(&Client) -> User) -> (Client, User) {
    (client.clone(), name(client))
}

/// Says why a click had no effect.
fn complain(done: Result<(), String>) {
    if let Err(reason) = done {
        tracing::warn!("{reason}");
    }
}
