//! modprobe's configuration, read by modprobe's rules.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::files;

/// In order of precedence: a file hides those of the same name in later directories.
const DIRS: [&str; 5] = [
    "etc/modprobe.d",
    "run/modprobe.d",
    "usr/local/lib/modprobe.d",
    "usr/lib/modprobe.d",
    "lib/modprobe.d",
];

/// systemd's lists of modules to load at boot; `/etc/modules` is the older list.
const LOAD_DIRS: [&str; 5] = [
    "etc/modules-load.d",
    "run/modules-load.d",
    "usr/local/lib/modules-load.d",
    "usr/lib/modules-load.d",
    "lib/modules-load.d",
];
const MODULES: &str = "etc/modules";

/// modprobe's configuration of a module.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct ModuleConfig {
    /// The value of the option that takes effect, and its file.
    pub option: Option<(String, PathBuf)>,
    /// A file that prevents the module from being loaded.
    pub forbidden: Option<PathBuf>,
}

/// Reads the configuration of a module and one of its options.
pub fn module_config(root: &Path, module: &str, option: &str) -> ModuleConfig {
    let mut config = ModuleConfig::default();
    for file in ordered(root, &DIRS) {
        let text = files::text(&file).replace("\\\n", " ");
        for line in text.lines() {
            let mut words = line.split_whitespace();
            let (verb, name) = (words.next(), words.next());
            if name.map(plain).as_deref() != Some(module) {
                continue;
            }
            let at = || files::absolute(root, &file);
            match verb {
                Some("options") => {
                    let given = words.filter_map(|word| word.split_once('='));
                    for (_, value) in given.filter(|(key, _)| *key == option) {
                        config.option = Some((value.to_owned(), at()));
                    }
                }
                // `install` runs this command in place of loading the module.
                Some("install") if words.any(does_nothing) => {
                    config.forbidden = Some(at());
                }
                Some("blacklist") => config.forbidden = Some(at()),
                _ => {}
            }
        }
    }
    config
}

fn does_nothing(word: &str) -> bool {
    ["false", "true", "nologin"].contains(&files::name(Path::new(word)))
}

/// `-` and `_` are equivalent in module names.
fn plain(name: &str) -> String {
    name.replace('-', "_")
}

/// Whether a module is loaded at every boot.
pub fn at_boot(root: &Path, module: &str) -> bool {
    let files = ordered(root, &LOAD_DIRS).into_iter();
    let mut files = files.chain([root.join(MODULES)]);
    files.any(|file| {
        let text = files::text(file);
        // `/etc/modules` may have options after the name.
        let mut names = text
            .lines()
            .filter_map(|line| line.split_whitespace().next());
        names.any(|name| plain(name) == module)
    })
}

/// The configuration files of all directories, sorted by name as modprobe does.
fn ordered(root: &Path, dirs: &[&str]) -> Vec<PathBuf> {
    let mut by_name = BTreeMap::new();
    for dir in dirs {
        for file in files::entries(root.join(dir)) {
            if file
                .extension()
                .is_some_and(|extension| extension == "conf")
            {
                by_name.entry(files::name(&file).to_owned()).or_insert(file);
            }
        }
    }
    by_name.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::probe::tests::machine;

    fn check(files: &[(&str, &str)], option: Option<(&str, &str)>, forbidden: Option<&str>) {
        let root = machine(files);
        let option = option.map(|(value, file)| (value.to_owned(), file.into()));
        let forbidden = forbidden.map(Into::into);
        let expected = ModuleConfig { option, forbidden };
        assert_eq!(
            module_config(root.path(), "v4l2loopback", "exclusive_caps"),
            expected
        );
    }

    #[test]
    fn the_last_file_by_name_takes_effect_in_any_directory() {
        let ours = (
            "usr/lib/modprobe.d/lenscap.conf",
            "options v4l2loopback exclusive_caps=1\n",
        );
        let obs = (
            "etc/modprobe.d/obs.conf",
            "options v4l2loopback exclusive_caps=0 devices=1\n",
        );
        let zz = (
            "etc/modprobe.d/zz-lenscap.conf",
            "options v4l2loopback exclusive_caps=1\n",
        );
        check(
            &[ours],
            Some(("1", "/usr/lib/modprobe.d/lenscap.conf")),
            None,
        );
        check(&[ours, obs], Some(("0", "/etc/modprobe.d/obs.conf")), None);
        check(
            &[ours, obs, zz],
            Some(("1", "/etc/modprobe.d/zz-lenscap.conf")),
            None,
        );
        let hidden = ("etc/modprobe.d/lenscap.conf", "# nothing\n");
        check(&[ours, hidden], None, None);
    }

    #[test]
    fn only_options_of_the_module_are_read() {
        let text = "# options v4l2loopback exclusive_caps=0\n\
                    options other exclusive_caps=0\n\
                    options v4l2loopback \\\n  devices=1 exclusive_caps=1,1\n\
                    options v4l2loopback max_buffers=2\n";
        let file = ("etc/modprobe.d/a.conf", text);
        check(&[file], Some(("1,1", "/etc/modprobe.d/a.conf")), None);
        check(&[("etc/modprobe.d/a.conf.bak", text)], None, None);
    }

    #[test]
    fn blacklist_and_install_prevent_loading() {
        let path = "etc/modprobe.d/no.conf";
        let file = Some("/etc/modprobe.d/no.conf");
        check(&[(path, "blacklist v4l2loopback\n")], None, file);
        check(&[(path, "install v4l2loopback /bin/false\n")], None, file);
        check(
            &[(
                path,
                "install v4l2loopback /sbin/modprobe -i v4l2loopback\n",
            )],
            None,
            None,
        );
        check(&[(path, "blacklist uvcvideo\n")], None, None);
    }

    #[test]
    fn modules_are_loaded_at_boot_by_systemd_or_the_older_list() {
        let loads = |path, text| at_boot(machine(&[(path, text)]).path(), "v4l2loopback");
        assert!(loads(
            "etc/modules-load.d/x.conf",
            "# cameras\nv4l2loopback\n"
        ));
        assert!(loads("usr/local/lib/modules-load.d/x.conf", "v4l2loopback"));
        assert!(loads("etc/modules", "v4l2loopback exclusive_caps=1\n"));
        assert!(!loads("etc/modules-load.d/x.conf", "# v4l2loopback\n"));
        assert!(!loads("etc/modules-load.d/x.disabled", "v4l2loopback\n"));
    }
}
