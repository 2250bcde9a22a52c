//! Logging to standard error, for terminals and the journal.

use std::io::{self, IsTerminal};

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::prelude::*;

use crate::stderr;

const DEFAULT: LevelFilter = LevelFilter::INFO;

/// Starts logging with the level in `LENSCAP_LOG`. The applet adds the time to its children's lines,
/// and a child's log waits until the child is confined.
pub fn init(is_child: bool) {
    let own = std::env::var("LENSCAP_LOG").ok();
    let (level, misread) = level(own.as_deref(), std::env::var("RUST_LOG").ok().as_deref());
    let is_plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let log = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(|| stderr::Log)
        // It would report them on standard error, and panic there.
        .log_internal_errors(false)
        .with_ansi(io::stderr().is_terminal() && !is_plain)
        .with_target(false);
    // The journal adds the time itself.
    if is_child || std::env::var_os("JOURNAL_STREAM").is_some() {
        log.without_time().finish().with(targets(level)).init();
    } else {
        log.finish().with(targets(level)).init();
    }
    if !is_child {
        stderr::start();
    }
    if let Some(text) = misread {
        tracing::warn!(
            "LENSCAP_LOG={text} is not a log level: use error, warn, info, debug, trace or off"
        );
    }
}

/// Levels by target: zbus warns about every closed connection, as of the tray icon when its host ends.
/// That is logged at levels above the default only.
fn targets(level: LevelFilter) -> Targets {
    let zbus = if level > DEFAULT {
        level
    } else {
        level.min(LevelFilter::ERROR)
    };
    Targets::new().with_default(level).with_target("zbus", zbus)
}

/// The level, and the text of `LENSCAP_LOG` if it is invalid. `RUST_LOG` may contain directives for
/// other programs, which are ignored.
fn level<'a>(own: Option<&'a str>, shared: Option<&str>) -> (LevelFilter, Option<&'a str>) {
    let own = own.filter(|text| !text.is_empty());
    let parsed = own.and_then(|text| text.parse().ok());
    let misread = own.filter(|_| parsed.is_none());
    let shared = shared.filter(|text| !text.is_empty());
    let level = parsed.or_else(|| shared.and_then(|text| text.parse().ok()));
    (level.unwrap_or(DEFAULT), misread)
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    #[test]
    fn closed_connections_are_logged_above_the_default_level_only() {
        for (level, own, zbus) in [
            (LevelFilter::INFO, true, false),
            (LevelFilter::WARN, true, false),
            (LevelFilter::OFF, false, false),
            (LevelFilter::DEBUG, true, true),
        ] {
            let targets = targets(level);
            let is_logged = |target| targets.would_enable(target, &Level::WARN);
            assert_eq!(is_logged("lenscap::app::shell"), own, "{level}");
            assert_eq!(is_logged("zbus::connection"), zbus, "{level}");
            assert_eq!(targets.would_enable("zbus", &Level::ERROR), own, "{level}");
        }
    }

    #[test]
    fn our_own_variable_takes_precedence_and_invalid_text_is_reported() {
        for (own, shared, wanted, misread) in [
            (None, None, LevelFilter::INFO, None),
            (Some("debug"), Some("warn"), LevelFilter::DEBUG, None),
            (Some(""), Some("warn"), LevelFilter::WARN, None),
            (Some("OFF"), None, LevelFilter::OFF, None),
            (Some("loud"), Some("warn"), LevelFilter::WARN, Some("loud")),
            (None, Some("zbus=trace"), LevelFilter::INFO, None),
            (None, Some(""), LevelFilter::INFO, None),
        ] {
            assert_eq!(level(own, shared), (wanted, misread), "{own:?} {shared:?}");
        }
    }
}
