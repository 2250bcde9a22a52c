//! Words that several parts of the window say.

use lenscap::i18n::{gettext, gettext_f, ngettext_f};
use lenscap::report::Client;

use super::Checkup;

/// Who looks, as a person would list them: applications, and the preview in this very window;
/// `None` for none.
pub fn names(clients: &[Client]) -> Option<String> {
    let own = std::process::id();
    let (own, others): (Vec<_>, Vec<_>) = clients.iter().partition(|client| client.pid == own);
    let mut names: Vec<_> = others.iter().map(|client| client.name.as_str()).collect();
    // A browser with several processes is one application.
    names.sort_unstable();
    names.dedup();
    // Translators: as in "In use by the preview", which is the one in this window.
    let preview = gettext("the preview");
    names.extend((!own.is_empty()).then_some(preview.as_str()));
    Some(match names.as_slice() {
        [] => return None,
        [one] => (*one).to_owned(),
        [one, two] => gettext_f("{one} and {two}", &[("one", one), ("two", two)]),
        [one, two, more @ ..] => ngettext_f(
            "{one}, {two} and {n} more application",
            "{one}, {two} and {n} more applications",
            u32::try_from(more.len()).unwrap_or(u32::MAX),
            &[("one", one), ("two", two)],
        ),
    })
}

/// How the set-up is, in a line.
pub fn summary(checkup: &Checkup) -> String {
    match (&checkup.result, checkup.problems()) {
        (None, _) if checkup.is_running => gettext("Checking…"),
        (None, _) => gettext("Checked when the camera is off"),
        (Some(Err(reason)), _) => {
            gettext_f("It cannot be checked: {reason}", &[("reason", reason)])
        }
        (_, None | Some(0)) => gettext("All is well"),
        (_, Some(n)) => ngettext_f("{n} thing to fix", "{n} things to fix", n, &[]),
    }
}

/// A length of time as an adjustable delay has it.
pub fn span(ms: u64) -> String {
    let count = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
    if ms > 0 && ms.is_multiple_of(60_000) {
        ngettext_f("{n} minute", "{n} minutes", count(ms / 60_000), &[])
    } else if ms.is_multiple_of(1000) {
        ngettext_f("{n} second", "{n} seconds", count(ms / 1000), &[])
    } else {
        let text = format!("{}.{:03}", ms / 1000, ms % 1000);
        let seconds = text.trim_end_matches('0');
        gettext_f("{seconds} seconds", &[("seconds", seconds)])
    }
}

/// A picture's size.
pub fn size(width: u32, height: u32) -> String {
    format!("{width} × {height}")
}

/// A frame rate.
pub fn rate(framerate: u32) -> String {
    ngettext_f("{n} frame a second", "{n} frames a second", framerate, &[])
}

/// What a virtual camera shows.
pub fn picture(output: &lenscap::report::Output) -> String {
    gettext_f(
        "{size}, {rate}, {format}",
        &[
            ("size", &size(output.width, output.height)),
            ("rate", &rate(output.framerate)),
            ("format", &output.format),
        ],
    )
}

/// What is to be done about an applet that speaks otherwise.
pub fn foreign() -> String {
    gettext("The running Lenscap is of another version. Quit it and start it again.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(name: &str) -> Client {
        Client {
            pid: 1,
            name: name.to_owned(),
        }
    }

    #[test]
    fn applications_are_listed_once_each() {
        for (clients, wanted) in [
            (&["Firefox", "Firefox"][..], "Firefox"),
            (&["Zoom", "Firefox"], "Firefox and Zoom"),
            (&["a", "b", "c"], "a, b and 1 more application"),
            (&["a", "b", "c", "d"], "a, b and 2 more applications"),
        ] {
            let clients: Vec<_> = clients.iter().map(|name| client(name)).collect();
            assert_eq!(names(&clients).unwrap(), wanted);
        }
    }

    #[test]
    fn the_preview_of_this_window_is_no_application() {
        let preview = Client {
            pid: std::process::id(),
            name: "lenscap-preferences".to_owned(),
        };
        assert_eq!(names(&[]), None);
        let alone = names(std::slice::from_ref(&preview));
        assert_eq!(alone.unwrap(), "the preview");
        let both = names(&[preview, client("Zoom")]);
        assert_eq!(both.unwrap(), "Zoom and the preview");
    }

    #[test]
    fn the_set_up_is_told_in_a_line() {
        let found = |lines: &[&str]| {
            let line = |status| format!(r#"{{"rung":"x","status":"{status}","what":"What."}}"#);
            let lines: Vec<_> = lines.iter().map(line).collect();
            crate::model::parse_findings(&lines.join("\n")).map(Ok)
        };
        for (is_running, result, wanted) in [
            (true, None, "Checking…"),
            (false, None, "Checked when the camera is off"),
            (true, found(&["ok", "note"]), "All is well"),
            (false, found(&["problem", "note"]), "1 thing to fix"),
            (false, found(&["problem", "problem"]), "2 things to fix"),
            (
                false,
                Some(Err("Why".to_owned())),
                "It cannot be checked: Why",
            ),
        ] {
            let checkup = Checkup {
                is_running,
                result,
                ..Checkup::default()
            };
            assert_eq!(summary(&checkup), wanted);
        }
    }

    #[test]
    fn delays_are_told_in_the_unit_that_fits() {
        for (ms, wanted) in [
            (0, "0 seconds"),
            (500, "0.5 seconds"),
            (1000, "1 second"),
            (1250, "1.25 seconds"),
            (30_000, "30 seconds"),
            (60_000, "1 minute"),
            (90_000, "90 seconds"),
        ] {
            assert_eq!(span(ms), wanted);
        }
    }
}
