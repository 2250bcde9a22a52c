//! A minimal V4L2 capture client. The structs are defined here again, independently of the program under test.

use std::{
    fs::{File, OpenOptions},
    io,
    os::fd::AsFd,
    path::Path,
    time::Duration,
};

use gsticamerasrc::picture::{Layout, Picture};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::OFlags,
    ioctl::{Opcode, Setter, Updater, ioctl, opcode},
    mm::{MapFlags, ProtFlags, mmap, munmap},
};

const VIDEO_CAPTURE: u32 = 1;
const MEMORY_MMAP: u32 = 1;

/// `struct v4l2_format` with its `pix` member.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Format {
    kind: u64,
    pub width: u32,
    pub height: u32,
    fourcc: [u8; 4],
    field: u32,
    bytes_per_line: u32,
    pub size: u32,
    rest: [u64; 22],
}

impl Format {
    /// `YUYV`, `NV12` ..
    pub fn fourcc(&self) -> String {
        String::from_utf8_lossy(&self.fourcc).into_owned()
    }

    fn layout(&self) -> io::Result<Layout> {
        match &self.fourcc {
            b"YUYV" => Ok(Layout::Yuy2),
            b"NV12" => Ok(Layout::Nv12),
            _ => Err(io::Error::other(format!(
                "the device offers {}",
                self.fourcc()
            ))),
        }
    }

    /// Buffers are rounded up to pages.
    fn picture_size(&self, layout: Layout) -> usize {
        let pixels = (self.width * self.height) as usize;
        match layout {
            Layout::Yuy2 => pixels * 2,
            Layout::Nv12 => pixels * 3 / 2,
        }
    }
}

/// `struct v4l2_requestbuffers`.
#[repr(C)]
#[derive(Default)]
struct RequestBuffers {
    count: u32,
    kind: u32,
    memory: u32,
    rest: [u32; 2],
}

/// `struct v4l2_buffer`.
#[repr(C)]
#[derive(Default)]
struct Buffer {
    index: u32,
    kind: u32,
    bytes_used: u32,
    flags: u32,
    field: u32,
    timestamp: [u64; 2],
    timecode: [u32; 4],
    sequence: u32,
    memory: u32,
    offset: u64,
    length: u32,
    rest: [u32; 2],
}

const _: () = assert!(size_of::<Format>() == 208);
const _: () = assert!(size_of::<RequestBuffers>() == 20);
const _: () = assert!(size_of::<Buffer>() == 88);

const G_FMT: Opcode = opcode::read_write::<Format>(b'V', 4);
const S_FMT: Opcode = opcode::read_write::<Format>(b'V', 5);
const REQBUFS: Opcode = opcode::read_write::<RequestBuffers>(b'V', 8);
const QUERYBUF: Opcode = opcode::read_write::<Buffer>(b'V', 9);
const QBUF: Opcode = opcode::read_write::<Buffer>(b'V', 15);
const DQBUF: Opcode = opcode::read_write::<Buffer>(b'V', 17);
const STREAMON: Opcode = opcode::write::<u32>(b'V', 18);

/// An open video device, streaming or not.
#[derive(Debug)]
pub struct Device {
    file: File,
}

impl Device {
    pub fn open(path: &Path) -> io::Result<Self> {
        use std::os::unix::fs::OpenOptionsExt;
        let flags = OFlags::NONBLOCK.bits().cast_signed();
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(flags)
            .open(path)?;
        Ok(Self { file })
    }

    pub fn format(&self) -> io::Result<Format> {
        let mut format = Format {
            kind: u64::from(VIDEO_CAPTURE),
            ..Format::default()
        };
        self.update::<G_FMT, _>(&mut format)?;
        Ok(format)
    }

    pub fn set_format(&self, mut format: Format) -> io::Result<Format> {
        self.update::<S_FMT, _>(&mut format)?;
        Ok(format)
    }

    /// Maps the driver's buffers, up to `count`.
    pub fn map(&self, count: u32) -> io::Result<Vec<Map>> {
        let mut request = RequestBuffers {
            count,
            kind: VIDEO_CAPTURE,
            memory: MEMORY_MMAP,
            ..Default::default()
        };
        self.update::<REQBUFS, _>(&mut request)?;
        (0..request.count)
            .map(|index| {
                let mut buffer = Self::buffer(index);
                self.update::<QUERYBUF, _>(&mut buffer)?;
                Map::new(&self.file, buffer.offset, buffer.length as usize)
            })
            .collect()
    }

