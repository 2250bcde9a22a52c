//! The services on the session bus.

use std::path::{Path, PathBuf};

use gio::prelude::*;
use gio::{BusType, Cancellable, DBusCallFlags, DBusConnection};
use glib::Variant;

use super::startup::Places;
use crate::doctor::facts::DesktopFacts;
use crate::doctor::permissions;

/// An answer takes microseconds.
const CALL_TIMEOUT_MS: i32 = 2000;

const BUS: &str = "org.freedesktop.DBus";
/// GNOME extensions that show tray icons; Debian and Ubuntu package it under a name of their own.
const EXTENSIONS: [&str; 2] = [
    "ubuntu-appindicators@ubuntu.com",
    "appindicatorsupport@rgcjonas.gmail.com",
];

const WATCHER: &str = "org.kde.StatusNotifierWatcher";

/// `None` without a session bus.
pub fn gather(places: &Places) -> Option<DesktopFacts> {
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
    Some(DesktopFacts {
        tray: shows_icons(&bus),
        notifications: has("org.freedesktop.Notifications"),
        portals: has("org.freedesktop.portal.Desktop"),
        gnome: desktop.split(':').any(|name| name == "GNOME"),
        extension: extension(&places.data),
        denied: permissions::denied(&bus),
    })
}

/// The extension that GNOME would load; the user's own comes first.
fn extension(data: &[PathBuf]) -> Option<&'static str> {
    let dirs = data.iter().map(|dir| dir.join("gnome-shell/extensions"));
    let mut found = dirs.flat_map(|dir| {
        let is_there = move |name: &&str| dir.join(name).join("metadata.json").exists();
        EXTENSIONS.into_iter().filter(is_there)
    });
    found.next()
}

/// Checked first, because GIO would start a bus if there is no address.
fn has_bus() -> bool {
    let has_address = std::env::var_os("DBUS_SESSION_BUS_ADDRESS").is_some();
    let runtime = std::env::var_os("XDG_RUNTIME_DIR");
    has_address || runtime.is_some_and(|dir| Path::new(&dir).join("bus").exists())
}

fn names(bus: &DBusConnection, method: &str) -> Vec<String> {
    let reply = call(bus, BUS, "/org/freedesktop/DBus", BUS, method, None);
    let names = reply.and_then(|reply| reply.get());
    names.map_or_else(Vec::new, |(names,)| names)
}

/// A watcher without a registered host shows no icons.
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
        CALL_TIMEOUT_MS,
        Cancellable::NONE,
    );
    reply.ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::probe::tests::machine;

    #[test]
    fn the_extension_for_tray_icons_is_the_installed_one() {
        let [ubuntu, upstream] = EXTENSIONS;
        let file =
            |dir: &str, name: &str| format!("{dir}/gnome-shell/extensions/{name}/metadata.json");
        let (system, own) = (file("usr/share", ubuntu), file("home", upstream));
        let found = |files: &[&str]| {
            let files: Vec<_> = files.iter().map(|file| (*file, "{}")).collect();
            let root = machine(&files);
            extension(&["home", "usr/share"].map(|dir| root.path().join(dir)))
        };
        assert_eq!(found(&[&system]), Some(ubuntu));
        assert_eq!(found(&[&file("usr/share", upstream)]), Some(upstream));
        assert_eq!(found(&[&system, &own]), Some(upstream));
        assert_eq!(
            found(&[&file("usr/share", "dash-to-dock@micxgx.gmail.com")]),
            None
        );
    }
}
