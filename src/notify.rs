//! Notifications: that the camera went on, and for whom; that it can't be used, and what to do.
//!
//! [`Notifier`] decides, by reports alone. [`perform`] hands its decisions to the desktop, in
//! whatever way GIO finds there.

mod notifier;

use gio::prelude::*;
use gio::{Icon, Notification};

use crate::i18n::gettext;

pub use notifier::{Change, Note, Notifier, Topic};

/// The application's action that covers the camera.
pub const TURN_OFF: &str = "turn-off";
/// The application's action that opens the preferences window.
pub const PREFERENCES: &str = "preferences";

/// Shows or takes back a notification.
pub fn perform(application: &impl IsA<gio::Application>, change: &Change) {
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
