//! Notifications: that the camera turned on and for which application, or that it can't be used.
//!
//! [`Notifier`] decides, from reports alone. [`Notifications`] sends its decisions to the desktop's
//! notification server, or from a sandbox to the portal through GIO.

mod message;
mod notifier;
mod server;
mod state;

use gio::prelude::*;
use gio::{Icon, Notification};
use glib::WeakRef;

use crate::i18n::gettext;

use server::Server;

pub use notifier::{Change, Mode, Note, Notifier, Topic};

/// The application's action that pauses the camera.
pub const TURN_OFF: &str = "turn-off";
/// The application's action that opens the preferences window.
pub const PREFERENCES: &str = "preferences";

/// The protocol's name for a click on the notification itself.
const DEFAULT: &str = "default";
/// Name of the desktop entry and of the icon.
const ID: &str = "io.github.lenscap.Lenscap";

/// Sends notifications to the desktop.
pub struct Notifications {
    application: WeakRef<gio::Application>,
    /// `None` in a sandbox.
    server: Option<Server>,
}

impl Notifications {
    /// `None` without a session bus.
    pub fn new(application: &impl IsA<gio::Application>, is_sandboxed: bool) -> Option<Self> {
        let bus = application.dbus_connection()?;
        let application = application.upcast_ref().downgrade();
        let acting = application.clone();
        let act = move |action: &str| {
            let action = if action == DEFAULT {
                PREFERENCES
            } else {
                action
            };
            if let Some(application) = acting.upgrade() {
                application.activate_action(action, None);
            }
        };
        Some(Self {
            application,
            server: (!is_sandboxed).then(|| Server::new(&bus, act)),
        })
    }

    /// Shows or withdraws a notification.
    pub fn perform(&self, change: Change) {
        match (&self.server, self.application.upgrade()) {
            (Some(server), _) => server.perform(change),
            (None, Some(application)) => perform_in_sandbox(&application, &change),
            (None, None) => {}
        }
    }
}

fn perform_in_sandbox(application: &gio::Application, change: &Change) {
    match change {
        Change::Post(note) => {
            application.send_notification(Some(note.topic.id()), &notification(note));
        }
        Change::Withdraw(topic) => application.withdraw_notification(topic.id()),
    }
}

fn notification(note: &Note) -> Notification {
    let notification = Notification::new(&note.title);
    notification.set_body(Some(&note.body));
    match Icon::for_string(&note.icon) {
        Ok(icon) => notification.set_icon(&icon),
        Err(error) => tracing::debug!("no icon {}: {error}", note.icon),
    }
    let preferences = format!("app.{PREFERENCES}");
    notification.set_default_action(&preferences);
    if note.topic == Topic::CameraOn {
        notification.add_button(&gettext("Turn off"), &format!("app.{TURN_OFF}"));
    }
    notification.add_button(&gettext("Preferences"), &preferences);
    notification
}
