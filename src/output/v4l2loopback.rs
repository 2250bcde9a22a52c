//! A device of the v4l2loopback kernel module, as its writer.
//!
//! What the driver does and doesn't do was read in its source and measured on versions 0.12.7,
//! 0.13.2 and 0.15.4; the rules here hold for all of them:
//! - one queued frame is kept and shown to every new client, so idling costs nothing;
//! - the driver never tells when a reader is done with a buffer: rotating over all of them gives a
//!   reader (buffers − 1) frame times, if the frames keep their distance;
//! - a repeated frame comes under the index that the reader may still hold, which GStreamer takes
//!   for a driver's bug: a client that streams is given fresh buffers, even if they show the same;
//! - every buffer can be mapped by every client, so covering means overwriting all of them;
//! - a client's `REQBUFS` may shrink the ring for good (before 0.15): its size is read again.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::Device;
use crate::mapping::Mapping;
use crate::placeholder::Pictures;
use crate::relay::Card;
use crate::settings::Geometry;

/// `CID_SUSTAIN_FRAMERATE` of v4l2loopback: repeat the last frame at the nominal rate.
const SUSTAIN_FRAMERATE: u32 = 0x0098_f901;
/// More buffers than any v4l2loopback has (its `MAX_BUFFERS` is 32): it gives what there is.
const ALL_BUFFERS: u32 = 32;

/// An open v4l2loopback device that shows a picture.
#[derive(Debug)]
pub struct V4l2loopback {
    device: Device,
    path: PathBuf,
    name: String,
    geometry: Geometry,
    framerate: u32,
    pictures: Rc<Pictures>,
    /// Bytes of a buffer as the driver allots them.
    buffer_len: usize,
    /// Buffers that exist.
    buffers: u32,
    /// Buffers that the driver rotates over; clients of old drivers shrink it.
    ring: u32,
    /// sysfs's word on `ring`; not there on kernels without sysfs.
    ring_file: Option<File>,
    /// Empty while idle: mappings of four megabytes each that nobody needs.
    maps: Vec<Mapping>,
    /// The buffer that was queued last.
    shown: u32,
    /// The buffer to fill next.
    next: u32,
    /// What each buffer holds.
    held: Vec<Held>,
    /// When each buffer was queued; the one before it has been out of sight since then.
    queued_at: Vec<Option<Instant>>,
    /// Whether a client streams.
    sustained: bool,
}

/// What is in a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Held {
    /// A placeholder.
    Card(Card),
    /// A placeholder of other pictures than today's.
    OldCard,
    /// A camera frame, or a stranger's picture.
    Picture,
}

impl V4l2loopback {
    /// Makes a v4l2loopback device show black frames of this geometry.
    pub fn new(
        device: Device,
        path: &Path,
        geometry: Geometry,
        framerate: u32,
    ) -> io::Result<Self> {
        let identity = device.identity()?;
        device.set_format(geometry)?;
        let framerate = device.set_framerate(framerate)?;
        let buffers = device.request_buffers(ALL_BUFFERS)?;
        if buffers == 0 {
            return Err(io::Error::other("the driver has no buffers"));
        }
        let mut output = Self {
            buffer_len: device.buffer_len()?,
            ring_file: sysfs_file(path, "buffers").ok(),
            device,
            path: path.to_owned(),
            name: identity.card,
            geometry,
            framerate,
            pictures: Rc::new(Pictures::black(geometry)),
            buffers,
            ring: buffers,
            maps: Vec::new(),
            shown: 0,
            next: 0,
            held: vec![Held::Picture; buffers as usize],
            queued_at: vec![None; buffers as usize],
            sustained: false,
        };
        if output.buffer_len < geometry.frame_len() {
            return Err(io::Error::other(
                "the driver's buffers are smaller than a frame",
            ));
        }
        // Somebody may have left it on.
        output.device.set_control(SUSTAIN_FRAMERATE, 0)?;
        output.device.stream_on()?;
        output.show(Card::Off)?;
        Ok(output)
    }

    /// The open device, to watch its clients.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The device node.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The name that applications list.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The frames that clients see.
    pub fn geometry(&self) -> Geometry {
        self.geometry
    }

    /// The nominal frame rate, as the driver took it.
    pub fn framerate(&self) -> u32 {
        self.framerate
    }

    /// The placeholder pictures.
    pub fn pictures(&self) -> &Pictures {
        &self.pictures
    }

    /// Takes other placeholder pictures, for the next [`show`](Self::show).
    pub fn set_pictures(&mut self, pictures: Rc<Pictures>) {
        self.pictures = pictures;
        for held in &mut self.held {
            // Painted over one by one as they are shown: only the camera's have to go at once.
            if matches!(held, Held::Card(_)) {
                *held = Held::OldCard;
            }
        }
    }

