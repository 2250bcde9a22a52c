//! The sandbox of every process that runs camera software.
//!
//! Camera stacks are large, partly closed, and need devices, firmware and daemons all over the system.
//! None of them needs the user's files, and a local camera needs neither the network nor the desktop. So
//! only these are denied, as [`Reach`] specifies for each kind of source. What the kernel can't enforce
//! is logged, and the process goes on: a camera without a sandbox is better than none.

mod calls;
mod files;
mod mounts;
mod reach;
mod rules;

use landlock::{ABI, Access, BitFlags, Ruleset, RulesetAttr, RulesetError, Scope};

pub use self::reach::Reach;
pub use self::rules::{REGISTRIES, Rules, SHADERS};
use crate::stderr;

/// Confines the calling thread and those that it starts, so it comes before any other thread; the first
/// one writes the log. Logs each part that failed.
pub fn enter(rules: &Rules) {
    for note in confine(rules) {
        tracing::warn!("{note}");
    }
    tracing::debug!("confined");
}

/// The same; returns a note for each part that failed.
pub fn confine(rules: &Rules) -> Vec<String> {
    let mut notes = Vec::new();
    if let Err(error) = rustix::thread::set_no_new_privs(true) {
        notes.push(format!("cannot set no_new_privs: {error}"));
    }
    if let Err(error) = calls::deny(rules.reach) {
        notes.push(format!(
            "cannot deny the camera's software network access: {error}"
        ));
    }
    if let Err(error) = deny_other_processes(rules.reach) {
        notes.push(format!(
            "cannot keep the camera's software from other processes: {error}"
        ));
    }
    if let Err(reason) = files::hide_home(rules) {
        notes.push(format!(
            "cannot hide the home directory from the camera: {reason}"
        ));
    }
    stderr::start();
    notes
}

/// Denies signals to processes outside, and their abstract sockets: from Linux 6.12 on, so that most
/// systems' logs need no note of it.
fn deny_other_processes(reach: Reach) -> Result<(), RulesetError> {
    let scopes = if reach.has_desktop() {
        BitFlags::from(Scope::Signal) // X11 may listen on an abstract socket
    } else {
        Scope::from_all(ABI::V6)
    };
    let ruleset = Ruleset::default().scope(scopes)?.create()?;
    let status = ruleset.restrict_self()?.ruleset;
    tracing::debug!("signals and abstract sockets of other processes: {status:?}");
    Ok(())
}
