//! The applications behind processes: what a person calls them, and their icons.
//!
//! A process says little about itself; the desktop entry of the application that it belongs to says
//! the rest. Looking for it reads files, perhaps hundreds: not for the main loop.

mod entry;
mod trace;

use std::path::{Path, PathBuf};

use crate::i18n;
use crate::report::Client;

use entry::Entry;
use trace::Trace;

/// An application as a person knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Application {
    /// Its name, in the user's language.
    pub name: String,
    /// Its icon: a name in the icon theme, or a file's path.
    pub icon: Option<String>,
}

impl Application {
    /// What is known of an application without looking: its process's name.
    pub fn unknown(client: &Client) -> Self {
        Self {
            name: client.name.clone(),
            icon: None,
        }
    }
}

/// The application behind a process; where there is no desktop entry for it, the process's own name.
pub fn find(client: &Client) -> Application {
    find_in(&directories(), client, &Trace::of(client))
}

/// Where desktop entries are, the user's own first.
fn directories() -> Vec<PathBuf> {
    let system = glib::system_data_dirs();
    let all = std::iter::once(glib::user_data_dir()).chain(system);
    all.map(|dir| dir.join("applications")).collect()
}

fn find_in(directories: &[PathBuf], client: &Client, trace: &Trace) -> Application {
    let found = by_id(directories, &trace.own_ids)
        .or_else(|| by_program(directories, trace))
        // Whoever was started in a terminal is in the terminal's unit.
        .or_else(|| {
            by_id(directories, trace.unit_id.as_slice()).filter(|entry| !entry.is_terminal)
        });
    found.map_or_else(
        || Application::unknown(client),
        |entry| entry.application(&client.name),
    )
}

fn by_id(directories: &[PathBuf], ids: &[String]) -> Option<Entry> {
    let paths = ids.iter().flat_map(|id| {
        let file = format!("{id}.desktop");
        directories.iter().map(move |dir| dir.join(&file))
    });
    paths.into_iter().find_map(|path| Entry::read(&path))
}

fn by_program(directories: &[PathBuf], trace: &Trace) -> Option<Entry> {
    let files = directories.iter().filter_map(|dir| dir.read_dir().ok());
    let paths = files.flatten().flatten().map(|file| file.path());
    let entries = paths.filter_map(|path| is_entry(&path).then(|| Entry::read(&path))?);
    let mut hidden = None;
    for entry in entries.filter(|entry| trace.runs(&entry.program)) {
        if !entry.is_hidden {
            return Some(entry);
        }
        hidden.get_or_insert(entry);
    }
    hidden
}

fn is_entry(path: &Path) -> bool {
    path.extension().is_some_and(|end| end == "desktop")
}

/// The same applications, each once: one may look with several processes.
pub fn distinct(applications: impl IntoIterator<Item = Application>) -> Vec<Application> {
    let mut all = Vec::new();
    for application in applications {
        if !all.contains(&application) {
            all.push(application);
        }
    }
    all
}

/// Several applications as a person would list them; nothing for none.
pub fn list(applications: &[Application]) -> Option<String> {
    let names: Vec<_> = applications.iter().map(|one| one.name.clone()).collect();
    (!names.is_empty()).then(|| i18n::list(&names))
}

#[cfg(test)]
mod tests;
