//! The card at the top: what the camera does, in words that need no explaining.

use jiff::Timestamp;
use lenscap::i18n::gettext;
use lenscap::relay::StateName;
use lenscap::report::{Phrase, Report};

use super::words::names;
use super::{Presence, View};

/// What the card shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    /// How it looks.
    pub tone: Tone,
    /// What is going on.
    pub title: String,
    /// For whom, or why, and since when.
    pub detail: String,
    /// Whether the user allows the camera; `None` while there is nothing that could be asked.
    pub allowed: Option<bool>,
}

/// How the card looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Nothing is going on.
    Off,
    /// The camera is on, or about to be.
    On,
    /// The camera is covered, whoever looks.
    Covered,
    /// Something is wrong.
    Trouble,
}

impl Tone {
    /// Its icon.
    pub fn icon(self) -> &'static str {
        match self {
            Self::Off | Self::On => "camera-web-symbolic",
            Self::Covered => "camera-disabled-symbolic",
            Self::Trouble => "dialog-warning-symbolic",
        }
    }

    /// Its style class.
    pub fn class(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::On => "on",
            Self::Covered => "covered",
            Self::Trouble => "trouble",
        }
    }
}

impl Card {
    /// The card for a view at this time.
    pub fn new(view: &View, now: Timestamp) -> Self {
        let plain = |title, detail| Self {
            tone: Tone::Off,
            title,
            detail,
            allowed: None,
        };
        match &view.applet {
            Presence::Unknown => plain(gettext("Camera"), gettext("Looking for Lenscap…")),
            Presence::Absent => plain(
                gettext("Camera is off"),
                gettext("Applications find it when Lenscap runs"),
            ),
            Presence::Foreign => plain(gettext("Camera"), gettext("Its state is not known")),
            Presence::Running(report) => running(report, now),
        }
    }
}

fn running(report: &Report, now: Timestamp) -> Card {
    let who = names(&report.clients);
    let Phrase { title, detail } = report.phrase(who.as_deref());
    Card {
        tone: tone(report),
        title,
        detail: report.since(&detail, now),
        allowed: Some(!report.paused),
    }
}

fn tone(report: &Report) -> Tone {
    match report.state {
        _ if report.paused => Tone::Covered,
        StateName::Idle => Tone::Off,
        StateName::Arming | StateName::Starting | StateName::Live | StateName::Cooldown => Tone::On,
        StateName::Paused => Tone::Covered,
        StateName::Failed if report.is_turning_off() => Tone::Covered,
        StateName::Failed => Tone::Trouble,
    }
}

#[cfg(test)]
mod tests {
    use lenscap::relay::Cover;
    use lenscap::report::Client;

    use super::super::tests::{report, running as view};
    use super::*;

    fn at(view: &View) -> Card {
        Card::new(view, "2026-11-20T12:05:30Z".parse().unwrap())
    }

    #[test]
    fn every_state_has_its_words() {
        for (state, wanted) in [
            (
                StateName::Idle,
                "Camera is off|No application is using it · for 5 minutes",
            ),
            (
                StateName::Arming,
                "Camera is off|About to turn on for Firefox · for 5 minutes",
            ),
            (
                StateName::Starting,
                "Camera is starting…|For Firefox · for 5 minutes",
            ),
            (
                StateName::Live,
                "Camera is on|In use by Firefox · for 5 minutes",
            ),
            (
                StateName::Cooldown,
                "Camera is on|No longer in use, it turns off soon · for 5 minutes",
            ),
            (
                StateName::Paused,
                "Camera is paused|The placeholder is shown to Firefox · for 5 minutes",
            ),
            (
                StateName::Failed,
                "Camera not available|The placeholder is shown to Firefox · for 5 minutes",
            ),
        ] {
            let mut report = report(state);
            report.clients = vec![Client {
                pid: 1,
                name: "Firefox".to_owned(),
            }];
            let card = at(&view(report));
            assert_eq!(format!("{}|{}", card.title, card.detail), wanted);
            assert_eq!(card.allowed, Some(state != StateName::Paused));
        }
    }

    #[test]
    fn a_camera_that_is_still_open_is_not_called_paused() {
        let mut report = report(StateName::Paused);
        report.camera_open = true;
        let card = at(&view(report.clone()));
        assert_eq!(
            (card.tone, &*card.title),
            (Tone::Covered, "Camera is turning off…")
        );
        report.camera_open = false;
        assert_eq!(at(&view(report)).title, "Camera is paused");
    }

    #[test]
    fn what_covers_the_camera_is_told() {
        let mut report = report(StateName::Paused);
        report.paused = false;
        report.covered_by = Some(Cover::Lock);
        let card = at(&view(report.clone()));
        assert_eq!((card.tone, &*card.title), (Tone::Covered, "Camera is off"));
        let detail = "Covered while the screen is locked · for 5 minutes";
        assert_eq!(card.detail, detail);
        assert_eq!(card.allowed, Some(true));
        report.camera_open = true;
        assert_eq!(at(&view(report)).title, "Camera is turning off…");
    }

    #[test]
    fn without_an_applet_nothing_can_be_asked() {
        for applet in [Presence::Unknown, Presence::Absent, Presence::Foreign] {
            let view = View {
                applet,
                ..View::default()
            };
            assert_eq!(at(&view).allowed, None);
        }
    }
}
