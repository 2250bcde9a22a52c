//! The ioctls of `/dev/vcam`, as `include/uapi/linux/vcam.h` has them in the driver's first revision.
//!
//! Whatever another revision does otherwise (numbers, layouts, what a call means) is in this file
//! and in no other: above it are the methods of [`Control`]. Three traits of the first revision that
//! no call shows: closing `/dev/vcam` frees the camera twice, so one that has a camera is never closed; before
//! Linux 6.13 a client that waits within `DQBUF` keeps [`queue`](Control::queue) and
//! [`dequeue`](Control::dequeue) waiting, too, so neither is called on the main loop; and while the
//! driver is [`Off`](Dequeued::Off) it lists every size there is and refuses all but one, see
//! [`Control::turn_on`].

use std::ffi::CStr;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::ioctl::{Getter, Opcode, Setter, Updater, ioctl, opcode};

use crate::output::v4l2::Device;
use crate::settings::{Geometry, PixelFormat};

/// The control device; each open of it is a camera of its own.
pub const PATH: &str = "/dev/vcam";
/// Formats that the driver takes; the third one, MJPEG, is none of ours.
pub const FORMATS: [PixelFormat; 2] = [PixelFormat::Yuy2, PixelFormat::Nv12];
/// The longest name in bytes: the driver's field holds one more, a zero.
pub const LONGEST_NAME: usize = 63;

/// `VCAM_STATUS_IDLE`.
const IDLE: u64 = 1;
/// `VCAM_STATUS_STREAMING`.
const STREAMING: u64 = 2;

/// `struct vcam_ioc_create`. Addresses are numbers here.
#[repr(C)]
#[derive(Clone, Copy)]
struct Create {
    device_name: u64,
    width: u32,
    height: u32,
    pixelformat: u32,
    colorspace: u32,
    bytesperline: u32,
    reserved: u32,
    device_nr: u32,
    nr_frames: u32,
    frames: u64,
}

/// `struct vcam_frame`.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Frame {
    index: u32,
    length: u32,
}

/// `struct vcam_ioc_queue`.
#[repr(C)]
#[derive(Clone, Copy)]
struct Queue {
    fd: u32,
    index: u32,
    length: u32,
    reserved: u32,
    timestamp: u64,
}

/// `struct vcam_ioc_dequeue`.
#[repr(C)]
#[derive(Clone, Copy)]
struct Dequeue {
    index: u32,
    length: u32,
    timestamp: u64,
}

/// `struct vcam_ioc_wait`.
#[repr(C)]
#[derive(Clone, Copy)]
struct Wait {
    mask: u64,
    status: u64,
}

const _: () = {
    use std::mem::offset_of;
    assert!(size_of::<Create>() == 48);
    assert!(offset_of!(Create, width) == 8);
    assert!(offset_of!(Create, device_nr) == 32);
    assert!(offset_of!(Create, nr_frames) == 36);
    assert!(offset_of!(Create, frames) == 40);
    assert!(size_of::<Frame>() == 8);
    assert!(size_of::<Queue>() == 24);
    assert!(offset_of!(Queue, length) == 8);
    assert!(offset_of!(Queue, timestamp) == 16);
    assert!(size_of::<Dequeue>() == 16);
    assert!(offset_of!(Dequeue, timestamp) == 8);
    assert!(size_of::<Wait>() == 16);
    assert!(offset_of!(Wait, status) == 8);
};

const CREATE: Opcode = opcode::read_write::<Create>(b'v', 0);
const QUEUE: Opcode = opcode::write::<Queue>(b'v', 1);
const DEQUEUE: Opcode = opcode::read::<Dequeue>(b'v', 2);
const STATUS: Opcode = opcode::read::<u64>(b'v', 3);
const WAIT: Opcode = opcode::read_write::<Wait>(b'v', 4);

impl Create {
    /// A camera whose lines follow each other without a gap (`bytesperline` 0: the driver's choice,
    /// which is that), in the driver's default colours.
    fn new(name: u64, geometry: Geometry, nr_frames: u32, frames: u64) -> Self {
        Self {
            device_name: name,
            width: geometry.width,
            height: geometry.height,
            pixelformat: geometry.format.fourcc(),
            colorspace: 0,
            bytesperline: 0,
            reserved: 0,
            device_nr: 0,
            nr_frames,
            frames,
        }
    }
}

