//! The units of v4l2-relayd, which opens the same camera.

use std::path::Path;

/// Each unit, and the file that it is installed by. The second one is an instance.
const UNITS: [(&str, &str); 2] = [
    ("v4l2-relayd.service", "v4l2-relayd.service"),
    ("v4l2-relayd@default.service", TEMPLATE),
];

/// The file of the instances.
const TEMPLATE: &str = "v4l2-relayd@.service";

/// Where systemd finds units.
const FOLDERS: [&str; 4] = [
    "etc/systemd/system",
    "run/systemd/system",
    "usr/lib/systemd/system",
    "lib/systemd/system",
];

/// The units that this distribution has.
pub fn units(root: &Path) -> Vec<&'static str> {
    let units = UNITS.iter().filter(|(_, file)| has(root, file));
    units.map(|(unit, _)| *unit).collect()
}

/// Whether instances of an administrator's own may run.
pub fn has_template(root: &Path) -> bool {
    has(root, TEMPLATE)
}

fn has(root: &Path, file: &str) -> bool {
    let mut folders = FOLDERS.iter();
    folders.any(|folder| root.join(folder).join(file).exists())
}
