//! A note as a message to `org.freedesktop.Notifications`.

use std::collections::HashMap;

use gio::prelude::*;
use glib::Variant;

use super::{DEFAULT, ID, Note, TURN_OFF, Topic};
use crate::i18n::gettext;

/// Expiry as the server decides.
const SERVER_DEFAULT: i32 = -1;
const NEVER: i32 = 0;
/// GNOME doesn't pop up notifications of lower urgency.
const NORMAL: u8 = 1;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    actions: bool,
    /// It parses bodies as markup.
    body_markup: bool,
    /// It keeps a list of notifications that have left the screen.
    persistence: bool,
}

impl Capabilities {
    /// From the reply to `GetCapabilities`.
    pub fn new(reply: &Variant) -> Self {
        let (names,): (Vec<String>,) = reply.get().unwrap_or_default();
        let has = |name| names.iter().any(|one| one == name);
        Self {
            actions: has("actions"),
            body_markup: has("body-markup"),
            persistence: has("persistence"),
        }
    }

    /// The parameters of `Notify`; `replaces` is the id of the notification to replace, or 0.
    pub fn message(self, note: &Note, replaces: u32) -> Variant {
        let body = if self.body_markup {
            glib::markup_escape_text(&note.body).into()
        } else {
            note.body.clone()
        };
        let expires = if note.stays && !self.persistence {
            NEVER
        } else {
            SERVER_DEFAULT
        };
        let actions = self.actions(note.topic);
        let (title, hints) = (&note.title, hints(note));
        (
            "Lenscap", replaces, ID, title, body, actions, hints, expires,
        )
            .to_variant()
    }

    /// Names and labels. Some servers show the default action, a click on the notification, as a
    /// button: so it has a label, and no other button does the same.
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
        // Desktops take the application's name and icon from this.
        ("desktop-entry", ID.to_variant()),
        ("image-path", image.to_variant()),
        ("urgency", NORMAL.to_variant()),
        // A click doesn't close it.
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
    fn the_body_is_escaped_if_it_is_markup() {
        for (names, body) in [
            (&[][..], "<b>A & B</b>"),
            (&["body-markup"], "&lt;b&gt;A &amp; B&lt;/b&gt;"),
        ] {
            let message = capabilities(names).message(&note(false), 0);
            assert_eq!(message.child_value(4).str(), Some(body));
        }
    }

    #[test]
    fn a_lasting_note_never_expires_on_a_server_without_a_list() {
        for (names, stays, expires) in [
            (&[][..], false, SERVER_DEFAULT),
            (&[], true, NEVER),
            (&["persistence"], true, SERVER_DEFAULT),
        ] {
            let message = capabilities(names).message(&note(stays), 0);
            assert_eq!(message.child_value(7).get(), Some(expires), "{names:?}");
        }
    }

    #[test]
    fn images_are_icon_names_or_file_uris() {
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
