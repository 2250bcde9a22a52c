//! `manual DIRECTORY`: writes the manual pages and the shells' completions below a directory, as they
//! lie below a prefix's `share`.
//!
//! They are made from what the programs themselves understand, so that neither can fall behind. A
//! program of its own, and not a build script, because that can't use the crate that it builds.

mod page;
mod programs;
mod shells;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Command;

fn main() -> Result<()> {
    let share = std::env::args_os().nth(1).map(PathBuf::from);
    let share = share.context("give the directory to write below")?;
    for (section, command) in programs::pages() {
        let name = format!("{}.{section}", name(&command));
        let place = share.join(format!("man/man{section}")).join(name);
        write(&place, &page::of(command, section)?)?;
    }
    for command in programs::in_the_path() {
        for (place, script) in shells::completions(&command) {
            write(&share.join(place), &script)?;
        }
    }
    Ok(())
}

/// The command as one word: `lenscap-status`.
fn name(command: &Command) -> String {
    let name = command.get_display_name();
    name.unwrap_or_else(|| command.get_name()).to_owned()
}

fn write(path: &Path, text: &[u8]) -> Result<()> {
    let written = path.parent().map_or(Ok(()), fs::create_dir_all);
    let written = written.and_then(|()| fs::write(path, text));
    written.with_context(|| format!("cannot write {}", path.display()))
}
