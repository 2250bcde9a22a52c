//! What there is to see and to click in the tray, as a function of a report.

use crate::applications::{self, Application};
use crate::dbus::Request;
use crate::i18n::{gettext, gettext_f};
use crate::relay::StateName;
use crate::report::Report;

use super::Symbol;

/// What the user wants done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Click {
    /// What everybody can ask of the applet.
    Request(Request),
    /// Show what this program is.
    About,
}

/// A line of the menu.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// Something to read; not shown where it is empty.
    Line(String),
    /// A switch.
    Check {
        /// What it says.
        label: String,
        /// Whether it is on.
        checked: bool,
        /// What it does.
        click: Click,
    },
    /// Something to do.
    Item {
        /// What it says.
        label: String,
        /// What it does.
        click: Click,
    },
    /// A line between others.
    Separator,
}

/// What there is to see and to click.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    /// The icon.
    pub symbol: Symbol,
    /// What is going on, in a few words.
    pub headline: String,
    /// Why, or what comes next; may be empty.
    pub detail: String,
    /// Whether the user covered the camera.
    pub paused: bool,
}

impl Model {
    /// The model of this report, with the applications behind its clients.
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

    /// What a click on the icon does: covers the camera, or allows it again.
    pub fn toggle(&self) -> Click {
        Click::Request(if self.paused {
            Request::Resume
        } else {
            Request::Pause
        })
    }

    /// The menu. It has the same entries in every state: a host builds one that changes anew, even
    /// while it is open.
    pub fn menu(&self) -> Vec<Entry> {
        let line = |text: &String| Entry::Line(text.clone());
        let item = |label, click| Entry::Item { label, click };
        let request = |label, request| item(label, Click::Request(request));
        vec![
            line(&self.headline),
            line(&self.detail),
            Entry::Separator,
            Entry::Check {
                label: gettext("Allow camera"),
                checked: !self.paused,
                click: self.toggle(),
            },
            Entry::Separator,
            request(gettext("Preferences…"), Request::ShowPreferences),
            item(gettext("About"), Click::About),
            request(gettext("Quit"), Request::Quit),
        ]
    }
}

/// A pause is what the user wants, whatever is wrong beside it. An open camera shows as open until it
/// is closed: its light may be on.
fn symbol(report: &Report) -> Symbol {
    match report.state {
        StateName::Failed if !report.paused => Symbol::Failed,
        _ if report.camera_open => Symbol::Live,
        StateName::Paused => Symbol::Paused,
        _ if report.paused => Symbol::Paused,
        _ => Symbol::Idle,
    }
}

/// What is going on, and why or what comes next.
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

/// What is said of a camera that is to be off; until it is, it is being turned off.
fn off(report: &Report, text: String) -> String {
    if report.camera_open {
        gettext("Camera is turning off…")
    } else {
        text
    }
}

#[cfg(test)]
mod tests;
