//! The permission store of desktop portals: which applications were refused the camera, for good.
//!
//! The portal asks a person once, and keeps the answer. Applications that it can't name, as most
//! outside sandboxes, share one entry, whose name is empty.

use std::collections::BTreeMap;

use gio::prelude::*;
use gio::{BusType, Cancellable, DBusCallFlags, DBusConnection, DBusError};
use glib::Variant;

use super::Failure;
use crate::i18n::{gettext, gettext_f, list};

/// The store's name on the session bus, and its interface.
pub const NAME: &str = "org.freedesktop.impl.portal.PermissionStore";
/// Its object.
pub const PATH: &str = "/org/freedesktop/impl/portal/PermissionStore";
/// The call that removes an application's entry.
pub const DELETE: &str = "DeletePermission";
/// Where the camera portal keeps its answers.
pub const TABLE: &str = "devices";
/// See [`TABLE`].
pub const ID: &str = "camera";

/// The answer that the portal doesn't ask again after.
const NO: &str = "no";

/// How the store says that nobody was asked yet.
const NOT_FOUND: &str = "org.freedesktop.portal.Error.NotFound";

/// How long the store may take to start and to answer; it takes some 100 ms.
const ANSWER_MS: i32 = 5000;

/// The applications that are refused the camera; `None` where there is no store to ask. It is
/// started for the question: what it keeps counts whether it runs or not.
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

/// Has the portal ask again for every application that it refuses the camera to. Answers with what
/// was done, in a line.
pub fn reset() -> Result<String, Failure> {
    let failed = |error: glib::Error| Failure::Failed(error.message().replace('\n', " "));
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

/// Applications as a person would list them.
pub fn names(applications: &[String]) -> String {
    let name = |application: &String| match application.as_str() {
        // Translators: applications that come in no sandbox (Flatpak, Snap), in a list of applications.
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
        ANSWER_MS,
        Cancellable::NONE,
    )
}
