//! What starts the applet.

use std::path::{Path, PathBuf};

use super::files;
use crate::doctor::facts::{Launcher, StartupFacts, Unreachable};
use crate::instance;

const UNIT: &str = "lenscap.service";
const ENTRY: &str = "autostart/io.github.lenscap.Lenscap.desktop";
const SERVICE: &str = "dbus-1/services/io.github.lenscap.Lenscap.service";

/// The user's directories, in order of precedence.
pub struct Places {
    pub config: Vec<PathBuf>,
    pub data: Vec<PathBuf>,
}

impl Places {
    pub fn of_user() -> Self {
        let config = [vec![glib::user_config_dir()], glib::system_config_dirs()];
        let data = [vec![glib::user_data_dir()], glib::system_data_dirs()];
        Self {
            config: config.concat(),
            data: data.concat(),
        }
    }

    fn first(places: &[PathBuf], name: &str) -> Option<PathBuf> {
        let mut files = places.iter().map(|dir| dir.join(name));
        files.find(|file| file.exists())
    }
}

/// Units of packages are below the root, everything else is in the user's directories.
pub fn gather(root: &Path, places: &Places) -> StartupFacts {
    let config = places.config.iter().map(|dir| dir.join("systemd/user"));
    let system = ["etc/systemd/user"].iter().map(|dir| root.join(dir));
    let enabling: Vec<_> = config.chain(system).collect();
    let packaged = [
        "usr/local/share/systemd/user",
        "usr/local/lib/systemd/user",
        "usr/lib/systemd/user",
        "usr/share/systemd/user",
    ];
    let packaged = packaged.iter().map(|dir| root.join(dir));
    let shared = places.data.iter().map(|dir| dir.join("systemd/user"));
    let mut units = enabling.iter().cloned().chain(packaged).chain(shared);
    StartupFacts {
        unit: units.any(|dir| dir.join(UNIT).exists()),
        unit_enabled: enabling.iter().any(|dir| is_wanted(dir)),
        entry: Places::first(&places.config, ENTRY).and_then(|file| entry(root, file)),
        service: Places::first(&places.data, SERVICE).map(|file| launcher(root, file)),
    }
}

/// The process that holds the instance lock. Called only if no applet answers on the bus.
pub fn unreachable(root: &Path) -> Option<Unreachable> {
    let pid = instance::holder()?;
    let in_unit = is_in_unit(root, pid);
    Some(Unreachable { pid, in_unit })
}

/// The last component of a process's control group is its unit.
fn is_in_unit(root: &Path, pid: u32) -> bool {
    let groups = files::text(root.join(format!("proc/{pid}/cgroup")));
    let mut groups = groups.lines().map(|group| files::name(Path::new(group)));
    groups.any(|unit| unit == UNIT)
}

/// Whether a target wants the unit, even if the link is dangling.
fn is_wanted(dir: &Path) -> bool {
    let units = files::wanted_units(dir);
    units.iter().any(|unit| files::name(unit) == UNIT)
}

/// Users disable the system's entry with a hidden one of their own.
fn entry(root: &Path, file: PathBuf) -> Option<Launcher> {
    let text = files::text(&file);
    let off = files::value(&text, "Hidden") == Some("true")
        || files::value(&text, "X-GNOME-Autostart-enabled") == Some("false");
    (!off).then(|| launcher(root, file))
}

fn launcher(root: &Path, path: PathBuf) -> Launcher {
    let text = files::text(&path);
    let command = files::value(&text, "Exec").unwrap_or_default();
    let program = command.split_whitespace().next().unwrap_or_default();
    let program = program.trim_matches('"');
    Launcher {
        path,
        works: is_there(root, program),
        program: program.to_owned(),
    }
}

/// A program without a path is looked up in `PATH`.
fn is_there(root: &Path, program: &str) -> bool {
    match program.strip_prefix('/') {
        Some(inside) => root.join(inside).exists(),
        None => glib::find_program_in_path(program).is_some(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::probe::tests::machine;

    fn startup(files: &[(&str, &str)]) -> StartupFacts {
        let root = machine(files);
        let places = Places {
            config: vec![
                root.path().join("home/.config"),
                root.path().join("etc/xdg"),
            ],
            data: vec![
                root.path().join("home/.local/share"),
                root.path().join("usr/share"),
            ],
        };
        gather(root.path(), &places)
    }

    #[test]
    fn an_autostart_entry_works_if_its_program_exists() {
        let path = "home/.config/autostart/io.github.lenscap.Lenscap.desktop";
        let text = "[Desktop Entry]\nType=Application\nExec=/opt/lenscap --no-tray\n";
        let works = |files: &[_]| startup(files).entry.map(|entry| entry.works);
        assert_eq!(works(&[]), None);
        assert_eq!(works(&[(path, text)]), Some(false));
        assert_eq!(works(&[(path, text), ("opt/lenscap", "")]), Some(true));
        assert_eq!(
            works(&[(path, "Exec=no-such-program-at-all\n")]),
            Some(false)
        );
        let hidden = format!("{text}Hidden=true\n");
        assert_eq!(works(&[(path, &hidden)]), None);
    }

    #[test]
    fn the_users_service_takes_precedence() {
        let file = "dbus-1/services/io.github.lenscap.Lenscap.service";
        let (user, system) = (
            format!("home/.local/share/{file}"),
            format!("usr/share/{file}"),
        );
        let found = startup(&[(&user, "Exec=/a\n"), (&system, "Exec=/b\n"), ("b", "")]);
        let service = found.service.expect("a service");
        assert_eq!((service.program.as_str(), service.works), ("/a", false));
    }

    #[test]
    fn a_process_belongs_to_a_unit_by_its_control_group() {
        let user = "/user.slice/user-1000.slice/user@1000.service/app.slice";
        let old = format!("1:name=systemd:{user}/lenscap.service\n0::/\n");
        let new = format!("0::{user}/lenscap.service\n");
        let entry = format!("0::{user}/app-gnome-lenscap-7.scope\n");
        let root = machine(&[
            ("proc/7/cgroup", &new),
            ("proc/8/cgroup", &old),
            ("proc/9/cgroup", &entry),
        ]);
        let is = [7, 8, 9, 10].map(|pid| is_in_unit(root.path(), pid));
        assert_eq!(is, [true, true, false, false]);
    }

    #[test]
    fn a_unit_is_enabled_by_a_target() {
        let unit = ("usr/lib/systemd/user/lenscap.service", "");
        let found = startup(&[unit]);
        assert!(found.unit && !found.unit_enabled);
        let wish = "home/.config/systemd/user/default.target.wants/lenscap.service";
        assert!(startup(&[unit, (wish, "")]).unit_enabled);
    }
}
