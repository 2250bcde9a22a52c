//! The tray's content, as a function of a report.

use crate::applications::{self, Application};
use crate::dbus::Request;
use crate::i18n::{gettext, gettext_f};
use crate::relay::StateName;
use crate::report::Report;

use super::Symbol;

/// A menu item or button that the user clicked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Click {
    /// The same request as over D-Bus.
    Request(Request),
    /// Show the about window.
    About,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum MenuEntry {
    /// Text, hidden if empty.
    Line(String),
    /// A check box.
    Check {
        label: String,
        checked: bool,
        click: Click,
    },
    Item {
        label: String,
        click: Click,
    },
    Separator,
}

/// The tray's content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    /// The icon.
    pub symbol: Symbol,
    /// The state, in a few words.
    pub headline: String,
    /// The reason, or what happens next; may be empty.
    pub detail: String,
    /// Whether the user paused the camera.
    pub paused: bool,
}

impl Model {
    /// `users` are the applications of the report's clients.
    pub fn new(report: &Report, users: &[Application]) -> Self {
        let (headline, detail) = words(report, users);
        Self {
            symbol: symbol(report),
            headline,
            detail,
            paused: report.paused,
        }
    }

    /// Whether the user has to do something.
    pub fn needs_attention(&self) -> bool {
        self.symbol == Symbol::Failed
    }

    /// The click on the icon: pauses the camera or resumes it.
    pub fn toggle(&self) -> Click {
        Click::Request(if self.paused {
            Request::Resume
        } else {
            Request::Pause
        })
    }

    /// The menu. It has the same entries in every state, because hosts rebuild a menu whose structure
    /// changes, even while it is open.
    pub(crate) fn menu(&self) -> Vec<MenuEntry> {
        let line = |text: &String| MenuEntry::Line(text.clone());
        let item = |label, click| MenuEntry::Item { label, click };
        let request = |label, request| item(label, Click::Request(request));
        vec![
            line(&self.headline),
            line(&self.detail),
            MenuEntry::Separator,
            MenuEntry::Check {
                label: gettext("Allow camera"),
                checked: !self.paused,
                click: self.toggle(),
            },
            MenuEntry::Separator,
            request(gettext("Preferences…"), Request::ShowPreferences),
            item(gettext("About"), Click::About),
            request(gettext("Quit"), Request::Quit),
        ]
    }
}

/// A pause hides a failure. An open camera is shown as on until it is closed, as its LED may be lit.
fn symbol(report: &Report) -> Symbol {
    match report.state {
        StateName::Failed if !report.paused => Symbol::Failed,
        _ if report.camera_open => Symbol::Live,
        StateName::Paused => Symbol::Paused,
        _ if report.paused => Symbol::Paused,
        _ => Symbol::Idle,
    }
}

/// Headline and detail.
fn words(report: &Report, users: &[Application]) -> (String, String) {
    let problem = report.problem().unwrap_or_default();
    if report.paused {
        let stays = gettext("It stays off until you allow it");
        let detail = if problem.is_empty() { stays } else { problem };
        return (off(report, gettext("Camera is paused")), detail);
    }
    let who = applications::list(users).unwrap_or_else(|| gettext("an application"));
    let who = [("applications", who.as_str())];
    match report.state {
        StateName::Idle | StateName::Paused => {
            let nobody = || gettext("Nobody is using it");
            let detail = report.cover().unwrap_or_else(nobody);
            (off(report, gettext("Camera is off")), detail)
        }
        StateName::Arming => (
            off(report, gettext("Camera is off")),
            gettext_f("About to turn on for {applications}", &who),
        ),
        StateName::Starting => (
            gettext_f("Camera is starting for {applications}", &who),
            problem,
        ),
        StateName::Live => (gettext_f("Camera in use by {applications}", &who), problem),
        StateName::Cooldown => (
            gettext("Camera is on"),
            gettext("Nobody is using it: it turns off soon"),
        ),
        StateName::Failed => (gettext("Camera not available"), problem),
    }
}

/// The headline of a camera that should be off: it may still be turning off.
fn off(report: &Report, text: String) -> String {
    if report.camera_open {
        gettext("Camera is turning off…")
    } else {
        text
    }
}

#[cfg(test)]
mod tests;
