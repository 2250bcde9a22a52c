//! Which v4l2loopback device is Lenscap's, or would be.

use crate::doctor::facts::{DeviceFacts, DeviceState, Facts};

/// The device that Lenscap uses or would use: the one in its status, else the one named in the
/// settings, else the first free one.
pub fn chosen(facts: &Facts) -> Option<&DeviceFacts> {
    let devices = &facts.devices;
    let ours = devices.iter().find(|device| is_ours(facts, device));
    ours.or_else(|| match &facts.wanted.device {
        Some(path) => devices.iter().find(|device| device.path == *path),
        None => devices
            .iter()
            .find(|device| is_free(device))
            .or(devices.first()),
    })
}

/// Whether the running applet uses the device.
pub fn is_ours(facts: &Facts, device: &DeviceFacts) -> bool {
    let path = device.path.display().to_string();
    let outputs = facts.applet.iter().flat_map(|applet| &applet.outputs);
    let reported = outputs.into_iter().any(|output| output.device == path);
    // Without a bus there is no status to read, so the program's name has to do.
    let mut holders = device.holders.iter();
    reported || holders.any(|holder| holder.name == env!("CARGO_PKG_NAME"))
}

/// A device with both capabilities doesn't show whether a process writes to it: its holders may just
/// read.
pub fn is_free(device: &DeviceFacts) -> bool {
    matches!(device.state, DeviceState::Free | DeviceState::Both)
}