    /// Shows a camera frame, at the cost of one copy. False if it came so soon after the last one
    /// that a reader may still be at the buffer it would go to: then it is left out.
    pub fn submit(&mut self, frame: &[u8]) -> io::Result<bool> {
        if !self.is_free(Instant::now()) {
            return Ok(false);
        }
        self.map()?;
        let len = self.geometry.frame_len();
        let index = self.next as usize;
        self.held[index] = Held::Picture;
        self.maps[index].bytes_mut()[..len].copy_from_slice(frame);
        self.queue_next()?;
        Ok(true)
    }

    /// Shows a placeholder, anew if it is shown already. When it takes the place of camera frames,
    /// no buffer holds any of them afterwards.
    pub fn show(&mut self, card: Card) -> io::Result<()> {
        if self.held.contains(&Held::Picture) {
            self.cover(card)?;
        } else if self.held[self.next as usize] != Held::Card(card) {
            self.map()?;
            self.paint(self.next as usize, card)?;
        }
        self.queue_next()?;
        self.unmap_if_idle();
        Ok(())
    }

    /// Shows what is up once more, in the next buffer: a camera frame at the cost of a copy.
    pub fn repeat(&mut self) -> io::Result<()> {
        let (shown, next) = (self.shown as usize, self.next as usize);
        if let Held::Card(card) = self.held[shown] {
            return self.show(card);
        }
        self.map()?;
        // With one buffer there is nothing to copy.
        if let Ok([from, to]) = self.maps.get_disjoint_mut([shown, next]) {
            let len = self.geometry.frame_len();
            to.bytes_mut()[..len].copy_from_slice(&from.bytes()[..len]);
            self.held[next] = Held::Picture;
        }
        self.queue_next()
    }

    /// The first client streams, or the last is gone: then nobody needs the mappings.
    pub fn sustain(&mut self, on: bool) -> io::Result<()> {
        self.sustained = on;
        self.read_ring();
        self.unmap_if_idle();
        Ok(())
    }

    /// Overwrites every buffer, those outside a shrunk ring included.
    fn cover(&mut self, card: Card) -> io::Result<()> {
        self.map()?;
        self.read_ring();
        (0..self.maps.len()).try_for_each(|index| self.paint(index, card))
    }

    fn paint(&mut self, index: usize, card: Card) -> io::Result<()> {
        let len = self.geometry.frame_len();
        self.pictures
            .paint(card, &mut self.maps[index].bytes_mut()[..len])?;
        self.held[index] = Held::Card(card);
        Ok(())
    }

    fn queue_next(&mut self) -> io::Result<()> {
        self.device.queue(self.next, self.geometry.frame_len())?;
        self.queued_at[self.next as usize] = Some(Instant::now());
        self.shown = self.next;
        self.next = (self.next + 1) % self.ring;
        Ok(())
    }

    /// Whether the next buffer has been out of sight for so long that no reader is at it. With two
    /// buffers that takes a moment: a burst of two frames would overwrite what is being read.
    fn is_free(&self, now: Instant) -> bool {
        let after_next = (self.next + 1) % self.ring;
        let least = Duration::from_secs(1) * 2 / (3 * self.framerate);
        after_next == self.next
            || self.queued_at[after_next as usize]
                .is_none_or(|at| now.saturating_duration_since(at) >= least)
    }

    /// Maps every buffer. `QUERYBUF` of old drivers wraps at the ring; the places don't.
    fn map(&mut self) -> io::Result<()> {
        for index in self.maps.len()..self.buffers as usize {
            let offset = (index * self.buffer_len) as u64;
            let map = Mapping::new(self.device.file(), offset, self.buffer_len)?;
            self.maps.push(map);
        }
        Ok(())
    }

    fn unmap_if_idle(&mut self) {
        if !self.sustained && !self.held.contains(&Held::Picture) {
            self.maps.clear();
        }
    }

    fn read_ring(&mut self) {
        let mut text = [0; 16];
        self.ring = self
            .ring_file
            .as_ref()
            .and_then(|file| rustix::io::pread(file, &mut text, 0).ok())
            .and_then(|len| std::str::from_utf8(&text[..len]).ok())
            .and_then(|text| text.trim().parse().ok())
            .filter(|ring| (1..=self.buffers).contains(ring))
            .unwrap_or(self.buffers);
        self.next %= self.ring;
    }
}

/// Opens an attribute of the device behind a node in `/sys/class/video4linux`.
fn sysfs_file(path: &Path, attribute: &str) -> io::Result<File> {
    let node = path.canonicalize()?;
    let name = node.file_name().unwrap_or_default();
    File::open(
        Path::new("/sys/class/video4linux")
            .join(name)
            .join(attribute),
    )
}
