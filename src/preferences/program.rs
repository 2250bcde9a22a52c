//! The `lenscap` program: asked for the devices that it finds and for what is wrong with the set-up,
//! told to mend that, and started when it does not run.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use adw::gio;

use gio::{Subprocess, SubprocessFlags};
use lenscap::i18n::gettext_f;

use crate::model::{Devices, Finding, parse_findings};

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
        return Err(see_why("lenscap devices"));
    }
    Ok(Devices::parse(&stdout.unwrap_or_default()))
}

/// What is wrong with the set-up.
pub async fn check() -> Result<Vec<Finding>, String> {
    let arguments = [program().into_os_string(), "doctor".into(), "--json".into()];
    let child = spawn(&arguments, SubprocessFlags::STDOUT_PIPE)?;
    let (stdout, _) = child
        .communicate_utf8_future(None)
        .await
        .map_err(|error| error.to_string())?;
    // Its exit code only says whether there is something to fix.
    parse_findings(&stdout.unwrap_or_default()).ok_or_else(|| see_why("lenscap doctor"))
}

/// Has something mended, for which somebody may have to give an administrator's password; what is
/// wrong then, and what was said of it.
pub async fn mend(action: &str) -> Result<(Vec<Finding>, String), String> {
    let arguments = [
        program().into_os_string(),
        "doctor".into(),
        "--json".into(),
        format!("--fix={action}").into(),
    ];
    let pipes = SubprocessFlags::STDOUT_PIPE | SubprocessFlags::STDERR_PIPE;
    let child = spawn(&arguments, pipes)?;
    let (stdout, stderr) = child
        .communicate_utf8_future(None)
        .await
        .map_err(|error| error.to_string())?;
    let findings = parse_findings(&stdout.unwrap_or_default());
    let findings = findings.ok_or_else(|| see_why("lenscap doctor"))?;
    Ok((findings, stderr.unwrap_or_default().into()))
}

fn see_why(command: &str) -> String {
    gettext_f(
        "Run “{command}” in a terminal to see why",
        &[("command", command)],
    )
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
