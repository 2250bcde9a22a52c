//! The preferences window, as the applet opens it: a program of its own beside this one.

use std::cell::Cell;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::rc::Rc;

use gio::prelude::*;
use gio::{DBusCallFlags, DBusConnection};

use super::{Applet, spawner};
use crate::i18n::gettext_f;
use crate::program;

/// The program.
const PREFERENCES: &str = "lenscap-preferences";

/// Where a program finds the desktop, X11's key last.
const DISPLAY: [&str; 3] = ["WAYLAND_DISPLAY", "DISPLAY", "XAUTHORITY"];

/// How long systemd may take to answer, in milliseconds; it is the same user's own.
const ANSWER_TIMEOUT_MS: i32 = 2000;

/// Processes at a time: one that has the window, and one that has it come to the front. While there are
/// more, a start is under way.
const MOST_PROCESSES: usize = 2;

/// The processes of the preferences that run.
#[derive(Default)]
pub struct Windows(Rc<Cell<usize>>);

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
        if self.windows.0.get() >= MOST_PROCESSES {
            return Ok(());
        }
        let missing = || {
            gettext_f(
                "cannot find {program}; install it beside lenscap",
                &[("program", PREFERENCES)],
            )
        };
        let mut command = Command::new(find().ok_or_else(missing)?);
        if !self.config.is_default() {
            command.arg("--config").arg(self.config.path());
        }
        command.args(args).stdin(Stdio::null());
        let application = self.application.borrow().upgrade();
        let bus = application.and_then(|application| application.dbus_connection());
        let bus = bus.filter(|_| !has_display());
        let count = self.windows.0.clone();
        count.update(|count| count + 1);
        glib::spawn_future_local(async move {
            if let Some(bus) = bus {
                command.envs(display(&bus).await.unwrap_or_default());
            }
            if let Err(error) = run(command).await {
                tracing::warn!("cannot start {PREFERENCES}: {error}");
            }
            count.update(|count| count - 1);
        });
        Ok(())
    }
}

/// The program: beside this one, or where the shell would find it.
fn find() -> Option<PathBuf> {
    let beside = std::env::current_exe().ok()?.with_file_name(PREFERENCES);
    if beside.exists() {
        return Some(beside);
    }
    glib::find_program_in_path(PREFERENCES)
}

/// Whether a process is the preferences: runs that very file, whatever it calls itself. Within a
/// Flatpak nobody can know, since the bus has the process of a proxy for it.
pub fn is_run_by(pid: u32) -> bool {
    if program::is_flatpak() {
        return true;
    }
    let file = |path: PathBuf| path.metadata().ok().map(|file| (file.dev(), file.ino()));
    let running = file(format!("/proc/{pid}/exe").into());
    running.is_some() && running == find().and_then(file)
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

/// Starts it, and waits for its end.
async fn run(command: Command) -> io::Result<()> {
    let child = spawner::start(command).await?;
    spawner::end(child).await.map(drop)
}
