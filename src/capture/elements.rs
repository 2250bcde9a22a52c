//! Which elements `GStreamer` knows, asked in a child: reading its registry may have it scan all
//! plugins, which runs their code.

use std::io::Write;
use std::path::Path;
use std::process::{ExitCode, Stdio};

use gstreamer as gst;

use super::{probe, stdout};
use crate::program;

/// `lenscap capture --elements NAME…`: writes those that are known to standard output, one a line.
/// None is made, so that no camera is asked for anything.
pub fn run(names: &[String]) -> ExitCode {
    match tell(names) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("lenscap: cannot look for elements: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn tell(names: &[String]) -> anyhow::Result<()> {
    let mut out = stdout::take()?;
    gst::init()?;
    for name in names {
        if gst::ElementFactory::find(name).is_some() {
            writeln!(out, "{name}")?;
        }
    }
    Ok(())
}

/// Which of these `GStreamer` knows: by its registry, or by looking anew at the plugins in a
/// directory and no others, with a registry there. `None` if it could not be asked.
pub fn ask(names: &[&str], anew: Option<&Path>) -> Option<Vec<String>> {
    let mut command = program::command().ok()?;
    command
        .args(["capture", "--elements"])
        .args(names)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null()); // the libraries' chatter
    if let Some(dir) = anew {
        let registry = dir.join("registry.bin");
        command
            .env_remove("GST_PLUGIN_PATH")
            .env("GST_PLUGIN_PATH_1_0", "")
            .env("GST_PLUGIN_SYSTEM_PATH_1_0", dir)
            .env_remove("GST_REGISTRY")
            .env("GST_REGISTRY_1_0", registry);
    }
    let (output, ended_well) = probe::hear_out(command.spawn().ok()?).ok()?;
    let known = String::from_utf8_lossy(&output);
    ended_well.then(|| known.lines().map(str::to_owned).collect())
}
