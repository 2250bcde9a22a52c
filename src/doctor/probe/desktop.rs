//! The session bus, and who is on it.

use std::path::Path;

use gio::prelude::*;
use gio::{BusType, Cancellable, DBusCallFlags, DBusConnection};
use glib::Variant;

use crate::doctor::facts::Desktop;

/// How long the bus may take for an answer; it takes microseconds.
const ANSWER_MS: i32 = 2000;

const BUS: &str = "org.freedesktop.DBus";
const WATCHER: &str = "org.kde.StatusNotifierWatcher";

/// What the desktop has; `None` without a session bus.
pub fn gather() -> Option<Desktop> {
    if !has_bus() {
        return None;
    }
    let bus = gio::bus_get_sync(BusType::Session, Cancellable::NONE).ok()?;
    bus.set_exit_on_close(false);
    let names = [
        names(&bus, "ListNames"),
        names(&bus, "ListActivatableNames"),
    ]
    .concat();
    let has = |name: &str| names.iter().any(|known| known == name);
    let desktop = std::env::var("XDG_CURRENT_DESKTOP").unwrap_or_default();
    Some(Desktop {
        tray: shows_icons(&bus),
        notifications: has("org.freedesktop.Notifications"),
        portals: has("org.freedesktop.portal.Desktop"),
        gnome: desktop.split(':').any(|name| name == "GNOME"),
    })
}

/// Without an address, GIO would try to start a bus of its own.
fn has_bus() -> bool {
    let told = std::env::var_os("DBUS_SESSION_BUS_ADDRESS").is_some();
    let runtime = std::env::var_os("XDG_RUNTIME_DIR");
    told || runtime.is_some_and(|dir| Path::new(&dir).join("bus").exists())
}

fn names(bus: &DBusConnection, method: &str) -> Vec<String> {
    let reply = call(bus, BUS, "/org/freedesktop/DBus", BUS, method, None);
    let names = reply.and_then(|reply| reply.get());
    names.map_or_else(Vec::new, |(names,)| names)
}

/// A watcher may be there without anybody who shows what it watches.
fn shows_icons(bus: &DBusConnection) -> bool {
    let property = (WATCHER, "IsStatusNotifierHostRegistered").to_variant();
    let properties = "org.freedesktop.DBus.Properties";
    let path = "/StatusNotifierWatcher";
    let reply = call(bus, WATCHER, path, properties, "Get", Some(&property));
    let value = reply.and_then(|reply| reply.get::<(Variant,)>());
    value.and_then(|(value,)| value.get()).unwrap_or(false)
}

fn call(
    bus: &DBusConnection,
    name: &str,
    path: &str,
    interface: &str,
    method: &str,
    parameters: Option<&Variant>,
) -> Option<Variant> {
    let flags = DBusCallFlags::NO_AUTO_START;
    let reply = bus.call_sync(
        Some(name),
        path,
        interface,
        method,
        parameters,
        None,
        flags,
        ANSWER_MS,
        Cancellable::NONE,
    );
    reply.ok()
}
