//! The log: to standard error, where the journal and terminals both find it.

use std::io::{self, IsTerminal};

use tracing_subscriber::filter::LevelFilter;

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
        log.without_time().init();
    } else {
        log.init();
    }
    if let Some(text) = misread {
        tracing::warn!(
            "LENSCAP_LOG={text} is no level: use error, warn, info, debug, trace or off"
        );
    }
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
    use super::*;

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
