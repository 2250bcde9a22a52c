//! The permission store of desktop portals, which keeps each answer to the camera portal's dialog.
//!
//! Applications that the portal can't identify, as most outside sandboxes, share one entry with an
//! empty name.

use std::collections::BTreeMap;

use gio::prelude::*;
use gio::{BusType, Cancellable, DBusCallFlags, DBusConnection, DBusError};
use glib::Variant;

use super::FixError;
use crate::i18n::{gettext, gettext_f, list};

/// Bus name and interface of the store.
pub const NAME: &str = "org.freedesktop.impl.portal.PermissionStore";
pub const PATH: &str = "/org/freedesktop/impl/portal/PermissionStore";
pub const DELETE: &str = "DeletePermission";
/// The table and the entry that hold the camera portal's answers.
pub const TABLE: &str = "devices";
pub const ID: &str = "camera";

/// The answer after which the portal denies access without asking again.
const NO: &str = "no";

/// The store's error while no answer was ever stored.
const NOT_FOUND: &str = "org.freedesktop.portal.Error.NotFound";

/// Starting the store takes some 100 ms.
const CALL_TIMEOUT_MS: i32 = 5000;

/// The applications that are denied the camera; `None` without a store. The call starts the store,
/// because its entries are in force whether it is running or not.
pub fn denied(bus: &DBusConnection) -> Option<Vec<String>> {
    let entries = match call(bus, "Lookup", &(TABLE, ID).to_variant()) {
        Ok(reply) => reply.try_child_value(0)?,
        Err(error) if is_not_found(&error) => return Some(Vec::new()),
        Err(_) => return None,
    };
    let entries = entries.get::<BTreeMap<String, Vec<String>>>()?.into_iter();
    let denied = entries.filter(|(_, answer)| answer.iter().any(|word| word == NO));
    Some(denied.map(|(application, _)| application).collect())
}

/// Deletes every stored denial, so that the portal asks again. Returns a line about what was done.
pub fn reset() -> Result<String, FixError> {
    let failed = |error: glib::Error| FixError::Failed(error.message().replace('\n', " "));
    let bus = gio::bus_get_sync(BusType::Session, Cancellable::NONE).map_err(failed)?;
    let denied = denied(&bus).unwrap_or_default();
    for application in &denied {
        let entry = (TABLE, ID, application).to_variant();
        match call(&bus, DELETE, &entry) {
            Err(mut error) if !is_not_found(&error) => {
                DBusError::strip_remote_error(&mut error);
                return Err(failed(error));
            }
            _ => {}
        }
    }
    Ok(gettext_f(
        "The camera portal asks again for {applications}",
        &[("applications", &names(&denied))],
    ))
}

/// The applications as a list for people.
pub fn names(applications: &[String]) -> String {
    let name = |application: &String| match application.as_str() {
        // Translators: applications that run in no sandbox (Flatpak, Snap), in a list of applications.
        "" => gettext("applications outside sandboxes"),
        application => application.to_owned(),
    };
    list(&applications.iter().map(name).collect::<Vec<_>>())
}

fn is_not_found(error: &glib::Error) -> bool {
    DBusError::remote_error(error).is_some_and(|name| name == NOT_FOUND)
}

fn call(bus: &DBusConnection, method: &str, parameters: &Variant) -> Result<Variant, glib::Error> {
    bus.call_sync(
        Some(NAME),
        PATH,
        NAME,
        method,
        Some(parameters),
        None,
        DBusCallFlags::NONE,
        CALL_TIMEOUT_MS,
        Cancellable::NONE,
    )
}
