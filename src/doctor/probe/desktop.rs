//! The session bus, and who is on it.

use std::path::{Path, PathBuf};

use gio::prelude::*;
use gio::{BusType, Cancellable, DBusCallFlags, DBusConnection};
use glib::Variant;

use super::startup::Places;
use crate::doctor::facts::Desktop;
use crate::doctor::permissions;

/// How long the bus may take for an answer; it takes microseconds.
const ANSWER_MS: i32 = 2000;

const BUS: &str = "org.freedesktop.DBus";
/// GNOME's extensions that show tray icons: Debian's and Ubuntu's package of one has its own name.
const EXTENSIONS: [&str; 2] = [
    "ubuntu-appindicators@ubuntu.com",
    "appindicatorsupport@rgcjonas.gmail.com",
];

const WATCHER: &str = "org.kde.StatusNotifierWatcher";

/// What the desktop has; `None` without a session bus.
pub fn gather(places: &Places) -> Option<Desktop> {
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
        extension: extension(&places.data),
        denied: permissions::denied(&bus),
    })
}

/// The extension that GNOME would take: the user's own comes first.
fn extension(data: &[PathBuf]) -> Option<&'static str> {
    let dirs = data.iter().map(|dir| dir.join("gnome-shell/extensions"));
    let mut found = dirs.flat_map(|dir| {
        let is_there = move |name: &&str| dir.join(name).join("metadata.json").exists();
        EXTENSIONS.into_iter().filter(is_there)
    });
    found.next()
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
