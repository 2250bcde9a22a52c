//! When there is something to tell.

use super::ID;
use crate::applications::{self, Application};
use crate::i18n::{gettext, ngettext_f};
use crate::relay::StateName;
use crate::report::Report;

/// How many characters a body has at most. A sentence of ours is shorter by far, but the names in it
/// are chosen by others.
const LONGEST: usize = 400;

/// What a notification is about. There is one notification a topic: a new one replaces it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Topic {
    /// The camera went on.
    CameraOn,
    /// There is no picture.
    Failure,
}

impl Topic {
    /// All topics.
    pub const ALL: [Self; 2] = [Self::CameraOn, Self::Failure];

    /// Its id for the portal.
    pub fn id(self) -> &'static str {
        match self {
            Self::CameraOn => "camera-on",
            Self::Failure => "failure",
        }
    }
}

/// Something to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// What it is about.
    pub topic: Topic,
    /// What happened.
    pub title: String,
    /// To whom, or why, and what to do.
    pub body: String,
    /// A name in the icon theme, or a file's path.
    pub icon: String,
    /// Whether it is to stay within reach until it is taken back.
    pub stays: bool,
}

/// Which notifications are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// None.
    Off,
    /// News: the tray icon shows what is so.
    BesideTray,
    /// There is no tray icon: a camera that is on is shown as long as it is.
    Alone,
}

/// What to do about notifications.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Tell this.
    Post(Note),
    /// It is over.
    Withdraw(Topic),
}

/// Decides what to tell, by one report after another.
#[derive(Debug, Default)]
pub struct Notifier {
    /// Whether the user was told of this activation, or didn't want to be. It lasts until nobody
    /// looks any more: a camera that fails and returns under a call is no news.
    told: bool,
    /// The applications that are named as those that use the camera, while that is shown.
    named: Option<Vec<Application>>,
    /// The failure that is shown.
    failure: Option<String>,
}

impl Notifier {
    /// What is to be done now that this is the report. `users` are the applications behind its
    /// clients.
    pub fn step(&mut self, report: &Report, users: &[Application], mode: Mode) -> Vec<Change> {
        let camera_on = self.step_camera_on(report, users, mode);
        let failure = self.step_failure(report, mode != Mode::Off);
        camera_on.into_iter().chain(failure).collect()
    }

    /// Takes back what a predecessor that was killed may have left, as desktops keep notifications by
    /// their ids: whatever isn't shown by this one.
    pub fn tidy_up(&self) -> Vec<Change> {
        withdraw(self.named.is_none(), self.failure.is_none())
    }

    /// Takes back whatever is shown: nobody will do so later.
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
            self.told = false;
        }
        if self.named.is_some() && !(is_on && enabled) {
            self.named = None;
            return Some(Change::Withdraw(Topic::CameraOn));
        }
        // Without a client, a camera that is still on is no news.
        if report.state != StateName::Live {
            return None;
        }
        let is_news = !self.told || self.names_none_of(users);
        self.told = true;
        if !(is_news && enabled) {
            return None;
        }
        self.named = Some(users.to_vec());
        Some(Change::Post(camera_on(users, mode == Mode::Alone)))
    }

    /// Whether what is shown names nobody who uses the camera now: their names came later, or they have
    /// taken over from those who are named. One that joins is not worth another notification.
    fn names_none_of(&self, users: &[Application]) -> bool {
        let is_named = |named: &Vec<_>| users.iter().any(|user| named.contains(user));
        !users.is_empty() && self.named.as_ref().is_some_and(|named| !is_named(named))
    }

    fn step_failure(&mut self, report: &Report, enabled: bool) -> Option<Change> {
        let is_failed = report.state == StateName::Failed && !report.paused;
        // Trying again is no success yet.
        let is_retried = matches!(report.state, StateName::Arming | StateName::Starting);
        let problem = report.problem().filter(|_| is_failed && enabled);
        if let Some(problem) = problem {
            let is_new = self.failure.as_ref() != Some(&problem);
            self.failure = Some(problem.clone());
            return is_new.then(|| Change::Post(failure(problem)));
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

fn camera_on(users: &[Application], stays: bool) -> Note {
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
        title: gettext("Camera is on"),
        body: limited(body),
        icon: icon.unwrap_or_else(|| ID.to_owned()),
        stays,
    }
}

fn failure(problem: String) -> Note {
    Note {
        topic: Topic::Failure,
        title: gettext("Camera not available"),
        body: limited(problem),
        icon: ID.to_owned(),
        stays: false,
    }
}

fn limited(text: String) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests;
