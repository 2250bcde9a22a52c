//! Queries `GStreamer`'s registry, in a child process: reading it may scan all plugins, which runs
//! their code.

use std::io::Write;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use gstreamer as gst;

use super::sandbox::{self, Rules};
use super::{child, probe, stdout};
use crate::stderr::say;

/// `lenscap capture --elements NAME…`: writes those in the registry to standard output, one per line.
/// Creates none, so that no camera is accessed.
pub fn run(names: &[String]) -> ExitCode {
    match write_known(names) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(format_args!("lenscap: cannot query elements: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn write_known(names: &[String]) -> anyhow::Result<()> {
    let mut out = stdout::take()?;
    sandbox::enter(&Rules::for_plugins());
    gst::init()?;
    for name in names {
        if gst::ElementFactory::find(name).is_some() {
            writeln!(out, "{name}")?;
        }
    }
    Ok(())
}

/// The process that looks for new plugins, which runs their code, and writes the registry for all
/// others. It accesses no camera.
pub fn search() -> Command {
    let mut command = child::for_plugins();
    command.args(["--elements", "fakesrc"]); // its answer doesn't matter
    command
}

/// Which of these are in `GStreamer`'s registry, or in a new one of the plugins in `plugin_dir` only.
/// `None` if the query failed.
pub fn query(names: &[&str], plugin_dir: Option<&Path>) -> Option<Vec<String>> {
    let mut command = child::for_plugins();
    command
        .arg("--elements")
        .args(names)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null()); // messages of libraries
    if let Some(dir) = plugin_dir {
        let registry = dir.join("registry.bin");
        command
            .env_remove("GST_PLUGIN_PATH")
            .env("GST_PLUGIN_PATH_1_0", "")
            .env("GST_PLUGIN_SYSTEM_PATH_1_0", dir)
            .env_remove("GST_REGISTRY")
            .env("GST_REGISTRY_1_0", registry);
    }
    let (output, ended_well) = probe::wait_with_output(command.spawn().ok()?).ok()?;
    let known = String::from_utf8_lossy(&output);
    ended_well.then(|| known.lines().map(str::to_owned).collect())
}
