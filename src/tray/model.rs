//! The tray's content, as a function of a report.

use crate::applications::{self, Application};
use crate::dbus::Request;
use crate::i18n::gettext;
use crate::relay::StateName;
use crate::report::{Phrase, Report};

use super::Symbol;

/// A menu item or button that the user clicked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Click {
    /// The same request as over D-Bus.
    Request(Request),
    /// Show the about window.
    About,
    /// Run the version that was installed meanwhile.
    Restart,
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
    /// An item, hidden if its text is empty.
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
    /// Whether another version is installed than the one that runs.
    pub update: bool,
}

impl Model {
    /// `users` are the applications of the report's clients.
    pub fn new(report: &Report, users: &[Application]) -> Self {
        let Phrase { title, detail } = phrase(report, users);
        Self {
            symbol: symbol(report),
            headline: title,
            detail,
            paused: report.paused,
            update: report.update,
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
        let restart = if self.update {
            gettext("Restart to finish the update")
        } else {
            String::new()
        };
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
            item(restart, Click::Restart),
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

/// What goes on, and what is wrong in the place of details where that is why.
fn phrase(report: &Report, users: &[Application]) -> Phrase {
    let mut phrase = report.phrase(applications::list(users).as_deref());
    let is_about_it = matches!(
        report.state,
        StateName::Starting | StateName::Live | StateName::Failed
    );
    if let Some(problem) = report.problem().filter(|_| is_about_it || report.paused) {
        phrase.detail = problem;
    }
    phrase
}

#[cfg(test)]
mod tests;
