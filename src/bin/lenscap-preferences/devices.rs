//! The `lenscap` program: asked for the devices that it finds, and started when it does not run.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use adw::gio;

use gio::{Subprocess, SubprocessFlags};
use lenscap::i18n::gettext_f;

use crate::model::Devices;

/// Asks for the devices. Looking at them may load a vendor's code, so a child does it.
pub async fn search() -> Result<Devices, String> {
    let arguments = [
        program().into_os_string(),
        "devices".into(),
        "--json".into(),
    ];
    let child = spawn(&arguments, SubprocessFlags::STDOUT_PIPE)?;
    let (stdout, _) = child
        .communicate_utf8_future(None)
        .await
        .map_err(|error| error.to_string())?;
    if !child.is_successful() {
        return Err(gettext_f(
            "Run “{command}” in a terminal to see why",
            &[("command", "lenscap devices")],
        ));
    }
    Ok(Devices::parse(&stdout.unwrap_or_default()))
}

/// Starts the applet, and comes back when it has ended: it lives on after this window. An error is
/// one line.
pub async fn start_applet(config: Option<&Path>) -> Result<(), String> {
    let mut arguments = vec![program().into_os_string()];
    if let Some(config) = config {
        arguments.extend([OsString::from("--config"), config.into()]);
    }
    let child = spawn(&arguments, SubprocessFlags::NONE)?;
    child
        .wait_future()
        .await
        .map_err(|error| error.to_string())?;
    if child.is_successful() {
        return Ok(());
    }
    Err(gettext_f(
        "Lenscap has ended. Run “{command}” in a terminal to see why",
        &[("command", "lenscap")],
    ))
}

fn spawn(arguments: &[OsString], flags: SubprocessFlags) -> Result<Subprocess, String> {
    let arguments: Vec<_> = arguments.iter().map(OsString::as_os_str).collect();
    Subprocess::newv(&arguments, flags).map_err(|error| {
        gettext_f(
            "Cannot start {program}: {reason}",
            &[("program", "lenscap"), ("reason", error.message())],
        )
    })
}

/// The program beside this one, or else the one that a shell would find.
fn program() -> PathBuf {
    let beside = std::env::current_exe().map(|path| path.with_file_name("lenscap"));
    let beside = beside.ok().filter(|path| path.exists());
    beside.unwrap_or_else(|| "lenscap".into())
}
