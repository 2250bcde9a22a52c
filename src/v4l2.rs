//! What a V4L2 device says of itself, asked by ioctl (`linux/videodev2.h`): real cameras and virtual
//! ones alike.

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::fs::{Mode, OFlags, open as open_file};
use rustix::io::Errno;
use rustix::ioctl::{Opcode, Updater, ioctl, opcode};

use crate::settings::{LONGEST_NAME, one_line};

// Kinds of nodes (`V4L2_CAP_*`).

/// Gives frames.
pub const VIDEO_CAPTURE: u32 = 0x1;
/// Takes frames.
pub const VIDEO_OUTPUT: u32 = 0x2;
/// Gives frames whose planes lie apart.
pub const VIDEO_CAPTURE_MPLANE: u32 = 0x1000;
/// Takes frames whose planes lie apart.
pub const VIDEO_OUTPUT_MPLANE: u32 = 0x2000;
/// Turns frames into others, with planes apart.
pub const VIDEO_M2M_MPLANE: u32 = 0x4000;
/// Turns frames into others: a codec or a scaler.
pub const VIDEO_M2M: u32 = 0x8000;
/// Gives what belongs to frames, and none.
pub const META_CAPTURE: u32 = 0x0080_0000;
/// Takes what belongs to frames, and none.
pub const META_OUTPUT: u32 = 0x0800_0000;
/// Set up by a media controller: one part of several, no camera by itself.
pub const IO_MC: u32 = 0x2000_0000;
const DEVICE_CAPS: u32 = 0x8000_0000;

/// Queues of frames (`enum v4l2_buf_type`).
const BUF_TYPE_VIDEO_CAPTURE: u32 = 1;
const BUF_TYPE_VIDEO_CAPTURE_MPLANE: u32 = 9;

/// Formats asked for at most: a driver that never says "no more" must not hold us up.
const MOST_FORMATS: u32 = 128;

/// `struct v4l2_capability`.
#[repr(C)]
#[derive(Default)]
struct Capability {
    driver: [u8; 16],
    card: [u8; 32],
    bus_info: [u8; 32],
    version: u32,
    capabilities: u32,
    device_caps: u32,
    reserved: [u32; 3],
}

/// `struct v4l2_fmtdesc`.
#[repr(C)]
#[derive(Default)]
struct FormatDescription {
    index: u32,
    queue: u32,
    flags: u32,
    description: [u8; 32],
    pixelformat: u32,
    mbus_code: u32,
    reserved: [u32; 3],
}

const _: () = assert!(size_of::<Capability>() == 104);
const _: () = assert!(size_of::<FormatDescription>() == 64);

const QUERYCAP: Opcode = opcode::read::<Capability>(b'V', 0);
const ENUM_FMT: Opcode = opcode::read_write::<FormatDescription>(b'V', 2);

/// Who a device is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// The driver's name.
    pub driver: String,
    /// The device's name for people.
    pub card: String,
    /// What this node can do now (`V4L2_CAP_*`).
    pub caps: u32,
}

/// Opens a node without starting anything.
pub fn open(path: &Path) -> Result<OwnedFd, Errno> {
    open_for(path, OFlags::RDWR)
}

/// The same for questions alone.
pub fn open_read_only(path: &Path) -> Result<OwnedFd, Errno> {
    open_for(path, OFlags::RDONLY)
}

fn open_for(path: &Path, access: OFlags) -> Result<OwnedFd, Errno> {
    let flags = access | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
    open_file(path, flags, Mode::empty())
}

/// Asks a device who it is.
pub fn identify(device: impl AsFd) -> Result<Identity, Errno> {
    let capability = query(device)?;
    let caps = match capability.capabilities & DEVICE_CAPS {
        0 => capability.capabilities, // an old driver tells of the whole device only
        _ => capability.device_caps,
    };
    Ok(Identity {
        driver: one_line(&text(&capability.driver), LONGEST_NAME),
        card: one_line(&text(&capability.card), LONGEST_NAME),
        caps,
    })
}

/// The formats that a device with these capabilities gives (`V4L2_PIX_FMT_*`).
pub fn formats(device: impl AsFd, caps: u32) -> Vec<[u8; 4]> {
    let queue = match caps & VIDEO_CAPTURE_MPLANE {
        0 => BUF_TYPE_VIDEO_CAPTURE,
        _ => BUF_TYPE_VIDEO_CAPTURE_MPLANE,
    };
    let formats = (0..MOST_FORMATS).map_while(|index| format(&device, queue, index));
    formats.collect()
}

fn query(device: impl AsFd) -> Result<Capability, Errno> {
    let mut capability = Capability::default();
    // SAFETY: QUERYCAP fills a `v4l2_capability`, which the struct is byte by byte.
    unsafe { ioctl(device, Updater::<QUERYCAP, _>::new(&mut capability))? };
    Ok(capability)
}

fn format(device: impl AsFd, queue: u32, index: u32) -> Option<[u8; 4]> {
    let mut description = FormatDescription {
        index,
        queue,
        ..FormatDescription::default()
    };
    // SAFETY: ENUM_FMT reads and fills a `v4l2_fmtdesc`, which the struct is byte by byte.
    unsafe { ioctl(device, Updater::<ENUM_FMT, _>::new(&mut description)).ok()? };
    Some(description.pixelformat.to_le_bytes())
}

/// Text up to the first zero.
fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0);
    String::from_utf8_lossy(&bytes[..end.unwrap_or(bytes.len())]).into_owned()
}
