//! Clues about the application that a process belongs to.

use crate::process;
use crate::report::Client;

/// Programs that run others: their names don't identify an application.
const INTERPRETERS: [&str; 9] = [
    "bash", "electron", "flatpak", "java", "perl", "python", "python3", "sh", "snap",
];

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProcessIdentity {
    /// Ids of desktop entries named after the process: a sandboxed application has its id as name.
    pub own_ids: Vec<String>,
    /// Possible names of its program.
    pub programs: Vec<String>,
    /// The id of the desktop entry that its systemd unit is named after.
    pub unit_id: Option<String>,
}

impl ProcessIdentity {
    /// Reads /proc.
    pub fn of(client: &Client) -> Self {
        let program = process::program(client.pid);
        let unit = process::unit(client.pid);
        Self::new(&client.name, program.as_deref(), unit.as_deref())
    }

    fn new(name: &str, exe: Option<&str>, unit: Option<&str>) -> Self {
        let names = std::iter::once(name).chain(exe);
        Self {
            own_ids: own_ids(name),
            // Firefox is a script that starts `firefox-bin`.
            programs: names
                .flat_map(|name| [Some(name), name.strip_suffix("-bin")])
                .flatten()
                .map(str::to_owned)
                .collect(),
            unit_id: unit.and_then(process::entry_id),
        }
    }

    pub fn runs(&self, program: &str) -> bool {
        !INTERPRETERS.contains(&program) && self.programs.iter().any(|name| name == program)
    }
}

/// A process can choose its name, so names that are paths are rejected. Snap's entries are called
/// `SNAP_APP.desktop`, mostly with the same name twice.
fn own_ids(name: &str) -> Vec<String> {
    if name.contains('/') {
        return Vec::new();
    }
    vec![name.to_owned(), format!("{name}_{name}")]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_known_by_process_name_and_file_name() {
        let identity = ProcessIdentity::new("firefox-bin", Some("firefox-bin"), None);
        assert!(identity.runs("firefox") && identity.runs("firefox-bin"));
        assert!(!identity.runs("fire"));
        let long = ProcessIdentity::new("gnome-video-eff", Some("gnome-video-effects"), None);
        assert!(long.runs("gnome-video-effects"));
        assert_eq!(
            ProcessIdentity::new("../x", None, None).own_ids,
            Vec::<String>::new()
        );
        assert!(!ProcessIdentity::new("python3", Some("python3"), None).runs("python3"));
    }
}
