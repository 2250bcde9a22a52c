//! Giving the virtual camera to the other user's applet while it is their turn at the machine.

use std::rc::Rc;

use super::Applet;
use crate::i18n::gettext;
use crate::relay::{Fault, FaultKind};
use crate::session::Session;

impl Applet {
    /// Follows the session from now on.
    pub(super) fn watch_session(self: &Rc<Self>) {
        let applet = Rc::downgrade(self);
        let session = Session::watch(move |active| {
            let Some(applet) = applet.upgrade() else {
                return;
            };
            if active {
                tracing::info!("this session is active again");
                applet.connect();
            } else {
                tracing::info!("another session is active: the virtual camera is given up");
                applet.give_back(&elsewhere());
            }
        });
        self.session.replace(Some(session));
    }

    /// Whether another user's session has the screen, so that the virtual camera is theirs.
    pub(super) fn is_elsewhere(&self) -> bool {
        let session = self.session.borrow();
        session.as_ref().is_some_and(|session| !session.is_active())
    }
}

/// Why there is no virtual camera meanwhile.
fn elsewhere() -> Fault {
    let text = gettext("another session is active: switch back to this one");
    Fault::new(FaultKind::NoOutput, text)
}
