//! The control node of v4l2loopback (`v4l2loopback.h`, 0.13 and later).

use std::io;
use std::path::Path;

use lenscap_actions::module;
use rustix::fs::{FileType, Mode, OFlags, fstat, open};
use rustix::ioctl::{self, Ioctl, IoctlOutput, Opcode};

/// The node. Only its name can be known before it is open; that it is a device is checked after.
pub const NODE: &str = "/dev/v4l2loopback";

/// `V4L2LOOPBACK_CTL_ADD` of 0.13. Later ones have a number with the size of the config in it, and
/// still take this one.
const ADD: Opcode = 0x4C80;

/// `struct v4l2_loopback_config`. Zero or less leaves a value to the driver.
#[repr(C)]
struct Config {
    output_nr: i32,
    unused: i32,
    card_label: [u8; 32],
    min_width: u32,
    max_width: u32,
    min_height: u32,
    max_height: u32,
    max_buffers: i32,
    max_openers: i32,
    debug: i32,
    announce_all_caps: i32,
}

const _: () = assert!(size_of::<Config>() == 72);

impl Config {
    /// The same device as the module's own options make: see `data/modprobe.d/lenscap.conf`.
    fn ours() -> Self {
        let mut card_label = [0; 32];
        let label = module::LABEL.as_bytes();
        card_label[..label.len()].copy_from_slice(label);
        Self {
            output_nr: -1,
            unused: -1,
            card_label,
            min_width: 0,
            max_width: 0,
            min_height: 0,
            max_height: 0,
            max_buffers: module::BUFFERS,
            max_openers: 0,
            debug: 0,
            announce_all_caps: 0,
        }
    }
}

/// Has the driver read a [`Config`] and answer with the number of the new device.
struct Add(Config);

// SAFETY: the driver reads a `v4l2_loopback_config` from the pointer and writes nothing there.
unsafe impl Ioctl for Add {
    type Output = i32;
    const IS_MUTATING: bool = false;

    fn opcode(&self) -> Opcode {
        ADD
    }

    fn as_ptr(&mut self) -> *mut core::ffi::c_void {
        (&raw mut self.0).cast()
    }

    unsafe fn output_from_ptr(
        number: IoctlOutput,
        _: *mut core::ffi::c_void,
    ) -> rustix::io::Result<i32> {
        Ok(number)
    }
}

/// Adds a device and answers with its node.
pub fn add_device(root: &Path) -> io::Result<String> {
    let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let node = open(root.join(&NODE[1..]), flags, Mode::empty())?;
    if FileType::from_raw_mode(fstat(&node)?.st_mode) != FileType::CharacterDevice {
        return Err(io::Error::other(format!("{NODE} is not a device")));
    }
    // SAFETY: the opcode and the struct are those of the driver behind this node.
    let number = unsafe { ioctl::ioctl(&node, Add(Config::ours()))? };
    Ok(format!("/dev/video{number}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_file_or_a_link_in_the_nodes_place_is_refused() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("dev")).unwrap();
        let node = root.path().join("dev/v4l2loopback");
        fs::write(&node, "").unwrap();
        let error = add_device(root.path()).unwrap_err();
        assert!(error.to_string().contains("not a device"), "{error}");
        fs::remove_file(&node).unwrap();
        symlink("/dev/null", &node).unwrap();
        let error = add_device(root.path()).unwrap_err();
        assert_eq!(
            error.raw_os_error(),
            Some(rustix::io::Errno::LOOP.raw_os_error())
        );
    }
}
