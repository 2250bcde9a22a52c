//! The v4l2loopback devices.

use std::io::ErrorKind;
use std::path::Path;

use super::{camera, files};
use crate::clients::find_holders;
use crate::doctor::facts::{DeviceFacts, DeviceHolder, DeviceState};
use crate::output::{self, Capabilities};

/// All devices, lowest number first. Opens each for a moment, as `lenscap devices` does.
pub fn gather(root: &Path) -> Vec<DeviceFacts> {
    let nodes = output::nodes_below(root).into_iter();
    nodes.map(|path| device(root, &path)).collect()
}

fn device(root: &Path, path: &Path) -> DeviceFacts {
    let inside = path.strip_prefix("/").unwrap_or(path);
    let node = root.join(inside);
    let holders = find_holders(&node).unwrap_or_default();
    let state = state(&node);
    let is_closed = state == DeviceState::Denied;
    DeviceFacts {
        path: path.to_owned(),
        state,
        closed: is_closed.then(|| camera::node(root, path.to_owned(), false)),
        holders: holders
            .into_iter()
            .filter(|holder| !holder.ours)
            .map(|holder| DeviceHolder {
                pid: holder.pid,
                name: holder.name,
            })
            .collect(),
        udev: capabilities(root, files::name(path)),
    }
}

fn state(node: &Path) -> DeviceState {
    match output::capabilities(node) {
        Ok(Capabilities {
            output: true,
            capture: true,
        }) => DeviceState::Both,
        Ok(Capabilities { capture: true, .. }) => DeviceState::Written,
        Ok(Capabilities { output: true, .. }) => DeviceState::Free,
        Err(error) if error.kind() == ErrorKind::PermissionDenied => DeviceState::Denied,
        Ok(_) | Err(_) => DeviceState::Unknown,
    }
}

/// The device's capabilities in udev's database, which is keyed by device number.
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
    fn devices_are_recognized_by_driver_and_looked_up_in_udev() {
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
            .map(|device| (device.path.to_str(), device.udev.as_deref(), device.state))
            .collect();
        assert_eq!(
            found,
            [
                (Some("/dev/video2"), None, DeviceState::Unknown),
                (
                    Some("/dev/video10"),
                    Some(":video_output:"),
                    DeviceState::Unknown
                ),
            ]
        );
    }
}
