//! A note in the words of `org.freedesktop.Notifications`.

use std::collections::HashMap;

use gio::prelude::*;
use glib::Variant;

use super::{DEFAULT, ID, Note, TURN_OFF, Topic};
use crate::i18n::gettext;

/// When a notification goes by itself, in milliseconds: when the server thinks fit.
const AS_USUAL: i32 = -1;
/// Never.
const NEVER: i32 = 0;
/// The urgency of what is worth knowing; less than that, GNOME hides in its list.
const NORMAL: u8 = 1;

/// What a server can do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// It shows buttons.
    actions: bool,
    /// It takes bodies for markup.
    body_markup: bool,
    /// It keeps in a list what has left the screen.
    persistence: bool,
}

impl Capabilities {
    /// Reads the answer to `GetCapabilities`.
    pub fn new(answer: &Variant) -> Self {
        let (names,): (Vec<String>,) = answer.get().unwrap_or_default();
        let has = |name| names.iter().any(|one| one == name);
        Self {
            actions: has("actions"),
            body_markup: has("body-markup"),
            persistence: has("persistence"),
        }
    }

    /// The parameters of `Notify` for this note, in place of the notification that has this id.
    pub fn message(self, note: &Note, replaces: u32) -> Variant {
        let body = if self.body_markup {
            glib::markup_escape_text(&note.body).into()
        } else {
            note.body.clone()
        };
        let expires = if note.stays && !self.persistence {
            NEVER
        } else {
            AS_USUAL
        };
        let actions = self.actions(note.topic);
        let (title, hints) = (&note.title, hints(note));
        (
            "Lenscap", replaces, ID, title, body, actions, hints, expires,
        )
            .to_variant()
    }

    /// Names and labels. The default action is a click on the notification itself, but some servers
    /// show it as a button like all others: so it has a label, and there is no other one for the same.
    fn actions(self, topic: Topic) -> Vec<String> {
        let mut actions = Vec::new();
        if self.actions {
            if topic == Topic::CameraOn {
                actions.extend([TURN_OFF.to_owned(), gettext("Turn off")]);
            }
            actions.extend([DEFAULT.to_owned(), gettext("Preferences")]);
        }
        actions
    }
}

fn hints(note: &Note) -> HashMap<&'static str, Variant> {
    let image = if note.icon.starts_with('/') {
        gio::File::for_path(&note.icon).uri().into()
    } else {
        note.icon.clone()
    };
    HashMap::from([
        // By this, desktops know the application's name and icon.
        ("desktop-entry", ID.to_variant()),
        ("image-path", image.to_variant()),
        ("urgency", NORMAL.to_variant()),
        // A click on it doesn't take it away.
        ("resident", note.stays.to_variant()),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn capabilities(names: &[&str]) -> Capabilities {
        Capabilities::new(&(names,).to_variant())
    }

    fn note(stays: bool) -> Note {
        Note {
            topic: Topic::CameraOn,
            title: "Camera is on".to_owned(),
            body: "<b>A & B</b>".to_owned(),
            icon: "firefox".to_owned(),
            stays,
        }
    }

    #[test]
    fn the_body_is_escaped_where_it_is_markup() {
        for (names, body) in [
            (&[][..], "<b>A & B</b>"),
            (&["body-markup"], "&lt;b&gt;A &amp; B&lt;/b&gt;"),
        ] {
            let message = capabilities(names).message(&note(false), 0);
            assert_eq!(message.child_value(4).str(), Some(body));
        }
    }

    #[test]
    fn only_what_no_list_keeps_stays_on_the_screen() {
        for (names, stays, expires) in [
            (&[][..], false, AS_USUAL),
            (&[], true, NEVER),
            (&["persistence"], true, AS_USUAL),
        ] {
            let message = capabilities(names).message(&note(stays), 0);
            assert_eq!(message.child_value(7).get(), Some(expires), "{names:?}");
        }
    }

    #[test]
    fn images_are_names_or_addresses() {
        for (icon, wanted) in [
            ("firefox", "firefox"),
            ("/snap/zoom 1.png", "file:///snap/zoom%201.png"),
        ] {
            let note = Note {
                icon: icon.to_owned(),
                ..note(false)
            };
            let image = hints(&note)["image-path"].clone();
            assert_eq!(image.str(), Some(wanted));
        }
    }
}
