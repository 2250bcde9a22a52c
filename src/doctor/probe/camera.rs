//! The real cameras: kernel nodes, GStreamer plugin, and the cameras that probing finds.

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};

use super::{files, module};
use crate::capture::{child, elements, probe};
use crate::doctor::facts::{CameraFacts, NodeAccess};
use crate::relay::FaultKind;
use crate::source::Found;

const ELEMENT: &str = "icamerasrc";
const PLUGIN: &str = "libgsticamerasrc.so";

/// Library directories; some distributions have one for the architecture in between.
const LIBRARIES: [&str; 4] = ["usr/lib", "usr/lib64", "usr/local/lib", "usr/local/lib64"];

/// Intel's vendor number, and the device numbers of its image processors: IPU6 in its forms, then
/// IPU7 (`drivers/media/pci/intel/ipu6`, `drivers/staging/media/ipu7`).
const INTEL: &str = "0x8086";
const IPUS: [&str; 8] = [
    "0x9a19", "0x4e19", "0x465d", "0x462e", "0xa75d", "0x7d19", "0x645d", "0xb05d",
];

const PSYS_MODULES: [&str; 2] = ["intel-ipu6-psys", "intel-ipu7-psys"];

/// Starts child processes and waits for them.
pub fn gather(root: &Path) -> CameraFacts {
    let found = probe::find_all().ok();
    let element =
        elements::query(&[ELEMENT], None).map(|known| known.contains(&ELEMENT.to_owned()));
    let plugin = plugin(root);
    let loads_uncached = match (&plugin, element) {
        (Some(file), Some(false)) => loads_uncached(file),
        _ => None,
    };
    let closed = found.iter().flatten().filter_map(closed_node);
    let nodes = psys_nodes(root).into_iter().map(|path| (path, true));
    let nodes = nodes.chain(closed.map(|path| (path, false)));
    let kernel = files::text(root.join("proc/sys/kernel/osrelease"));
    let tree = root.join("lib/modules").join(kernel);
    CameraFacts {
        ipu: has_ipu(root),
        element,
        loads_uncached,
        registry: Some(child::registry()).filter(|path| path.exists()),
        nodes: nodes.map(|(path, psys)| node(root, path, psys)).collect(),
        psys_module: module::find_any(&tree, &PSYS_MODULES).map(|(name, _)| name),
        raw_nodes: raw_nodes(root),
        plugin: plugin.map(|file| files::absolute(root, &file)),
        found,
    }
}

fn has_ipu(root: &Path) -> bool {
    let devices = files::entries(root.join("sys/bus/pci/devices"));
    devices.iter().any(|device| {
        let device_number = files::text(device.join("device"));
        files::text(device.join("vendor")) == INTEL && IPUS.contains(&device_number.as_str())
    })
}

fn psys_nodes(root: &Path) -> Vec<PathBuf> {
    let nodes = files::entries(root.join("dev")).into_iter();
    let nodes = nodes.filter(|node| {
        let name = files::name(node);
        name.starts_with("ipu") && name.contains("psys")
    });
    nodes.map(|node| files::absolute(root, &node)).collect()
}

/// The node of a camera that this process may not open.
fn closed_node(found: &Found) -> Option<PathBuf> {
    let fault = found.problem.as_ref()?;
    let path = found.spec.strip_prefix("v4l2:")?;
    (fault.kind == FaultKind::NoPermission).then(|| path.into())
}

/// Counts the nodes of the sensors' receiver (ISYS) by their names.
fn raw_nodes(root: &Path) -> u32 {
    let nodes = files::entries(root.join("sys/class/video4linux")).into_iter();
    let names = nodes.map(|node| files::text(node.join("name")));
    let raw = names.filter(|name| name.starts_with("Intel IPU") && name.contains("ISYS"));
    u32::try_from(raw.count()).unwrap_or(u32::MAX)
}

pub fn node(root: &Path, path: PathBuf, psys: bool) -> NodeAccess {
    let file = root.join(path.strip_prefix("/").unwrap_or(&path));
    let metadata = fs::metadata(&file).ok();
    let (mode, gid) = metadata.map_or((0, 0), |file| (file.mode(), file.gid()));
    let groups = files::text(root.join("etc/group"));
    let group = Group::find(&groups, gid);
    let account = files::text(root.join("etc/passwd"));
    NodeAccess {
        open: access(&file, Access::READ_OK | Access::WRITE_OK).is_ok(),
        group_may: mode & 0o060 == 0o060,
        in_account: group.has(&account, rustix::process::getuid().as_raw()),
        in_session: in_session(gid),
        group: group.name,
        path,
        psys,
    }
}

#[derive(Default)]
struct Group {
    name: String,
    gid: String,
    members: Vec<String>,
}

impl Group {
    fn find(groups: &str, gid: u32) -> Self {
        let gid = gid.to_string();
        let mut lines = groups
            .lines()
            .map(|line| line.split(':').collect::<Vec<_>>());
        let line = lines.find(|fields| fields.get(2) == Some(&gid.as_str()));
        let fields = line.unwrap_or_default();
        let field = |at: usize| fields.get(at).copied().unwrap_or_default();
        Self {
            // Shown in place of an unknown name.
            name: if fields.is_empty() {
                gid.clone()
            } else {
                field(0).to_owned()
            },
            members: field(3).split(',').map(str::to_owned).collect(),
            gid,
        }
    }

