//! The set-up, looked at and mended.

use adw::glib;
use adw::gtk::prelude::*;
use adw::subclass::prelude::*;
use lenscap::i18n::gettext;

use super::Window;
use crate::model::{Checkup, Finding, Presence};
use crate::program;

impl Window {
    /// Looks what is wrong with the set-up.
    pub(super) fn check(&self) {
        if self.imp().view.borrow().checkup.is_running {
            return;
        }
        self.begin();
        let window = self.downgrade();
        glib::spawn_future_local(async move {
            let found = program::check().await;
            if let Some(window) = window.upgrade() {
                window.found(found, false);
            }
        });
    }

    /// Has something mended, and shows what is left. The applet may be in the way of that, and is
    /// started again if it was ended for it.
    pub(super) fn mend(&self, action: &str) {
        let was_running = self.imp().view.borrow().report().is_some();
        self.begin();
        let (window, action) = (self.downgrade(), action.to_owned());
        glib::spawn_future_local(async move {
            let mended = program::mend(&action).await;
            let Some(window) = window.upgrade() else {
                return;
            };
            let has_ended = window.imp().view.borrow().applet == Presence::Absent;
            let mended = mended.map(|(findings, said)| {
                let is = |finding: &Finding| finding.action.as_ref() == Some(&action);
                if findings.iter().any(is) {
                    window.toast(&complaint(&said, &action));
                }
                findings
            });
            window.found(mended, was_running && has_ended);
            if was_running && has_ended {
                window.start();
            }
            window.search(); // there may be other devices now
        });
    }

    /// Puts a command where a terminal can have it from.
    pub(super) fn copy(&self, command: &str) {
        self.clipboard().set_text(command);
        self.toast(&gettext("Copied: paste it into a terminal"));
    }

    /// One thing after the other.
    fn begin(&self) {
        self.action_set_enabled("win.mend", false);
        self.update(|view| view.checkup.is_running = true);
    }

    fn found(&self, found: Result<Vec<Finding>, String>, is_stale: bool) {
        self.action_set_enabled("win.mend", true);
        self.update(|view| {
            view.checkup = Checkup {
                is_running: false,
                is_stale,
                result: Some(found),
            };
        });
    }
}

/// Why something was not mended: the last line said of it.
fn complaint(said: &str, action: &str) -> String {
    let last = said.lines().rfind(|line| !line.trim().is_empty());
    let reason = last.map(|line| line.trim_start_matches(&format!("{action}: ")));
    reason.map_or_else(
        || gettext("It could not be fixed"),
        lenscap::report::sentence,
    )
}

#[cfg(test)]
mod tests {
    use super::complaint;

    #[test]
    fn the_reason_is_the_last_word() {
        for (said, wanted) in [
            ("", "It could not be fixed"),
            (
                "load-module: not allowed: nothing was changed\n\n",
                "Not allowed: nothing was changed",
            ),
            (
                "ran modprobe -r x\nload-module: modprobe: in use",
                "Modprobe: in use",
            ),
        ] {
            assert_eq!(complaint(said, "load-module"), wanted);
        }
    }
}
