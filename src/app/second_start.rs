//! A second start: it opens the preferences of the applet that is running, which keeps its options.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use crate::config::{self, RunArgs};
use crate::i18n::{gettext_f, list};
use crate::instance;
use crate::small_file::{self, USUAL};

/// Why this start can't have what its options want, in one line: an applet is running without them.
pub fn refusal(args: &RunArgs, config: &Path) -> Option<String> {
    let pid = instance::holder()?.to_string();
    let process = Path::new("/proc").join(&pid);
    let running = RunArgs::of_command_line(command_line(&process)).unwrap_or_default();
    let mut options = args.overrides.options_beyond(&running.overrides);
    if args.config.is_some() && Some(real(config)) != config_of(&process, &running) {
        options.push("--config".to_owned());
    }
    (!options.is_empty()).then(|| {
        gettext_f(
            "lenscap is running already as process {pid}; to use {options}, run 'lenscap quit' first",
            &[("pid", &pid), ("options", &list(&options))],
        )
    })
}

fn command_line(process: &Path) -> Vec<OsString> {
    let line = small_file::read(&process.join("cmdline"), USUAL);
    let mut line = line.unwrap_or_default();
    line.pop(); // every word has a zero at its end
    let words = line.split(|byte| *byte == 0);
    words
        .map(|word| OsString::from_vec(word.to_vec()))
        .collect()
}

/// The config file of a process with these options.
fn config_of(process: &Path, args: &RunArgs) -> Option<PathBuf> {
    let path = match &args.config {
        Some(path) => fs::read_link(process.join("cwd")).ok()?.join(path),
        None => config::default_path().ok()?,
    };
    Some(real(&path))
}

fn real(path: &Path) -> PathBuf {
    let absolute = || std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    path.canonicalize().unwrap_or_else(|_| absolute())
}
