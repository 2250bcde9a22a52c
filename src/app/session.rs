//! Giving the virtual camera to the other user's applet while it is their turn at the machine, and
//! telling the relay of locks and sleep.

use std::rc::Rc;

use super::Applet;
use crate::relay::{Event, Fault, FaultKind};
use crate::session::{Change, Session, Sleep};
use crate::settings::n_;

impl Applet {
    /// Follows the session and the machine's sleep from now on.
    pub(super) fn watch_session(self: &Rc<Self>) {
        let applet = Rc::downgrade(self);
        let session = Session::watch(move |change| {
            if let Some(applet) = applet.upgrade() {
                applet.session_changed(change);
            }
        });
        self.surroundings.session.replace(Some(session));
        let events = self.events.clone();
        let sleep = Sleep::watch(move |asleep| {
            events.send(if asleep { Event::Sleep } else { Event::Awake });
        });
        self.surroundings.sleep.replace(Some(sleep));
    }

    fn session_changed(self: &Rc<Self>, change: Change) {
        match change {
            Change::Active(true) => {
                tracing::info!("this session is active again");
                self.connect();
            }
            Change::Active(false) => {
                tracing::info!("another session is active: the virtual camera is given up");
                self.flow.close_outputs(&elsewhere());
            }
            Change::Closing => {
                tracing::info!("this session is closing");
                self.quit();
            }
            Change::Locked(true) => self.events.send(Event::Lock),
            Change::Locked(false) => self.events.send(Event::Unlock),
        }
    }

    /// Lets the machine sleep.
    pub(super) fn allow_sleep(&self) {
        if let Some(sleep) = &*self.surroundings.sleep.borrow() {
            sleep.allow();
        }
    }

    /// Whether another user's session has the screen, so that the virtual camera is theirs.
    pub(super) fn is_elsewhere(&self) -> bool {
        let session = self.surroundings.session.borrow();
        session.as_ref().is_some_and(|session| !session.is_active())
    }
}

/// Why there is no virtual camera meanwhile.
fn elsewhere() -> Fault {
    let text = n_("another session is active: switch back to this one");
    Fault::new(FaultKind::NoOutput, text)
}