impl Queue {
    /// The time stays zero, for the driver to set it when a client gets the frame: a placeholder
    /// waits for its client for hours.
    fn new(index: u32, memory: u32, length: u32) -> Self {
        Self {
            fd: memory,
            index,
            length,
            reserved: 0,
            timestamp: 0,
        }
    }
}

/// What [`Control::dequeue`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dequeued {
    /// This place is free again: its frame was shown, or returned when the client was killed.
    Place(u32),
    /// No place has become free.
    Nothing,
    /// The driver is off: no client has streamed yet, or the last one called STREAMOFF, which returned
    /// every frame without an event.
    Off,
}

/// An open `/dev/vcam`.
#[derive(Debug)]
pub struct Control {
    file: File,
    /// Held while we pretend to be a client.
    pretending: Mutex<()>,
}

impl Control {
    /// Opens the control device, which makes no camera yet.
    pub fn open() -> io::Result<Self> {
        let flags = OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(flags.bits().cast_signed())
            .open(PATH)?;
        Ok(Self {
            file,
            pretending: Mutex::default(),
        })
    }

    /// Makes the camera, with this many places for frames (2 to 32), and returns the number N of its
    /// node `/dev/videoN`.
    pub fn create(&self, name: &CStr, geometry: Geometry, places: u32) -> io::Result<u32> {
        let mut frames = vec![Frame::default(); places as usize];
        let mut create = Create::new(
            name.as_ptr().addr() as u64,
            geometry,
            places,
            frames.as_mut_ptr().addr() as u64,
        );
        // The addresses in it go through the kernel alone: tell the compiler that it may use them.
        name.as_ptr().expose_provenance();
        frames.as_mut_ptr().expose_provenance();
        // Only the process's own end closes this one, and with it the camera.
        let kept = self.file.try_clone()?;
        self.update::<CREATE, _>(&mut create)?;
        std::mem::forget(kept);
        if frames
            .iter()
            .any(|frame| frame.length as usize > geometry.frame_len())
        {
            return Err(io::Error::other("the driver wants larger frames"));
        }
        Ok(create.device_nr)
    }

