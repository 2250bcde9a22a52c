//! The properties as D-Bus values, and the differences between two reports.

use std::collections::BTreeMap;

use glib::Variant;
use glib::prelude::*;

use crate::report::Report;

const PROPERTIES: [&str; 4] = ["State", "Paused", "Clients", "Status"];

pub fn value(report: &Report, name: &str) -> Option<Variant> {
    match name {
        "State" => Some(report.state.as_str().to_variant()),
        "Paused" => Some(report.paused.to_variant()),
        "Clients" => {
            let clients = report.clients.iter();
            let clients: Vec<_> = clients.map(|client| (client.pid, &*client.name)).collect();
            Some(clients.to_variant())
        }
        "Status" => Some(report.to_json().to_variant()),
        _ => None,
    }
}

/// The properties of `new` that differ from those of `old`, by name.
pub fn between(old: Option<&Report>, new: &Report) -> BTreeMap<&'static str, Variant> {
    PROPERTIES
        .into_iter()
        .filter_map(|name| Some((name, value(new, name)?)))
        .filter(|(name, new)| old.and_then(|old| value(old, name)).as_ref() != Some(new))
        .collect()
}
