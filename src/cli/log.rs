//! The log: to standard error, where the journal and terminals both find it.

use std::io::{self, IsTerminal};

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::prelude::*;

/// What is logged where nothing else is asked for.
const DEFAULT: LevelFilter = LevelFilter::INFO;

/// Starts logging, as `LENSCAP_LOG` asks: `error`, `warn`, `info`, `debug`, `trace` or `off`.
/// A child's lines are stamped by the applet, which logs them.
pub fn init(is_child: bool) {
    let own = std::env::var("LENSCAP_LOG").ok();
    let (level, misread) = level(own.as_deref(), std::env::var("RUST_LOG").ok().as_deref());
    let stderr = io::stderr();
    let is_plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let log = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(io::stderr)
        .with_ansi(stderr.is_terminal() && !is_plain)
        .with_target(false);
    // The journal has its own clock.
    if is_child || std::env::var_os("JOURNAL_STREAM").is_some() {
        log.without_time().finish().with(targets(level)).init();
    } else {
        log.finish().with(targets(level)).init();
    }
    if let Some(text) = misread {
        tracing::warn!(
            "LENSCAP_LOG={text} is no level: use error, warn, info, debug, trace or off"
        );
    }
}

/// What is logged of whom: zbus warns of every connection that ends, as the tray's does with each host
/// that goes. Who looks for faults asks for more than the default, and gets that, too.
fn targets(level: LevelFilter) -> Targets {
    let zbus = if level > DEFAULT {
        level
    } else {
        level.min(LevelFilter::ERROR)
    };
    Targets::new().with_default(level).with_target("zbus", zbus)
}

/// The level, and the text of `LENSCAP_LOG` where it is none. `RUST_LOG` is everybody's, and may
/// hold another program's directives: those are passed over.
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
    fn a_connection_that_ends_is_logged_only_when_asked_for() {
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
    fn our_own_variable_goes_first_and_slips_are_told() {
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