    /// Puts a frame into a place, to be shown after those in other places. `memory` is a DMA-BUF of
    /// at least a frame. False if the place is taken. May wait (see above).
    pub fn queue(&self, place: u32, memory: BorrowedFd<'_>, len: usize) -> io::Result<bool> {
        let memory = memory.as_raw_fd().cast_unsigned();
        let len = u32::try_from(len).map_err(io::Error::other)?;
        let queue = Queue::new(place, memory, len);
        // SAFETY: the number is built from the type, whose layout is asserted; the kernel only reads.
        match unsafe { ioctl(&self.file, Setter::<QUEUE, Queue>::new(queue)) } {
            Ok(()) => Ok(true),
            Err(Errno::INVAL) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Takes a place back. May wait (see above).
    pub fn dequeue(&self) -> io::Result<Dequeued> {
        // SAFETY: as above; any bytes that the kernel writes make a valid value.
        match unsafe { ioctl(&self.file, Getter::<DEQUEUE, Dequeue>::new()) } {
            Ok(done) => Ok(Dequeued::Place(done.index)),
            Err(Errno::AGAIN) => Ok(Dequeued::Nothing),
            Err(Errno::INVAL) => Ok(Dequeued::Off),
            Err(error) => Err(error.into()),
        }
    }

    /// Turns the driver on (which makes it refuse other formats, too, where ffmpeg would take what it
    /// gets; there is no third way), so that it lists the one size that it has: Chromium leaves a camera of
    /// any size out, and GStreamer requests the largest. It goes on with the first client and stays
    /// on if that is killed, so we are that client for a moment. All frames come back. False if the
    /// node can't be opened, which the driver grants to one at a time.
    pub fn turn_on(&self, node: &Path) -> io::Result<bool> {
        let _pretending = self.lock();
        let Ok(client) = Device::open(node) else {
            return Ok(false);
        };
        client.stream_nothing().map(|()| true)
    }

    /// Whether a client streams. Never waits.
    pub fn is_streaming(&self) -> io::Result<bool> {
        // SAFETY: as above.
        let status = unsafe { ioctl(&self.file, Getter::<STATUS, u64>::new()) }?;
        Ok(status & STREAMING != 0)
    }

    /// Waits until a client streams, or until none does; our own pretence is none.
    pub fn wait_for(&self, streaming: bool) -> io::Result<()> {
        let mut wait = Wait {
            mask: if streaming { STREAMING } else { IDLE },
            status: 0,
        };
        loop {
            match self.update::<WAIT, _>(&mut wait) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                done => done?,
            }
            let _pretending = self.lock();
            if self.is_streaming()? == streaming {
                return Ok(());
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, ()> {
        self.pretending
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn update<const OPCODE: Opcode, T>(&self, value: &mut T) -> io::Result<()> {
        // SAFETY: each number above is built from the type that it is used with; the kernel reads
        // and writes within it and within what its addresses refer to, which outlives the call.
        Ok(unsafe { ioctl(&self.file, Updater::<OPCODE, T>::new(value)) }?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bytes of one of the plain structures above.
    fn bytes<T: Copy>(value: &T) -> String {
        // SAFETY: none of the structures has padding: their fields add up to the asserted sizes.
        let bytes = unsafe {
            std::slice::from_raw_parts(std::ptr::from_ref(value).cast::<u8>(), size_of::<T>())
        };
        bytes.iter().fold(String::new(), |mut text, byte| {
            use std::fmt::Write;
            let _ = write!(text, "{byte:02x}");
            text
        })
    }

    /// A structure from recorded bytes.
    fn read<T: Copy>(text: &str) -> T {
        let byte = |at| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
        let bytes: Vec<u8> = (0..text.len()).step_by(2).map(byte).collect();
        assert_eq!(bytes.len(), size_of::<T>());
        // SAFETY: as long as the structure, every field of which is a number.
        unsafe { bytes.as_ptr().cast::<T>().read_unaligned() }
    }

    const GEOMETRY: Geometry = Geometry {
        format: PixelFormat::Yuy2,
        width: 1280,
        height: 720,
    };

    // Every line of bytes below was written by a C program with the driver's own header.

    #[test]
    fn numbers_are_the_headers() {
        assert_eq!(
            [CREATE, QUEUE, DEQUEUE, STATUS, WAIT],
            [
                0xc030_7600,
                0x4018_7601,
                0x8010_7602,
                0x8008_7603,
                0xc010_7604
            ]
        );
    }

    #[test]
    fn requests_are_the_bytes_that_the_header_makes() {
        assert_eq!(
            bytes(&Create::new(
                0x1111_2222_3333_4444,
                GEOMETRY,
                4,
                0x5555_6666_7777_8888
            )),
            "444433332222111100050000d00200005955595600000000000000000000000000000000040000008888777766665555"
        );
        assert_eq!(
            bytes(&Queue::new(3, 9, 1_843_200)),
            "090000000300000000201c00000000000000000000000000"
        );
        let wait = Wait {
            mask: STREAMING,
            status: 0,
        };
        assert_eq!(bytes(&wait), "02000000000000000000000000000000");
    }

    #[test]
    fn answers_are_read_where_the_header_puts_them() {
        let created: Create = read(
            "444433332222111100050000d00200005955595600000000000000000000000007000000040000008888777766665555",
        );
        assert_eq!(created.device_nr, 7);
        let frame: Frame = read("0300000000201c00");
        assert_eq!(
            (frame.index, frame.length as usize),
            (3, GEOMETRY.frame_len())
        );
        let done: Dequeue = read("0300000000201c0000f2052a01000000");
        assert_eq!((done.index, done.timestamp), (3, 5_000_000_000));
        let waited: Wait = read("02000000000000000200000000000000");
        assert_eq!(waited.status & STREAMING, STREAMING);
    }
}
