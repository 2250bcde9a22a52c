//! Another version of the program on the disk takes this one's place by a restart.
//!
//! The file is watched, and compared by its device and inode only. The restart is an `exec` of it in
//! this process, after the outputs were closed in order. That is the same under systemd, for an autostart
//! entry and in a terminal, and keeps the process id, the unit and the arguments; an end that waits for
//! systemd's `Restart=` would leave all others without a camera.
//!
//! Before anything is closed, the new program has to print its version: it may be half installed, or
//! need a library that comes later in the same upgrade. If it can't, this one goes on. If `exec` fails
//! in spite of that, the applet ends with an error, which has systemd start it again. What an update
//! changes in the unit counts from systemd's own next start.

use std::cell::{Cell, RefCell};
use std::process::ExitCode;
use std::rc::Rc;
use std::time::Duration;

use super::latest::Latest;
use super::{Applet, children};
use crate::config::Watcher;
use crate::i18n::gettext_f;
use crate::program;
use crate::relay::Status;
use crate::stderr::say;

/// How long the file must be left alone: the rest of its package is written after it.
const SETTLED_AFTER: Duration = Duration::from_secs(3);

/// What is known of another version.
#[derive(Default)]
pub struct Update {
    watcher: RefCell<Option<Watcher>>,
    /// Changes of the file: one that others followed is ignored.
    changes: Latest,
    /// Whether the file is another version.
    is_there: Cell<bool>,
    /// Whether the restart was tried since the last client, or since the file changed.
    is_tried: Cell<bool>,
}

impl Update {
    /// Whether a restart would run another version.
    pub fn is_there(&self) -> bool {
        self.is_there.get()
    }
}

impl Applet {
    /// Follows the program's file from now on.
    pub(super) fn watch_program(self: &Rc<Self>) {
        let changed = Self::callback(&Rc::downgrade(self), Self::program_changed);
        match program::path().and_then(|path| Watcher::new(&path, changed)) {
            Ok(watcher) => drop(self.update.watcher.replace(Some(watcher))),
            Err(error) => tracing::warn!("cannot watch for updates of the program: {error}"),
        }
        self.update.is_there.set(program::is_replaced());
    }

    fn program_changed(self: &Rc<Self>) {
        let change = self.update.changes.begin();
        let applet = Rc::downgrade(self);
        glib::spawn_future_local(async move {
            glib::timeout_future(SETTLED_AFTER).await;
            if let Some(applet) = applet.upgrade()
                && applet.update.changes.is_newest(change)
            {
                applet.check_program();
            }
        });
    }

    fn check_program(self: &Rc<Self>) {
        let is_there = program::is_replaced();
        if is_there {
            tracing::info!("another version of the program was installed");
        }
        self.update.is_there.set(is_there);
        self.update.is_tried.set(false);
        self.publish();
    }

    /// Restarts once the camera is idle, if that is wanted. Called after every change.
    pub(super) fn restart_if_due(self: &Rc<Self>, status: &Status) {
        if !self.is_idle(status) {
            self.update.is_tried.set(false);
        } else if self.update.is_there()
            && self.config.settings().desktop.restart_after_update
            && !self.life.quitting.get()
            && !self.update.is_tried.replace(true)
        {
            self.try_restart(|applet| {
                let status = applet.relay.borrow().status();
                applet.is_idle(&status)
            });
        }
    }

    /// Whether a restart would disturb no client, delay no sleep, and not end a pause that is only known
    /// to this process.
    pub(super) fn is_idle(&self, status: &Status) -> bool {
        self.pause.problem().is_none()
            && !status.has_clients
            && status.waiting.is_empty()
            && status.covered_by.is_none()
            && !status.camera_open
            && !self.flow.has_worker()
    }

    /// Restarts if the program that is installed now can run, and if this still holds then.
    pub(super) fn try_restart(self: &Rc<Self>, is_right: impl Fn(&Self) -> bool + 'static) {
        let applet = Rc::downgrade(self);
        glib::spawn_future_local(async move {
            let runs = children::run_installed().await;
            let Some(applet) = applet.upgrade() else {
                return;
            };
            match runs {
                Ok(()) if is_right(&applet) => applet.restart(),
                Ok(()) => {}
                Err(error) => tracing::warn!("the installed program can't run: {error:#}"),
            }
        });
    }
}

/// Replaces this process. Returns only if that fails.
pub fn restart() -> ExitCode {
    tracing::info!("restarting");
    crate::stderr::flush();
    let error = program::exec_installed().to_string();
    let text = gettext_f(
        "cannot restart: {error}; start it with 'lenscap'",
        &[("error", &error)],
    );
    say(format_args!("lenscap: {text}"));
    ExitCode::FAILURE
}
