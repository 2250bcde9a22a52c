//! The preferences window, as the applet opens it: a program of its own beside this one.

use std::cell::Cell;
use std::io;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::rc::Rc;

use gio::DBusConnection;
use gio::prelude::*;

use super::{Applet, spawner, transient_unit};
use crate::i18n::gettext_f;
use crate::program;

/// The program.
const PREFERENCES: &str = "lenscap-preferences";

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
        let bus = bus.filter(|_| transient_unit::is_inside());
        let count = self.windows.0.clone();
        count.update(|count| count + 1);
        glib::spawn_future_local(async move {
            if let Err(error) = start(bus, command).await {
                tracing::warn!("cannot start {PREFERENCES}: {error}");
            }
            count.update(|count| count - 1);
        });
        Ok(())
    }
}

/// Starts it as a service where this is one, else as a child, whose end is waited for.
async fn start(bus: Option<DBusConnection>, command: Command) -> io::Result<()> {
    if let Some(bus) = bus
        && start_as_service(&bus, &command).await
    {
        return Ok(());
    }
    let child = spawner::start(command).await?;
    spawner::end(child).await.map(drop)
}

async fn start_as_service(bus: &DBusConnection, command: &Command) -> bool {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let line: Vec<_> = words
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    for number in 0..MOST_PROCESSES {
        let unit = format!("app-io.github.lenscap.Lenscap.Preferences@{number}.service");
        match transient_unit::start(bus, &unit, &line).await {
            Ok(true) => return true,
            Ok(false) => {}
            Err(error) => {
                tracing::debug!("systemd does not start {PREFERENCES}: {error}");
                return false;
            }
        }
    }
    true
}

/// The program: beside this one, or where the shell would find it.
fn find() -> Option<PathBuf> {
    let beside = program::path().ok()?.with_file_name(PREFERENCES);
    if beside.exists() {
        return Some(beside);
    }
    glib::find_program_in_path(PREFERENCES)
}

/// Whether a process is the preferences: runs that very file, whatever it calls itself. Within a
/// Flatpak that is unknown: the bus reports the process of a proxy.
pub fn is_run_by(pid: u32) -> bool {
    if program::is_flatpak() {
        return true;
    }
    let file = |path: PathBuf| program::file_id(&path).ok();
    let running = file(format!("/proc/{pid}/exe").into());
    running.is_some() && running == find().and_then(file)
}
