//! What others can request of the applet.

use std::os::fd::OwnedFd;
use std::rc::Rc;

use super::{Applet, preferences};
use crate::dbus::Request;
use crate::i18n::{gettext, gettext_f, translate};
use crate::relay::Event;

impl Applet {
    /// Carries out a request.
    pub(super) fn request(self: &Rc<Self>, request: Request) -> Result<(), String> {
        match request {
            Request::Pause => return self.set_paused(Event::Pause),
            Request::Resume => return self.set_paused(Event::Resume),
            Request::Quit => self.quit(),
            Request::ShowPreferences => return self.show_preferences(),
        }
        Ok(())
    }

    /// Pauses or resumes. A success means that it is stored, too.
    fn set_paused(self: &Rc<Self>, event: Event) -> Result<(), String> {
        self.events.send(event);
        if self.pause.problem().is_some() {
            // It may be an old one.
            self.pause.store(self.relay.borrow().status().paused);
            self.publish();
        }
        let problem = self.pause.problem();
        problem.map_or(Ok(()), |problem| Err(translate(&problem)))
    }

    /// Opens a preview for a caller on the bus, which has to be the preferences.
    pub(super) fn open_preview_for(&self, caller: u32) -> Result<OwnedFd, String> {
        if !preferences::is_run_by(caller) {
            return Err(gettext("Previews are for Lenscap's preferences alone"));
        }
        self.open_preview(caller)
    }

    /// Opens a preview for a process: a descriptor for its reader, or why there is none, in
    /// one line.
    pub(super) fn open_preview(&self, reader: u32) -> Result<OwnedFd, String> {
        match self.flow.open_preview(reader) {
            Some(Ok(descriptor)) => Ok(descriptor),
            Some(Err(error)) => {
                let error = error.to_string();
                Err(gettext_f(
                    "Cannot open a preview: {error}",
                    &[("error", &error)],
                ))
            }
            None => Err(self.why_no_output()),
        }
    }

    fn why_no_output(&self) -> String {
        let fault = self.relay.borrow().status().error;
        let unknown = || gettext("There is no virtual camera to look at");
        fault.map_or_else(unknown, |fault| translate(&fault.message))
    }
}
