//! Previews as clients.

use crate::clients;
use crate::relay::{Client, Event};

/// That these processes show previews.
pub(super) fn readers(pids: Vec<u32>) -> Event {
    let named = |pid| Client {
        pid,
        name: clients::name(pid),
    };
    Event::Previews(pids.into_iter().map(named).collect())
}
