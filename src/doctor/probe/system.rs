//! The system and the user.

use std::path::Path;

use rustix::process::getuid;

use super::files;
use crate::doctor::Helper;
use crate::doctor::facts::{Distro, SystemFacts};

pub fn gather(root: &Path) -> SystemFacts {
    let flatpak = root.join(".flatpak-info").exists();
    // Inside a sandbox it could change nothing but the sandbox.
    let helper = if flatpak { None } else { Helper::find() };
    SystemFacts {
        flatpak,
        distro: distro(root, flatpak),
        kernel: files::text(root.join("proc/sys/kernel/osrelease")),
        user: user(root, getuid().as_raw()),
        helper: helper.and_then(|helper| helper.path().map(Path::to_owned)),
    }
}

/// In a Flatpak, `/etc/os-release` describes the runtime and another file the host.
fn distro(root: &Path, flatpak: bool) -> Distro {
    let file = if flatpak {
        "run/host/etc/os-release"
    } else {
        "etc/os-release"
    };
    let text = files::text(root.join(file));
    let ids = [files::value(&text, "ID"), files::value(&text, "ID_LIKE")];
    let mut ids = ids.into_iter().flatten().flat_map(str::split_whitespace);
    ids.find_map(family).unwrap_or_default()
}

fn family(id: &str) -> Option<Distro> {
    Some(match id {
        "ubuntu" => Distro::Ubuntu,
        "debian" => Distro::Debian,
        "fedora" | "rhel" => Distro::Fedora,
        "arch" => Distro::Arch,
        "suse" | "opensuse" => Distro::Suse,
        _ => return None,
    })
}

/// The account's name. Accounts of a directory service are in the environment only.
fn user(root: &Path, uid: u32) -> String {
    let uid = uid.to_string();
    let accounts = files::text(root.join("etc/passwd"));
    let mut accounts = accounts
        .lines()
        .map(|line| line.split(':').collect::<Vec<_>>());
    let listed = accounts.find(|fields| fields.get(2) == Some(&uid.as_str()));
    let name = listed.and_then(|fields| fields.first().map(ToString::to_string));
    name.or_else(|| std::env::var("USER").ok()).unwrap_or(uid)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::probe::tests::machine;

    fn distro_of(text: &str) -> Distro {
        distro(machine(&[("etc/os-release", text)]).path(), false)
    }

    #[test]
    fn distributions_are_recognized_by_id_or_id_like() {
        assert_eq!(distro_of("NAME=x\nID=debian\n"), Distro::Debian);
        assert_eq!(distro_of("ID=ubuntu\nID_LIKE=debian\n"), Distro::Ubuntu);
        assert_eq!(
            distro_of("ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n"),
            Distro::Ubuntu
        );
        assert_eq!(
            distro_of("ID=\"opensuse-leap\"\nID_LIKE=\"suse opensuse\"\n"),
            Distro::Suse
        );
        assert_eq!(distro_of("ID=nixos\n"), Distro::Other);
        assert_eq!(distro_of(""), Distro::Other);
    }

    #[test]
    fn a_flatpak_reads_the_hosts_os_release() {
        let root = machine(&[
            (".flatpak-info", ""),
            ("etc/os-release", "ID=org.gnome.Platform\n"),
            ("run/host/etc/os-release", "ID=fedora\n"),
            ("proc/sys/kernel/osrelease", "6.12.1-amd64\n"),
        ]);
        let system = gather(root.path());
        assert!(system.flatpak && system.helper.is_none());
        assert_eq!(system.distro, Distro::Fedora);
        assert_eq!(system.kernel, "6.12.1-amd64");
    }

    #[test]
    fn accounts_are_found_by_user_id() {
        let root = machine(&[(
            "etc/passwd",
            "root:x:0:0::/root:/bin/sh\nme:x:1000:1000::/:/x\n",
        )]);
        assert_eq!(user(root.path(), 1000), "me");
        assert_eq!(user(root.path(), 0), "root");
    }
}
