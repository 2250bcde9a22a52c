//! A limit to the calls of each caller.
//!
//! The main loop answers calls in their order. A caller that makes more than it can answer would delay all
//! others, and a pause must not wait. So GIO's thread refuses what is too much, before it gets to
//! the main loop.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use gio::{
    DBusConnection, DBusMessage, DBusMessageFlags, DBusMessageType, DBusSendMessageFlags, FilterId,
};

/// The error of a call that is one too many.
const ERROR: &str = "org.freedesktop.DBus.Error.LimitsExceeded";

/// Time for each call: a hundred a second are more than a program needs, and little for the main loop.
const SPACING: Duration = Duration::from_millis(10);

/// How far a caller may be ahead of that: 200 calls at once.
const BURST: Duration = Duration::from_secs(2);

/// Limits the calls that come over this connection.
pub fn apply(connection: &DBusConnection) -> FilterId {
    let callers = Mutex::new(Callers::default());
    connection.add_filter(move |connection, message, is_incoming| {
        let is_call = message.message_type() == DBusMessageType::MethodCall;
        // Only a message that came over a bus has a sender.
        let caller = message.sender().filter(|_| is_incoming && is_call);
        let is_allowed = |caller: &str| {
            let mut callers = callers.lock().unwrap_or_else(PoisonError::into_inner);
            callers.allow(caller, Instant::now())
        };
        if caller.is_none_or(|caller| is_allowed(&caller)) {
            return Some(message.clone());
        }
        refuse(connection, message);
        None
    })
}

fn refuse(connection: &DBusConnection, call: &DBusMessage) {
    if call.flags().contains(DBusMessageFlags::NO_REPLY_EXPECTED) {
        return;
    }
    let reply = call.new_method_error_literal(ERROR, "too many calls: make fewer a second");
    if let Err(error) = connection.send_message(&reply, DBusSendMessageFlags::NONE) {
        tracing::debug!("cannot refuse a call: {error}");
    }
}

/// Callers by their unique names, with the times when their calls so far would have been due.
#[derive(Default)]
struct Callers(HashMap<String, Instant>);

impl Callers {
    /// Whether a caller may make a call now.
    fn allow(&mut self, caller: &str, now: Instant) -> bool {
        if !self.0.contains_key(caller) {
            // A caller that isn't ahead is as good as a new one.
            self.0.retain(|_, due| *due > now);
        }
        let due = self.0.entry(caller.to_owned()).or_insert(now);
        let next = now.max(*due) + SPACING;
        let is_allowed = next <= now + BURST;
        if is_allowed {
            *due = next;
        }
        is_allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_caller_has_a_burst_and_a_rate() {
        let mut callers = Callers::default();
        let start = Instant::now();
        let mut calls =
            |caller: &str, now| (0..1000).filter(|_| callers.allow(caller, now)).count();
        assert_eq!(calls(":1.1", start), 200);
        assert_eq!(calls(":1.2", start), 200);
        assert_eq!(calls(":1.1", start + Duration::from_millis(500)), 50);
        assert_eq!(calls(":1.1", start + Duration::from_secs(60)), 200);
    }

    #[test]
    fn callers_that_are_gone_are_forgotten() {
        let mut callers = Callers::default();
        let start = Instant::now();
        for second in 0..100 {
            let now = start + Duration::from_secs(second);
            assert!(callers.allow(&format!(":1.{second}"), now));
        }
        assert_eq!(callers.0.len(), 1);
    }
}