    /// Whether the user is a member, or has it as primary group.
    fn has(&self, accounts: &str, uid: u32) -> bool {
        let uid = uid.to_string();
        let mut accounts = accounts
            .lines()
            .map(|line| line.split(':').collect::<Vec<_>>());
        let account = accounts.find(|fields| fields.get(2) == Some(&uid.as_str()));
        account.is_some_and(|fields| {
            fields.get(3) == Some(&self.gid.as_str())
                || self.members.iter().any(|member| member == fields[0])
        })
    }
}

fn in_session(gid: u32) -> bool {
    let groups = rustix::process::getgroups().unwrap_or_default();
    let mut groups = groups.into_iter().chain([rustix::process::getegid()]);
    groups.any(|group| group.as_raw() == gid)
}

fn plugin(root: &Path) -> Option<PathBuf> {
    let bases = LIBRARIES.iter().map(|dir| root.join(dir));
    let dirs = bases.flat_map(|base| {
        let by_machine = files::entries(&base).into_iter();
        let by_machine = by_machine.filter(|dir| files::name(dir).contains("-linux-gnu"));
        by_machine.chain([base]).collect::<Vec<_>>()
    });
    let mut files = dirs.map(|dir| dir.join("gstreamer-1.0").join(PLUGIN));
    files.find(|file| file.exists())
}

/// Whether `GStreamer` loads the plugin with an empty registry and no other plugins.
fn loads_uncached(plugin: &Path) -> Option<bool> {
    let runtime = glib::user_runtime_dir();
    // Outside a session, the fallback directory may not exist yet.
    fs::create_dir_all(&runtime).ok()?;
    let dir = runtime.join(format!("lenscap-doctor-{}", std::process::id()));
    fs::create_dir(&dir).ok()?;
    let known = symlink(plugin, dir.join(PLUGIN))
        .ok()
        .and_then(|()| elements::query(&[ELEMENT], Some(&dir)));
    let _ = fs::remove_dir_all(&dir); // ours, with the link and the registry only
    known.map(|known| known.contains(&ELEMENT.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::probe::tests::machine;

    #[test]
    fn an_ipu_is_recognized_by_its_pci_ids() {
        let device = |vendor, number| {
            let dir = "sys/bus/pci/devices/0000:00:05.0";
            let files = [
                (format!("{dir}/vendor"), vendor),
                (format!("{dir}/device"), number),
            ];
            let files = files.each_ref().map(|(path, text)| (path.as_str(), *text));
            has_ipu(machine(&files).path())
        };
        assert!(device("0x8086\n", "0xa75d\n"));
        assert!(device("0x8086\n", "0x645d\n"));
        assert!(!device("0x8086\n", "0x1234\n"));
        assert!(!device("0x1002\n", "0xa75d\n"));
    }

    #[test]
    fn raw_sensor_nodes_are_counted_by_name() {
        let name = |number| format!("sys/class/video4linux/video{number}/name");
        let root = machine(&[
            (&name(0), "Intel IPU6 ISYS Capture 0\n"),
            (&name(1), "Intel IPU6 ISYS Capture 1\n"),
            (&name(2), "Intel MIPI Camera\n"),
        ]);
        assert_eq!(raw_nodes(root.path()), 2);
    }

    #[test]
    fn nodes_of_all_image_processor_generations_are_found() {
        let root = machine(&[
            ("dev/ipu7-psys0", ""),
            ("dev/ipu-psys0", ""),
            ("dev/video0", ""),
        ]);
        let nodes = psys_nodes(root.path());
        assert_eq!(
            nodes,
            [Path::new("/dev/ipu-psys0"), Path::new("/dev/ipu7-psys0")]
        );
    }

    #[test]
    fn a_group_has_members_and_accounts_whose_primary_group_it_is() {
        let groups = "root:x:0:\nvideo:x:44:alice,bob\nusers:x:100:\n";
        let accounts = "alice:x:1000:1000::/:/x\ncarol:x:1001:100::/:/x\n";
        let video = Group::find(groups, 44);
        assert_eq!(video.name, "video");
        assert!(video.has(accounts, 1000));
        assert!(!video.has(accounts, 1001));
        assert!(Group::find(groups, 100).has(accounts, 1001));
        assert_eq!(Group::find(groups, 7).name, "7");
        assert!(!Group::find(groups, 44).has(accounts, 1002));
    }

    #[test]
    fn a_nodes_mode_and_group_are_read() {
        let own = rustix::process::getegid().as_raw();
        let group = format!("camera:x:{own}:\n");
        let root = machine(&[("dev/ipu-psys0", ""), ("etc/group", &group)]);
        let file = root.path().join("dev/ipu-psys0");
        let mode = <fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode;
        for (bits, group_may) in [(0o660, true), (0o640, false), (0o600, false)] {
            fs::set_permissions(&file, mode(bits)).unwrap();
            let node = node(root.path(), "/dev/ipu-psys0".into(), true);
            assert_eq!(
                (node.group_may, node.in_session),
                (group_may, true),
                "{bits:o}"
            );
            assert_eq!((node.group.as_str(), node.open), ("camera", true));
        }
    }

    #[test]
    fn the_plugin_is_found_with_and_without_an_architecture() {
        for path in [
            "usr/lib/x86_64-linux-gnu/gstreamer-1.0/libgsticamerasrc.so",
            "usr/lib64/gstreamer-1.0/libgsticamerasrc.so",
        ] {
            let root = machine(&[(path, "")]);
            assert_eq!(plugin(root.path()), Some(root.path().join(path)));
        }
        assert_eq!(plugin(machine(&[("usr/lib/x", "")]).path()), None);
    }
}
