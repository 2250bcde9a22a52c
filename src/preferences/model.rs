//! What the window shows, without a window: plain values and pure functions.

mod card;
mod choices;
mod devices;
mod findings;
mod key;
mod sources;
mod words;

use lenscap::report::Report;
use lenscap::settings::Settings;

pub use card::{Card, Tone};
pub use choices::{Choice, fit_framerate, offers};
pub use devices::Devices;
pub use findings::{Checkup, Finding, parse as parse_findings};
pub use key::Key;
pub use sources::{Camera, Cameras, cameras};
pub use words::{picture, summary};

/// Everything that is shown.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct View {
    /// What the config file says.
    pub settings: Settings,
    /// What is wrong with the config file.
    pub config_error: Option<String>,
    /// The applet.
    pub applet: Presence,
    /// The devices of this machine.
    pub search: Search,
    /// What is wrong with the set-up.
    pub checkup: Checkup,
}

/// The applet, as far as the session bus knows.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Presence {
    /// The bus has not answered yet.
    #[default]
    Unknown,
    /// It does not run.
    Absent,
    /// It runs and tells this.
    Running(Box<Report>),
    /// It runs and tells something that this version doesn't understand.
    Foreign,
}

/// The search for devices.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Search {
    /// It has not begun: a camera stack is not asked for its cameras while it serves one.
    #[default]
    Waiting,
    /// It goes on.
    Running,
    /// It found these.
    Done(Devices),
    /// It came to nothing, for this reason.
    Failed(String),
}

impl View {
    /// What the applet tells, if it runs.
    pub fn report(&self) -> Option<&Report> {
        match &self.applet {
            Presence::Running(report) => Some(report),
            _ => None,
        }
    }

    /// The devices, if they have been found.
    pub fn devices(&self) -> Option<&Devices> {
        match &self.search {
            Search::Done(devices) => Some(devices),
            _ => None,
        }
    }

    /// Whether a look at the cameras disturbs nobody: a camera stack is not asked for its cameras
    /// while it serves one, so the applet must have told that it is off, or not be there.
    pub fn is_quiet(&self) -> bool {
        match &self.applet {
            Presence::Unknown => false,
            Presence::Running(report) => !report.camera_open,
            Presence::Absent | Presence::Foreign => true,
        }
    }

    /// Whether the command line of the running applet has a setting's place.
    pub fn is_overridden(&self, key: Key) -> bool {
        let overridden = self.report().map_or(&[][..], |report| &report.overridden);
        let mut settings = key.settings().into_iter();
        settings.any(|setting| overridden.iter().any(|name| name == setting.id()))
    }

    /// Whether a switch for a setting is on. All that the command line can say of one is `--no-tray`.
    pub fn is_on(&self, key: Key) -> bool {
        key.read(&self.settings) == "true" && !self.is_overridden(key)
    }

    /// What is wrong, in one line. The applet's words come first: they hold its trouble with the
    /// config file, too.
    pub fn trouble(&self) -> Option<String> {
        match &self.applet {
            Presence::Foreign => Some(words::foreign()),
            Presence::Running(report) if report.error.is_some() => report.error.clone(),
            _ => self.config_error.clone(),
        }
        .map(|text| lenscap::report::sentence(&text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lenscap::relay::StateName;
    use lenscap::settings::key::{NOTIFICATIONS, TRAY};

    /// A report of an applet that does nothing.
    pub fn report(state: StateName) -> Report {
        Report {
            state,
            paused: state == StateName::Paused,
            covered_by: None,
            camera_open: false,
            since: "2026-11-20T12:00:00Z".to_owned(),
            source: lenscap::report::Source::default(),
            outputs: Vec::new(),
            clients: Vec::new(),
            error: None,
            overridden: Vec::new(),
            update: false,
            worker_pid: None,
            stats: None,
        }
    }

    pub fn running(report: Report) -> View {
        View {
            applet: Presence::Running(Box::new(report)),
            ..View::default()
        }
    }

    #[test]
    fn the_command_line_takes_the_place_of_what_it_names() {
        let mut told = report(StateName::Idle);
        told.overridden = vec!["width".to_owned(), "tray".to_owned()];
        let view = running(told);
        let (tray, notifications) = (Key::One(&TRAY), Key::One(&NOTIFICATIONS));
        let keys = [Key::Size, Key::Mirror, notifications, tray];
        let overridden = keys.into_iter().filter(|key| view.is_overridden(*key));
        assert_eq!(overridden.collect::<Vec<_>>(), [Key::Size, tray]);
        assert!(!view.is_on(tray) && view.is_on(notifications));
        assert!(!View::default().is_overridden(Key::Size));
    }

    #[test]
    fn trouble_is_told_once_and_the_applet_knows_best() {
        let mut told = report(StateName::Failed);
        let mut view = running(told.clone());
        assert_eq!(view.trouble(), None);
        view.config_error = Some("file".to_owned());
        assert_eq!(view.trouble().as_deref(), Some("File"));
        told.error = Some("camera; file".to_owned());
        view.applet = Presence::Running(Box::new(told));
        assert_eq!(view.trouble().as_deref(), Some("Camera; file"));
        view.applet = Presence::Foreign;
        assert!(view.trouble().is_some_and(|text| text.contains("version")));
    }
}
