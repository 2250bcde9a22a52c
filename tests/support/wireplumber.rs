//! The session manager's settings.

use std::fs;
use std::path::Path;

/// It looks after no hardware: what is plugged into this machine is not its business. Nor does it ask for logind, as its
/// part for Bluetooth does: version 0.4 links nothing where the directories of systemd are missing.
const NO_MONITORS: [(&str, &str); 3] = [
    (
        "wireplumber/main.lua.d/51-none.lua",
        "alsa_monitor.enabled = false\nv4l2_monitor.enabled = false\nlibcamera_monitor.enabled = false\n",
    ),
    (
        "wireplumber/bluetooth.lua.d/51-none.lua",
        "bluez_monitor.enabled = false\n",
    ),
    (
        "wireplumber/wireplumber.conf.d/none.conf",
        "wireplumber.profiles = { main = { monitor.alsa = disabled, monitor.alsa-midi = disabled, \
         monitor.bluez = disabled, monitor.v4l2 = disabled, monitor.libcamera = disabled } }\n",
    ),
];

/// Writes them below a directory of configuration files.
pub fn configure(directory: &Path) {
    for (path, text) in NO_MONITORS {
        let path = directory.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}
