//! Decides when to show which notification.

use super::ID;
use crate::applications::{self, Application};
use crate::i18n::{gettext, ngettext_f};
use crate::relay::StateName;
use crate::report::Report;

/// Our sentences are far shorter, but the application names in them can be of any length.
const MAX_BODY_CHARS: usize = 400;

/// The subject of a notification. There is at most one per topic: a new one replaces it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Topic {
    /// The camera turned on.
    CameraOn,
    /// The camera can't be used.
    Failure,
}

impl Topic {
    /// All topics.
    pub const ALL: [Self; 2] = [Self::CameraOn, Self::Failure];

    /// The notification's id at the portal.
    pub fn id(self) -> &'static str {
        match self {
            Self::CameraOn => "camera-on",
            Self::Failure => "failure",
        }
    }
}

/// The content of a notification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Its subject.
    pub topic: Topic,
    /// What happened.
    pub title: String,
    /// The applications, or the reason and what to do.
    pub body: String,
    /// A name in the icon theme, or a file's path.
    pub icon: String,
    /// Whether it stays accessible until it is withdrawn.
    pub stays: bool,
}

/// Which notifications are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// None.
    Off,
    /// Changes only, as the tray icon shows the state.
    BesideTray,
    /// Without a tray icon: the notification stays while the camera is on.
    Alone,
}

/// A change to what is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Show this, in place of the one with the same topic.
    Post(Note),
    /// Remove it.
    Withdraw(Topic),
}

/// Decides what to show, from one report after another.
#[derive(Debug, Default)]
pub struct Notifier {
    /// Whether this activation was announced, or would have been with notifications enabled. Reset
    /// when no client is left: a camera that fails and recovers during a call is not announced again.
    notified: bool,
    /// The applications named in the notification shown.
    named: Option<Vec<Application>>,
    /// The failure shown.
    failure: Option<String>,
}

impl Notifier {
    /// The changes that this report calls for. `users` are the applications of its clients.
    pub fn step(&mut self, report: &Report, users: &[Application], mode: Mode) -> Vec<Change> {
        let camera_on = self.step_camera_on(report, users, mode);
        let failure = self.step_failure(report, mode != Mode::Off);
        camera_on.into_iter().chain(failure).collect()
    }

    /// Withdraws everything that isn't shown now: an applet that was killed may have left it, and
    /// the portal keeps notifications by id.
    pub fn tidy_up(&self) -> Vec<Change> {
        withdraw(self.named.is_none(), self.failure.is_none())
    }

    /// Withdraws everything that is shown.
    pub fn end(&mut self) -> Vec<Change> {
        withdraw(self.named.take().is_some(), self.failure.take().is_some())
    }

    fn step_camera_on(
        &mut self,
        report: &Report,
        users: &[Application],
        mode: Mode,
    ) -> Option<Change> {
        let enabled = mode != Mode::Off;
        let is_over = matches!(report.state, StateName::Idle | StateName::Paused);
        let is_on = matches!(report.state, StateName::Live | StateName::Cooldown);
        if is_over || report.paused {
            self.notified = false;
        }
        if self.named.is_some() && !(is_on && enabled) {
            self.named = None;
            return Some(Change::Withdraw(Topic::CameraOn));
        }
        // A camera that is still on without a client is not announced.
        if report.state != StateName::Live {
            return None;
        }
        let is_news = !self.notified || self.names_none_of(users);
        self.notified = true;
        if !(is_news && enabled) {
            return None;
        }
        self.named = Some(users.to_vec());
        let title = report.phrase(None).title;
        Some(Change::Post(camera_on(title, users, mode == Mode::Alone)))
    }

    /// Whether the notification names none of the current users: their names arrived later, or they
    /// replaced those named. A user that joins others is not announced.
    fn names_none_of(&self, users: &[Application]) -> bool {
        let is_named = |named: &Vec<_>| users.iter().any(|user| named.contains(user));
        !users.is_empty() && self.named.as_ref().is_some_and(|named| !is_named(named))
    }

    fn step_failure(&mut self, report: &Report, enabled: bool) -> Option<Change> {
        let is_failed = report.state == StateName::Failed && !report.paused;
        // A retry is not yet a success.
        let is_retried = matches!(report.state, StateName::Arming | StateName::Starting);
        let problem = report.problem().filter(|_| is_failed && enabled);
        if let Some(problem) = problem {
            let is_new = self.failure.as_ref() != Some(&problem);
            self.failure = Some(problem.clone());
            let title = report.phrase(None).title;
            return is_new.then(|| Change::Post(failure(title, problem)));
        }
        if enabled && is_retried && !report.paused {
            return None;
        }
        self.failure
            .take()
            .map(|_| Change::Withdraw(Topic::Failure))
    }
}

fn withdraw(camera_on: bool, failure: bool) -> Vec<Change> {
    let topics = [(camera_on, Topic::CameraOn), (failure, Topic::Failure)];
    let meant = topics.into_iter().filter(|(is_meant, _)| *is_meant);
    meant.map(|(_, topic)| Change::Withdraw(topic)).collect()
}

fn camera_on(title: String, users: &[Application], stays: bool) -> Note {
    let count = users.len().try_into().unwrap_or(u32::MAX);
    let body = match applications::list(users) {
        Some(names) => ngettext_f(
            "{applications} is using the camera",
            "{applications} are using the camera",
            count,
            &[("applications", &names)],
        ),
        None => gettext("An application is using the camera"),
    };
    let icon = users.iter().find_map(|user| user.icon.clone());
    Note {
        topic: Topic::CameraOn,
        title,
        body: limited(body),
        icon: icon.unwrap_or_else(|| ID.to_owned()),
        stays,
    }
}

fn failure(title: String, problem: String) -> Note {
    Note {
        topic: Topic::Failure,
        title,
        body: limited(problem),
        icon: ID.to_owned(),
        stays: false,
    }
}

fn limited(text: String) -> String {
    match text.char_indices().nth(MAX_BODY_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests;
