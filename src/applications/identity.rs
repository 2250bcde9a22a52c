//! What a process gives away about its application.

use std::fs;

use crate::report::Client;

/// Programs that run other people's: what they are called says nothing about the application.
const RUNNERS: [&str; 9] = [
    "bash", "electron", "flatpak", "java", "perl", "python", "python3", "sh", "snap",
];

/// What a process gives away about its application.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    /// Desktop entries that bear its own name: a sandboxed application goes by its id.
    pub own_ids: Vec<String>,
    /// The names of its program.
    pub programs: Vec<String>,
    /// The desktop entry that its systemd unit is named after.
    pub unit_id: Option<String>,
}

impl Trace {
    /// Follows a process in /proc.
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

    /// Whether the process runs this program.
    pub fn runs(&self, program: &str) -> bool {
        !RUNNERS.contains(&program) && self.programs.iter().any(|name| name == program)
    }
}

/// A process may call itself anything; a path is not for it to choose. Snap has `SNAP_APP.desktop`,
/// mostly of the same name twice.
fn own_ids(name: &str) -> Vec<String> {
    if name.contains('/') {
        return Vec::new();
    }
    vec![name.to_owned(), format!("{name}_{name}")]
}

/// The desktop entry in a unit's name, by systemd's rules for desktops:
/// `app-[LAUNCHER-]ID-RANDOM.scope`, `app-[LAUNCHER-]ID[@RANDOM].service`; dashes of its own are `\x2d`.
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
    fn a_program_has_its_own_name_and_its_files() {
        let trace = Trace::new("firefox-bin", Some("firefox-bin"), "");
        assert!(trace.runs("firefox") && trace.runs("firefox-bin"));
        assert!(!trace.runs("fire"));
        let long = Trace::new("gnome-video-eff", Some("gnome-video-effects"), "");
        assert!(long.runs("gnome-video-effects"));
        assert_eq!(Trace::new("../x", None, "").own_ids, Vec::<String>::new());
        assert!(!Trace::new("python3", Some("python3"), "").runs("python3"));
    }
}
