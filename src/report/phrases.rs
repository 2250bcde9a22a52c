//! What goes on, in a few words: the same in the tray, in the preferences and at a terminal.

use jiff::Timestamp;

use super::Report;
use crate::i18n::{gettext, gettext_f, ngettext_f};
use crate::relay::{Cover, StateName};

/// What goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phrase {
    /// What the camera does.
    pub title: String,
    /// For whom, or why, or what comes next.
    pub detail: String,
}

impl Report {
    /// What goes on; `who` are the clients in one line, if there are any.
    pub fn phrase(&self, who: Option<&str>) -> Phrase {
        let mut phrase = self.phrase_of_state(who);
        if self.is_turning_off() {
            phrase.title = gettext("Camera is turning off…");
            if self.is_covered() {
                phrase.detail = gettext("Applications see the placeholder");
            }
        }
        phrase
    }

    fn phrase_of_state(&self, who: Option<&str>) -> Phrase {
        let unknown = gettext("an application");
        let for_whom = [("who", who.unwrap_or(&unknown))];
        let placeholder = who.map(|_| gettext_f("The placeholder is shown to {who}", &for_whom));
        let (title, detail) = match self.state {
            _ if self.paused => (
                gettext("Camera is paused"),
                placeholder.unwrap_or_else(|| gettext("It stays off until you allow it")),
            ),
            StateName::Idle | StateName::Paused => (
                gettext("Camera is off"),
                self.cover()
                    .unwrap_or_else(|| gettext("No application is using it")),
            ),
            StateName::Arming => (
                gettext("Camera is off"),
                gettext_f("About to turn on for {who}", &for_whom),
            ),
            StateName::Starting => (
                gettext("Camera is starting…"),
                gettext_f("For {who}", &for_whom),
            ),
            StateName::Live => (
                gettext("Camera is on"),
                gettext_f("In use by {who}", &for_whom),
            ),
            StateName::Cooldown => (
                gettext("Camera is on"),
                gettext("No longer in use, it turns off soon"),
            ),
            StateName::Failed => (
                gettext("Camera not available"),
                placeholder.unwrap_or_else(|| gettext("Lenscap keeps trying")),
            ),
        };
        Phrase { title, detail }
    }

    fn is_covered(&self) -> bool {
        self.paused || self.covered_by.is_some() || self.state == StateName::Paused
    }

    /// Whether a camera that is to be off is still open: its light may be on.
    pub fn is_turning_off(&self) -> bool {
        let is_unused = matches!(self.state, StateName::Idle | StateName::Arming);
        self.camera_open && (is_unused || self.is_covered())
    }

    /// What covers the camera, where the user didn't.
    fn cover(&self) -> Option<String> {
        let cover = self.covered_by.filter(|_| !self.paused)?;
        Some(match cover {
            Cover::Lock => gettext("Covered while the screen is locked"),
            Cover::Sleep => gettext("Covered while the computer sleeps"),
        })
    }

    /// A phrase with how long that has been so, if it is known.
    pub fn since(&self, what: &str, now: Timestamp) -> String {
        let Ok(since) = self.since.parse::<Timestamp>() else {
            return what.to_owned();
        };
        let age = age(now.as_second() - since.as_second());
        gettext_f("{what} · {age}", &[("what", what), ("age", &age)])
    }
}

/// How long something has been so.
fn age(seconds: i64) -> String {
    let count = |unit: i64| u32::try_from(seconds / unit).unwrap_or(u32::MAX);
    match seconds {
        ..60 => gettext("just now"),
        60..3600 => ngettext_f("for {n} minute", "for {n} minutes", count(60), &[]),
        3600..172_800 => ngettext_f("for {n} hour", "for {n} hours", count(3600), &[]),
        _ => ngettext_f("for {n} day", "for {n} days", count(86_400), &[]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(state: StateName, camera_open: bool) -> Report {
        let report = r#"{"state":"idle","paused":false,"camera_open":false,"since":"",
            "source":{"kind":"auto","name":""},"outputs":[],"clients":[],"error":null,
            "overridden":[],"worker_pid":null}"#;
        Report {
            state,
            camera_open,
            ..Report::from_json(report).unwrap()
        }
    }

    fn text(report: &Report, who: Option<&str>) -> String {
        let Phrase { title, detail } = report.phrase(who);
        format!("{title} | {detail}")
    }

    #[test]
    fn every_state_has_its_phrase() {
        let zoom = Some("Zoom");
        for (state, camera_open, who, wanted) in [
            (
                StateName::Idle,
                false,
                None,
                "Camera is off | No application is using it",
            ),
            (
                StateName::Idle,
                true,
                None,
                "Camera is turning off… | No application is using it",
            ),
            (
                StateName::Arming,
                false,
                zoom,
                "Camera is off | About to turn on for Zoom",
            ),
            (
                StateName::Starting,
                true,
                zoom,
                "Camera is starting… | For Zoom",
            ),
            (StateName::Live, true, zoom, "Camera is on | In use by Zoom"),
            (
                StateName::Live,
                true,
                None,
                "Camera is on | In use by an application",
            ),
            (
                StateName::Cooldown,
                true,
                None,
                "Camera is on | No longer in use, it turns off soon",
            ),
            (
                StateName::Failed,
                false,
                None,
                "Camera not available | Lenscap keeps trying",
            ),
            (
                StateName::Failed,
                false,
                zoom,
                "Camera not available | The placeholder is shown to Zoom",
            ),
        ] {
            assert_eq!(text(&report(state, camera_open), who), wanted);
        }
    }

    #[test]
    fn a_covered_camera_has_a_reason() {
        let mut covered = report(StateName::Paused, false);
        covered.covered_by = Some(Cover::Sleep);
        assert_eq!(
            text(&covered, None),
            "Camera is off | Covered while the computer sleeps"
        );
        covered.covered_by = Some(Cover::Lock);
        assert_eq!(
            text(&covered, None),
            "Camera is off | Covered while the screen is locked"
        );
        covered.camera_open = true;
        let off = "Camera is turning off… | Applications see the placeholder";
        assert_eq!(text(&covered, None), off);
        covered.paused = true;
        assert_eq!(text(&covered, None), off);
        covered.camera_open = false;
        let paused = "Camera is paused | It stays off until you allow it";
        assert_eq!(text(&covered, None), paused);
        covered.state = StateName::Failed;
        assert_eq!(text(&covered, None), paused);
        let shown = "Camera is paused | The placeholder is shown to Zoom";
        assert_eq!(text(&covered, Some("Zoom")), shown);
    }

    #[test]
    fn times_are_rounded_to_what_matters() {
        for (seconds, wanted) in [
            (-5, "just now"),
            (59, "just now"),
            (60, "for 1 minute"),
            (3599, "for 59 minutes"),
            (7200, "for 2 hours"),
            (172_800, "for 2 days"),
        ] {
            assert_eq!(age(seconds), wanted);
        }
    }

    #[test]
    fn a_time_that_cannot_be_read_is_left_out() {
        let mut report = report(StateName::Idle, false);
        report.since = "yesterday".to_owned();
        let now = "2026-11-20T12:05:30Z".parse().unwrap();
        assert_eq!(report.since("Off", now), "Off");
        report.since = "2026-11-20T12:00:00Z".to_owned();
        assert_eq!(report.since("Off", now), "Off · for 5 minutes");
    }
}