    fn buffer(index: u32) -> Buffer {
        Buffer {
            index,
            kind: VIDEO_CAPTURE,
            memory: MEMORY_MMAP,
            ..Buffer::default()
        }
    }

    fn queue(&self, index: u32) -> io::Result<()> {
        self.update::<QBUF, _>(&mut Self::buffer(index))
    }

    fn update<const OPCODE: Opcode, T>(&self, value: &mut T) -> io::Result<()> {
        // SAFETY: each opcode above is made of the type that its callers pass.
        Ok(unsafe { ioctl(&self.file, Updater::<OPCODE, T>::new(value)) }?)
    }
}

/// A driver's buffer in our memory.
#[derive(Debug)]
pub struct Map {
    start: *mut std::ffi::c_void,
    length: usize,
}

// SAFETY: the mapping belongs to no thread.
unsafe impl Send for Map {}

impl Map {
    fn new(file: &File, offset: u64, length: usize) -> io::Result<Self> {
        // SAFETY: a fresh mapping, at an address of the kernel's choice.
        let start = unsafe {
            mmap(
                std::ptr::null_mut(),
                length,
                ProtFlags::READ,
                MapFlags::SHARED,
                file,
                offset,
            )
        }?;
        Ok(Self { start, length })
    }

    /// The buffer's current content. The driver may write to it at any time, which tests detect.
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: the mapping is that long, and lives as long as `self`.
        unsafe { std::slice::from_raw_parts(self.start.cast(), self.length) }
    }

    pub fn picture(&self, format: &Format) -> io::Result<Picture<'_>> {
        let layout = format.layout()?;
        Ok(Picture {
            data: &self.bytes()[..format.picture_size(layout)],
            layout,
            width: format.width as usize,
            height: format.height as usize,
        })
    }
}

impl Drop for Map {
    fn drop(&mut self) {
        // SAFETY: slices borrow from `self`, so none is left.
        let _ = unsafe { munmap(self.start, self.length) };
    }
}

/// A device that streams.
#[derive(Debug)]
pub struct Stream {
    pub format: Format,
    maps: Vec<Map>,
    device: Device,
}

impl Stream {
    /// Streams with the current format.
    pub fn start(device: Device, buffers: u32) -> io::Result<Self> {
        let format = device.set_format(device.format()?)?;
        let maps = device.map(buffers)?;
        for index in 0..maps.len() {
            device.queue(u32::try_from(index).expect("drivers have few buffers"))?;
        }
        // SAFETY: STREAMON takes a pointer to the buffer type.
        unsafe { ioctl(&device.file, Setter::<STREAMON, u32>::new(VIDEO_CAPTURE)) }?;
        Ok(Self {
            format,
            maps,
            device,
        })
    }

    /// Reads the next frame and returns its buffer to the driver; `None` on timeout.
    pub fn next<T>(
        &self,
        timeout: Duration,
        read: impl FnOnce(Picture<'_>) -> T,
    ) -> io::Result<Option<T>> {
        let mut ready = [PollFd::from_borrowed_fd(
            self.device.file.as_fd(),
            PollFlags::IN,
        )];
        let timeout = Timespec::try_from(timeout).map_err(io::Error::other)?;
        if poll(&mut ready, Some(&timeout))? == 0 {
            return Ok(None);
        }
        let mut buffer = Device::buffer(0);
        match self.device.update::<DQBUF, _>(&mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                // poll reports an error in some drivers while they have no writer. Don't spin.
                std::thread::sleep(Duration::from_millis(5));
                return Ok(None);
            }
            done => done?,
        }
        let seen = read(self.maps[buffer.index as usize].picture(&self.format)?);
        self.device.queue(buffer.index)?;
        Ok(Some(seen))
    }

    /// The driver's current format, to compare with the one at the start.
    pub fn format_now(&self) -> io::Result<Format> {
        self.device.format()
    }
}
