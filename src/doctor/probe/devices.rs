//! The devices of v4l2loopback.

use std::io::ErrorKind;
use std::path::Path;

use super::{camera, files};
use crate::clients::find_holders;
use crate::doctor::facts::{Access, Device, Holder};
use crate::output::{self, Capabilities};

/// All devices, lowest number first. Each is opened for a moment, as `lenscap devices` does.
pub fn gather(root: &Path) -> Vec<Device> {
    let nodes = output::nodes_below(root).into_iter();
    nodes.map(|path| device(root, &path)).collect()
}

fn device(root: &Path, path: &Path) -> Device {
    let inside = path.strip_prefix("/").unwrap_or(path);
    let node = root.join(inside);
    let holders = find_holders(&node).unwrap_or_default();
    let access = access(&node);
    let is_closed = access == Access::Denied;
    Device {
        path: path.to_owned(),
        access,
        closed: is_closed.then(|| camera::node(root, path.to_owned(), false)),
        holders: holders
            .into_iter()
            .filter(|holder| !holder.ours)
            .map(|holder| Holder {
                pid: holder.pid,
                name: holder.name,
            })
            .collect(),
        udev: capabilities(root, files::name(path)),
    }
}

fn access(node: &Path) -> Access {
    match output::capabilities(node) {
        Ok(Capabilities {
            output: true,
            capture: true,
        }) => Access::Both,
        Ok(Capabilities { capture: true, .. }) => Access::Written,
        Ok(Capabilities { output: true, .. }) => Access::Free,
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Access::Denied,
        Ok(_) | Err(_) => Access::Unknown,
    }
}

/// What udev has in its database for the device, by its number there.
fn capabilities(root: &Path, name: &str) -> Option<String> {
    let class = root.join("sys/class/video4linux").join(name);
    let number = files::text(class.join("dev"));
    let known = root.join("run/udev/data").join(format!("c{number}"));
    if number.is_empty() || !known.exists() {
        return None;
    }
    let known = files::text(known);
    let capabilities = files::value(&known, "E:ID_V4L_CAPABILITIES");
    Some(capabilities.unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::probe::tests::machine;

    #[test]
    fn devices_are_known_by_their_driver_and_by_udev() {
        let class = "sys/class/video4linux";
        let root = machine(&[
            (&format!("{class}/video10/max_openers"), "10\n"),
            (&format!("{class}/video10/dev"), "81:5\n"),
            (&format!("{class}/video2/max_openers"), "10\n"),
            (&format!("{class}/video2/dev"), "81:1\n"),
            (&format!("{class}/video0/name"), "Webcam\n"),
            (
                "run/udev/data/c81:5",
                "I:1\nE:ID_V4L_VERSION=2\nE:ID_V4L_CAPABILITIES=:video_output:\n",
            ),
        ]);
        let found = gather(root.path());
        let found: Vec<_> = found
            .iter()
            .map(|device| (device.path.to_str(), device.udev.as_deref(), device.access))
            .collect();
        assert_eq!(
            found,
            [
                (Some("/dev/video2"), None, Access::Unknown),
                (
                    Some("/dev/video10"),
                    Some(":video_output:"),
                    Access::Unknown
                ),
            ]
        );
    }
}
