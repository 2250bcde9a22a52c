//! The part of V4L2 that a writer needs, over raw ioctls.
//!
//! Layouts and numbers are those of `linux/videodev2.h` on 64-bit kernels; the sizes are asserted,
//! and with them the ioctl numbers, which contain them.

use std::fs::File;
use std::io;
use std::path::Path;

use rustix::io::Errno;
use rustix::ioctl::{Opcode, Setter, Updater, ioctl, opcode};

use crate::settings::Geometry;
use crate::v4l2::{self, Identity};

/// `V4L2_BUF_TYPE_VIDEO_CAPTURE`.
const TYPE_CAPTURE: u32 = 1;
/// `V4L2_BUF_TYPE_VIDEO_OUTPUT`.
const TYPE_OUTPUT: u32 = 2;
/// `V4L2_MEMORY_MMAP`.
const MEMORY_MMAP: u32 = 1;
/// `V4L2_MEMORY_USERPTR`.
const MEMORY_USERPTR: u32 = 2;
/// `V4L2_FIELD_NONE`: progressive frames.
const FIELD_NONE: u32 = 1;
/// `V4L2_EVENT_SUB_FL_SEND_INITIAL`: deliver the present value at once.
const SEND_INITIAL: u32 = 1;

/// `struct v4l2_format` with the `pix` member of its union, which is aligned to 8 bytes.
#[repr(C, align(8))]
#[derive(Clone, Copy)]
struct Format {
    kind: u32,
    pad: u32,
    width: u32,
    height: u32,
    pixelformat: u32,
    field: u32,
    bytesperline: u32,
    sizeimage: u32,
    rest: [u32; 44],
}

/// `struct v4l2_streamparm` with the `output` member of its union.
#[repr(C)]
#[derive(Clone, Copy)]
struct StreamParm {
    kind: u32,
    capability: u32,
    mode: u32,
    numerator: u32,
    denominator: u32,
    rest: [u32; 46],
}

#[repr(C)]
#[derive(Clone, Copy, Default)]
struct RequestBuffers {
    count: u32,
    kind: u32,
    memory: u32,
    capabilities: u32,
    flags: u32,
}

#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Buffer {
    index: u32,
    kind: u32,
    bytesused: u32,
    flags: u32,
    field: u32,
    pad: u32,
    timestamp: [u64; 2],
    timecode: [u32; 4],
    sequence: u32,
    memory: u32,
    offset: u64,
    length: u32,
    reserved: [u32; 3],
}

#[repr(C)]
#[derive(Clone, Copy)]
struct Control {
    id: u32,
    value: i32,
}

#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Subscription {
    kind: u32,
    id: u32,
    flags: u32,
    reserved: [u32; 5],
}

/// `struct v4l2_event`, whose union is aligned to 8 bytes and starts with our driver's `u32`.
#[repr(C, align(8))]
#[derive(Clone, Copy)]
struct RawEvent {
    kind: u32,
    pad: u32,
    value: u32,
    rest: [u32; 31],
}

const _: () = {
    assert!(size_of::<Format>() == 208);
    assert!(size_of::<StreamParm>() == 204);
    assert!(size_of::<RequestBuffers>() == 20);
    assert!(size_of::<Buffer>() == 88);
    assert!(std::mem::offset_of!(Buffer, offset) == 64);
    assert!(size_of::<Control>() == 8);
    assert!(size_of::<Subscription>() == 32);
    assert!(size_of::<RawEvent>() == 136);
};

const S_FMT: Opcode = opcode::read_write::<Format>(b'V', 5);
const REQBUFS: Opcode = opcode::read_write::<RequestBuffers>(b'V', 8);
const QUERYBUF: Opcode = opcode::read_write::<Buffer>(b'V', 9);
const QBUF: Opcode = opcode::read_write::<Buffer>(b'V', 15);
const STREAMON: Opcode = opcode::write::<u32>(b'V', 18);
const G_PARM: Opcode = opcode::read_write::<StreamParm>(b'V', 21);
const S_PARM: Opcode = opcode::read_write::<StreamParm>(b'V', 22);
const S_CTRL: Opcode = opcode::read_write::<Control>(b'V', 28);
const DQEVENT: Opcode = opcode::read::<RawEvent>(b'V', 89);
const SUBSCRIBE: Opcode = opcode::write::<Subscription>(b'V', 90);
const UNSUBSCRIBE: Opcode = opcode::write::<Subscription>(b'V', 91);

/// An open V4L2 device.
#[derive(Debug)]
pub struct Device {
    file: File,
}

