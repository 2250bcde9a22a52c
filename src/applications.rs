//! Names and icons of the applications that processes belong to, from their desktop entries.
//!
//! A search may read hundreds of files, so don't call it on the main loop.

mod entry;
mod identity;

use std::path::{Path, PathBuf};

use crate::i18n;
use crate::report::Client;

use entry::DesktopEntry;
use identity::ProcessIdentity;

/// An application, for display.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Application {
    /// Its name, in the user's language.
    pub name: String,
    /// Its icon: a name in the icon theme, or a file's path.
    pub icon: Option<String>,
}

impl Application {
    /// With the process's name, without a search for the desktop entry.
    pub fn unknown(client: &Client) -> Self {
        Self {
            name: client.name.clone(),
            icon: None,
        }
    }
}

/// The application of a client; without a desktop entry, it has the process's name.
pub fn find(client: &Client) -> Application {
    find_in(&directories(), client, &ProcessIdentity::of(client))
}

/// The directories of desktop entries, the user's own first.
fn directories() -> Vec<PathBuf> {
    let system = glib::system_data_dirs();
    let all = std::iter::once(glib::user_data_dir()).chain(system);
    all.map(|dir| dir.join("applications")).collect()
}

fn find_in(directories: &[PathBuf], client: &Client, identity: &ProcessIdentity) -> Application {
    let found = by_id(directories, &identity.own_ids)
        .or_else(|| by_program(directories, identity))
        // A process started in a terminal is in the terminal's unit.
        .or_else(|| {
            by_id(directories, identity.unit_id.as_slice()).filter(|entry| !entry.is_terminal)
        });
    found.map_or_else(
        || Application::unknown(client),
        |entry| entry.application(&client.name),
    )
}

fn by_id(directories: &[PathBuf], ids: &[String]) -> Option<DesktopEntry> {
    let paths = ids.iter().flat_map(|id| {
        let file = format!("{id}.desktop");
        directories.iter().map(move |dir| dir.join(&file))
    });
    paths.into_iter().find_map(|path| DesktopEntry::read(&path))
}

fn by_program(directories: &[PathBuf], identity: &ProcessIdentity) -> Option<DesktopEntry> {
    let files = directories.iter().filter_map(|dir| dir.read_dir().ok());
    let paths = files.flatten().flatten().map(|file| file.path());
    let entries = paths.filter_map(|path| is_entry(&path).then(|| DesktopEntry::read(&path))?);
    let mut hidden = None;
    for entry in entries.filter(|entry| identity.runs(&entry.program)) {
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

/// Removes duplicates: an application may have several processes.
pub fn distinct(applications: impl IntoIterator<Item = Application>) -> Vec<Application> {
    let mut all = Vec::new();
    for application in applications {
        if !all.contains(&application) {
            all.push(application);
        }
    }
    all
}

/// The names as a list for people; `None` without applications.
pub fn list(applications: &[Application]) -> Option<String> {
    let names: Vec<_> = applications.iter().map(|one| one.name.clone()).collect();
    (!names.is_empty()).then(|| i18n::list(&names))
}

#[cfg(test)]
mod tests;
