//! Previews of what the outputs show. They get its frames where they are submitted, and its cards
//! where those are shown; they are painted from the output's own pictures.

use std::os::fd::OwnedFd;

use super::Applet;
use crate::clients;
use crate::i18n::{gettext, gettext_f};
use crate::relay::{Card, Client, Event};

impl Applet {
    /// Opens a preview for a process: a descriptor for its reader, or a line that says why there is
    /// none.
    pub(super) fn open_preview(&self, reader: u32) -> Result<OwnedFd, String> {
        let opened = match self.outlets.borrow().open().next() {
            Some((output, _)) => self.audience.open(reader, output.pictures()),
            None => return Err(self.why_no_output()),
        };
        // Whoever looks may start the camera.
        self.events.send(looking(self.audience.readers()));
        opened.map_err(|error| {
            let error = error.to_string();
            gettext_f("Cannot open a preview: {error}", &[("error", &error)])
        })
    }

    fn why_no_output(&self) -> String {
        let fault = self.relay.borrow().status().error;
        let unknown = || gettext("There is no virtual camera to look at");
        fault.map_or_else(unknown, |fault| gettext(&*fault.text))
    }

    /// Ends previews whose frames have another shape than those of the outputs by now.
    pub(super) fn end_stale_previews(&self) {
        let shape = self.outlets.borrow().shape().map(|(geometry, _)| geometry);
        let stale = self.audience.geometry().filter(|own| Some(*own) != shape);
        if stale.is_some() {
            self.audience.close();
            self.events.send(looking(Vec::new()));
        }
    }

    /// Shows a placeholder to every preview, after an output does.
    pub(super) fn preview_card(&self, card: Card) {
        if let Some((output, _)) = self.outlets.borrow().open().next() {
            self.audience.show(card, output.pictures());
        }
    }

    /// Shows the placeholder anew when it was drawn anew.
    pub(super) fn repaint_previews(&self) {
        if let Some((output, _)) = self.outlets.borrow().open().next() {
            self.audience.repaint(output.pictures());
        }
    }
}

/// That these processes look at previews.
pub(super) fn looking(readers: Vec<u32>) -> Event {
    let named = |pid| Client {
        pid,
        name: clients::name(pid),
    };
    Event::Previews(readers.into_iter().map(named).collect())
}