impl Device {
    /// Opens the node for reading and writing, without blocking later on.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = v4l2::open(path)?.into();
        Ok(Self { file })
    }

    /// Opens the node to query it. The kernel reports the close as that of a reader.
    pub fn open_read_only(path: &Path) -> io::Result<Self> {
        let file = v4l2::open_read_only(path)?.into();
        Ok(Self { file })
    }

    /// The open file, to poll it and to map its buffers.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Asks the device who it is.
    pub fn identity(&self) -> io::Result<Identity> {
        Ok(v4l2::identify(&self.file)?)
    }

    /// Sets the output's format. Compares what the driver made of it: a driver that cannot change
    /// it now succeeds with the old one (0.12), which is `EBUSY` here as with newer ones.
    pub fn set_format(&self, geometry: Geometry) -> io::Result<()> {
        let mut format = Format {
            kind: TYPE_OUTPUT,
            pad: 0,
            width: geometry.width,
            height: geometry.height,
            pixelformat: geometry.format.fourcc(),
            field: FIELD_NONE,
            bytesperline: 0,
            sizeimage: u32::try_from(geometry.frame_len()).map_err(io::Error::other)?,
            rest: [0; 44],
        };
        let wanted = (format.width, format.height, format.pixelformat);
        self.update::<S_FMT, _>(&mut format)?;
        if (format.width, format.height, format.pixelformat) == wanted {
            Ok(())
        } else {
            Err(Errno::BUSY.into())
        }
    }

    /// Sets the nominal frame rate and returns what it became, at least 1.
    pub fn set_framerate(&self, framerate: u32) -> io::Result<u32> {
        let mut parm = StreamParm {
            kind: TYPE_OUTPUT,
            capability: 0,
            mode: 0,
            numerator: 1,
            denominator: framerate,
            rest: [0; 46],
        };
        self.update::<S_PARM, _>(&mut parm)?;
        self.update::<G_PARM, _>(&mut parm)?;
        Ok((parm.denominator / parm.numerator.max(1)).max(1))
    }

    /// Requests this many buffers and returns how many there are; 0 releases them.
    pub fn request_buffers(&self, count: u32) -> io::Result<u32> {
        let mut request = RequestBuffers {
            count,
            kind: TYPE_OUTPUT,
            memory: MEMORY_MMAP,
            ..RequestBuffers::default()
        };
        self.update::<REQBUFS, _>(&mut request)?;
        Ok(request.count)
    }

    /// Bytes of a buffer as the driver allots them.
    pub fn buffer_len(&self) -> io::Result<usize> {
        let mut buffer = output_buffer(0, 0);
        self.update::<QUERYBUF, _>(&mut buffer)?;
        Ok(buffer.length as usize)
    }

    /// Hands a filled buffer to the driver. The time of capture stays zero, for the driver to set
    /// it: once it was given one, 0.15 copies it for ever, and a repeated frame would go back in time.
    pub fn queue(&self, index: u32, bytesused: usize) -> io::Result<()> {
        let bytesused = u32::try_from(bytesused).map_err(io::Error::other)?;
        self.update::<QBUF, _>(&mut output_buffer(index, bytesused))
    }

    /// Starts streaming, which makes the node a capture device for everybody else.
    pub fn stream_on(&self) -> io::Result<()> {
        self.write::<STREAMON, _>(TYPE_OUTPUT)
    }

    /// Streams from a capture device, with no memory to put a frame into.
    pub fn stream_nothing(&self) -> io::Result<()> {
        self.update::<REQBUFS, _>(&mut RequestBuffers {
            count: 2,
            kind: TYPE_CAPTURE,
            memory: MEMORY_USERPTR,
            ..RequestBuffers::default()
        })?;
        self.write::<STREAMON, _>(TYPE_CAPTURE)
    }

    /// Sets a control.
    pub fn set_control(&self, id: u32, value: i32) -> io::Result<()> {
        self.update::<S_CTRL, _>(&mut Control { id, value })
    }

    /// Subscribes to an event, whose present value then waits to be read.
    pub fn subscribe(&self, kind: u32) -> io::Result<()> {
        self.write::<SUBSCRIBE, _>(Subscription {
            kind,
            flags: SEND_INITIAL,
            ..Subscription::default()
        })
    }

    /// Takes a subscription back.
    pub fn unsubscribe(&self, kind: u32) -> io::Result<()> {
        self.write::<UNSUBSCRIBE, _>(Subscription {
            kind,
            ..Subscription::default()
        })
    }

    /// The value of the next event of this kind; `None` when there is no more.
    pub fn next_event(&self, kind: u32) -> io::Result<Option<u32>> {
        let mut event = RawEvent {
            kind: 0,
            pad: 0,
            value: 0,
            rest: [0; 31],
        };
        loop {
            match self.update::<DQEVENT, _>(&mut event) {
                Ok(()) if event.kind == kind => return Ok(Some(event.value)),
                Ok(()) => {}
                // Which of the two means "no event" depends on the kernel.
                Err(error)
                    if [Errno::AGAIN, Errno::NOENT]
                        .map(Some)
                        .contains(&Errno::from_io_error(&error)) =>
                {
                    return Ok(None);
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn update<const OPCODE: Opcode, T>(&self, value: &mut T) -> io::Result<()> {
        // SAFETY: each opcode above is built from the type that it is used with, whose layout is
        // asserted; the kernel reads and writes within it, and any bytes make a valid value.
        Ok(unsafe { ioctl(&self.file, Updater::<OPCODE, T>::new(value)) }?)
    }

    fn write<const OPCODE: Opcode, T>(&self, value: T) -> io::Result<()> {
        // SAFETY: as above; the kernel only reads.
        Ok(unsafe { ioctl(&self.file, Setter::<OPCODE, T>::new(value)) }?)
    }
}

fn output_buffer(index: u32, bytesused: u32) -> Buffer {
    Buffer {
        index,
        kind: TYPE_OUTPUT,
        bytesused,
        field: FIELD_NONE,
        memory: MEMORY_MMAP,
        ..Buffer::default()
    }
}
