//! The preferences window, as the applet opens it: a program of its own beside this one.

use std::process::{Command, Stdio};

use gio::prelude::*;
use gio::{DBusCallFlags, DBusConnection};

use super::{Applet, spawner};
use crate::i18n::gettext_f;

/// The program.
const PREFERENCES: &str = "lenscap-preferences";

/// Where a program finds the desktop, X11's key last.
const DISPLAY: [&str; 3] = ["WAYLAND_DISPLAY", "DISPLAY", "XAUTHORITY"];

/// How long systemd may take to answer, in milliseconds; it is the same user's own.
const ANSWER_TIMEOUT_MS: i32 = 2000;

impl Applet {
    /// Opens the preferences window, or brings it to the front.
    pub(super) fn show_preferences(&self) -> Result<(), String> {
        self.start_preferences(&[])
    }

    /// Shows what this program is, in a window over the preferences.
    pub(super) fn show_about(&self) -> Result<(), String> {
        self.start_preferences(&["--about"])
    }

    fn start_preferences(&self, args: &[&str]) -> Result<(), String> {
        let beside = std::env::current_exe()
            .ok()
            .map(|path| path.with_file_name(PREFERENCES));
        let program = beside
            .filter(|path| path.exists())
            .unwrap_or_else(|| PREFERENCES.into());
        let mut command = Command::new(program);
        if !self.config.is_default() {
            command.arg("--config").arg(self.config.path());
        }
        command.args(args).stdin(Stdio::null());
        let application = self.application.borrow().upgrade();
        let bus = application.and_then(|application| application.dbus_connection());
        match bus.filter(|_| !has_display()) {
            None => start(&mut command),
            Some(bus) => {
                glib::spawn_future_local(async move {
                    command.envs(display(&bus).await.unwrap_or_default());
                    if let Err(reason) = start(&mut command) {
                        tracing::warn!("{reason}");
                    }
                });
                Ok(())
            }
        }
    }
}

fn has_display() -> bool {
    DISPLAY[..2]
        .iter()
        .any(|name| std::env::var_os(name).is_some())
}

/// The display that the desktop has set in systemd's environment by now. A service of the user's starts before
/// there is one.
async fn display(bus: &DBusConnection) -> Option<Vec<(String, String)>> {
    let property = ("org.freedesktop.systemd1.Manager", "Environment").to_variant();
    let answer = bus
        .call_future(
            Some("org.freedesktop.systemd1"),
            "/org/freedesktop/systemd1",
            "org.freedesktop.DBus.Properties",
            "Get",
            Some(&property),
            None,
            DBusCallFlags::NO_AUTO_START,
            ANSWER_TIMEOUT_MS,
        )
        .await
        .ok()?;
    let variables: Vec<String> = answer.try_child_value(0)?.as_variant()?.get()?;
    let variables = variables.iter().filter_map(|text| text.split_once('='));
    let ours = variables.filter(|(name, _)| DISPLAY.contains(name));
    Some(
        ours.map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
    )
}

fn start(command: &mut Command) -> Result<(), String> {
    let child = command.spawn().map_err(|error| {
        gettext_f(
            "cannot start {program} ({error}); install it beside lenscap",
            &[("program", PREFERENCES), ("error", &error.to_string())],
        )
    })?;
    // Of no further interest, but it must leave no zombie.
    drop(spawner::end(&child));
    Ok(())
}
