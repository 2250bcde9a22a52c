//! Clues about the application that a process belongs to.

use std::fs;

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
        let proc = format!("/proc/{}", client.pid);
        let cgroup = fs::read_to_string(format!("{proc}/cgroup")).unwrap_or_default();
        let exe = fs::read_link(format!("{proc}/exe")).unwrap_or_default();
        let exe = exe.file_name().and_then(|name| name.to_str());
        Self::new(&client.name, exe, &cgroup)
    }

    fn new(name: &str, exe: Option<&str>, cgroup: &str) -> Self {
        let names = std::iter::once(name).chain(exe);
        Self {
            own_ids: own_ids(name),
            // Firefox is a script that starts `firefox-bin`.
            programs: names
                .flat_map(|name| [Some(name), name.strip_suffix("-bin")])
                .flatten()
                .map(str::to_owned)
                .collect(),
            unit_id: unit_id(cgroup),
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

/// The id of the desktop entry in a unit's name, by systemd's convention:
/// `app-[LAUNCHER-]ID-RANDOM.scope`, `app-[LAUNCHER-]ID[@RANDOM].service`, dashes escaped as `\x2d`.
fn unit_id(cgroup: &str) -> Option<String> {
    let unit = cgroup.trim_end().rsplit('/').next()?;
    let unit = unit.strip_prefix("app-")?;
    let name = match unit.strip_suffix(".scope") {
        Some(scope) => scope.rsplit_once('-')?.0,
        None => unit.strip_suffix(".service")?.split('@').next()?,
    };
    let id = name.rsplit('-').next()?;
    Some(id.replace("\\x2d", "-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_named_after_desktop_entries() {
        let parent = "0::/user.slice/user-1000.slice/user@1000.service/app.slice";
        for (unit, wanted) in [
            ("app-gnome-firefox-12345.scope", Some("firefox")),
            (
                "app-gnome-google\\x2dchrome-77.scope",
                Some("google-chrome"),
            ),
            (
                "app-flatpak-com.slack.Slack-9.scope",
                Some("com.slack.Slack"),
            ),
            ("app-org.gnome.Cheese@3f.service", Some("org.gnome.Cheese")),
            ("app-zoom.service", Some("zoom")),
            ("session-2.scope", None),
            ("vte-spawn-1-2.scope", None),
        ] {
            let id = unit_id(&format!("{parent}/{unit}\n"));
            assert_eq!(id.as_deref(), wanted, "{unit}");
        }
        assert_eq!(unit_id(""), None);
    }

    #[test]
    fn a_program_is_known_by_process_name_and_file_name() {
        let identity = ProcessIdentity::new("firefox-bin", Some("firefox-bin"), "");
        assert!(identity.runs("firefox") && identity.runs("firefox-bin"));
        assert!(!identity.runs("fire"));
        let long = ProcessIdentity::new("gnome-video-eff", Some("gnome-video-effects"), "");
        assert!(long.runs("gnome-video-effects"));
        assert_eq!(
            ProcessIdentity::new("../x", None, "").own_ids,
            Vec::<String>::new()
        );
        assert!(!ProcessIdentity::new("python3", Some("python3"), "").runs("python3"));
    }
}
