//! The kernel module v4l2loopback, as Lenscap wants it loaded.

use std::fs;
use std::path::Path;

// `concat!` takes literals alone.
macro_rules! label {
    () => {
        "Intel MIPI Camera"
    };
}
macro_rules! options {
    () => {
        concat!(
            "exclusive_caps=1 max_buffers=8 card_label=\"",
            label!(),
            "\""
        )
    };
}

/// The module.
pub const NAME: &str = "v4l2loopback";

/// The name that applications list.
pub const LABEL: &str = label!();

/// Buffers of a device.
pub const BUFFERS: i32 = 8;

/// Its options, as modprobe takes them.
pub const OPTIONS: &str = options!();

/// Our file of options in `/etc/modprobe.d`. Options of several files add up, and of one that is
/// given twice the last one counts: the name puts ours behind those of other products.
pub const OPTIONS_FILE: &str = "zz-lenscap.conf";

/// Loads it with a device, whatever modprobe's configuration is.
pub const LOAD: &str = concat!("sudo modprobe v4l2loopback ", options!());

/// Adds a device to one that is loaded.
pub const ADD: &str = concat!("sudo v4l2loopback-ctl add -x 1 -b 8 -n \"", label!(), "\"");

/// Whether the loaded module is older than 0.13. 0.12 has the control node too, and reads another
/// struct from it.
pub fn is_before_0_13(root: &Path) -> bool {
    let version = root.join("sys/module").join(NAME).join("version");
    let version = fs::read_to_string(version).unwrap_or_default();
    let parts = version.trim().split('.');
    let mut parts = parts.map(|part| part.parse().unwrap_or(0));
    let mut next = || parts.next().unwrap_or(0_u32);
    (next(), next()) < (0, 13)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_options_are_those_of_the_packaged_file() {
        let file = include_str!("../../data/modprobe.d/lenscap.conf");
        assert!(file.ends_with(&format!("\noptions {NAME} {OPTIONS}\n")));
        let buffers = format!(" max_buffers={BUFFERS} ");
        assert!(OPTIONS.contains(&buffers));
        assert!(ADD.contains(&format!(" -b {BUFFERS} ")));
    }
}
