//! Programs that the user's systemd starts, as services of their own.
//!
//! What the applet's own service may not do, because it needs no privileges, such a program may: the
//! preferences run `pkexec`. It has the environment of the user's services, with the display that the
//! desktop has set there by now; a service of the user's may start before there is one.

use gio::prelude::*;
use gio::{DBusCallFlags, DBusConnection, DBusError};
use glib::Variant;

/// How long systemd may take to answer, in milliseconds; it is the same user's own.
const ANSWER_TIMEOUT_MS: i32 = 2000;

/// Whether this process runs in a service (see systemd.exec(5)).
pub fn is_inside() -> bool {
    std::env::var_os("INVOCATION_ID").is_some()
}

/// Starts a program as this unit. False if the unit is running already.
pub async fn start(bus: &DBusConnection, unit: &str, line: &[String]) -> Result<bool, glib::Error> {
    let program = line.first().cloned().unwrap_or_default();
    let properties: Vec<(&str, Variant)> = vec![
        (
            "ExecStart",
            vec![(program, line.to_vec(), false)].to_variant(),
        ),
        ("CollectMode", "inactive-or-failed".to_variant()),
        ("Slice", "app.slice".to_variant()),
    ];
    let nothing: Vec<(String, Vec<(String, Variant)>)> = Vec::new();
    let answer = bus.call_future(
        Some("org.freedesktop.systemd1"),
        "/org/freedesktop/systemd1",
        "org.freedesktop.systemd1.Manager",
        "StartTransientUnit",
        Some(&(unit, "fail", properties, nothing).to_variant()),
        None,
        DBusCallFlags::NO_AUTO_START,
        ANSWER_TIMEOUT_MS,
    );
    match answer.await {
        Ok(_) => Ok(true),
        Err(error) if is_running(&error) => Ok(false),
        Err(error) => Err(error),
    }
}

fn is_running(error: &glib::Error) -> bool {
    let name = DBusError::remote_error(error);
    name.is_some_and(|name| name == "org.freedesktop.systemd1.UnitExists")
}
