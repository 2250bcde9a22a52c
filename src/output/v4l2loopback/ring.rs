//! The buffers of a v4l2loopback device, filled in turn.
//!
//! What the driver does and doesn't do was read in its source and measured on versions 0.12.7,
//! 0.13.2 and 0.15.4; the rules here hold for all of them:
//! - one queued frame is kept and shown to every new client, so idling costs nothing;
//! - the driver never reports when a reader is done with a buffer: rotating over all of them gives a
//!   reader (buffers − 1) frame times, if the frames keep their distance;
//! - a repeated frame comes under the index that the reader may still hold, which GStreamer takes
//!   for a driver's bug: a client that streams is given fresh buffers, even if they show the same;
//! - every buffer can be mapped by every client, so covering means overwriting all of them;
//! - a client's `REQBUFS` may shrink the ring for good (before 0.15): its size is read again.

use std::fs::File;
use std::io;
use std::time::{Duration, Instant};

use crate::mapping::Mapping;
use crate::placeholder::Pictures;
use crate::relay::Card;
use crate::settings::Geometry;

/// More buffers than any v4l2loopback has (its `MAX_BUFFERS` is 32): it gives what there is.
const ALL_BUFFERS: u32 = 32;

/// What a ring needs of a device.
pub trait Driver {
    /// Asks for this many buffers; answers with how many there are.
    fn request_buffers(&self, count: u32) -> io::Result<u32>;
    /// Bytes of a buffer as the driver allots them.
    fn buffer_len(&self) -> io::Result<usize>;
    /// What the buffers are mapped from, one after the other.
    fn memory(&self) -> &File;
    /// Shows a buffer, of which so many bytes are the frame.
    fn queue(&self, index: u32, len: usize) -> io::Result<()>;
}

/// All buffers of a device, and which of them is shown.
pub struct Ring<D> {
    driver: D,
    /// Bytes of a frame.
    frame_len: usize,
    /// Two frames that are closer together than this are a burst.
    burst: Duration,
    /// Bytes of a buffer as the driver allots them.
    buffer_len: usize,
    /// Buffers that exist.
    buffers: u32,
    /// Buffers that the driver rotates over; clients of old drivers shrink it.
    len: u32,
    /// Where sysfs reports `len`; not there on kernels without sysfs.
    len_file: Option<File>,
    /// Empty while idle: mappings of four megabytes each that are not needed then.
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
    /// A camera frame, or what another program left.
    Picture,
}

impl<D: Driver> Ring<D> {
    /// Takes every buffer of a device whose format and rate are set. What they hold is unknown.
    pub fn new(driver: D, geometry: Geometry, framerate: u32) -> io::Result<Self> {
        let buffers = driver.request_buffers(ALL_BUFFERS)?;
        if buffers == 0 {
            return Err(io::Error::other("the driver has no buffers"));
        }
        let buffer_len = driver.buffer_len()?;
        if buffer_len < geometry.frame_len() {
            return Err(io::Error::other(
                "the driver's buffers are smaller than a frame",
            ));
        }
        Ok(Self {
            driver,
            frame_len: geometry.frame_len(),
            burst: Duration::from_secs(2) / framerate.saturating_mul(3).max(1),
            buffer_len,
            buffers,
            len: buffers,
            len_file: None,
            maps: Vec::new(),
            shown: 0,
            next: 0,
            held: vec![Held::Picture; buffers as usize],
            queued_at: vec![None; buffers as usize],
            sustained: false,
        })
    }

    /// Reads the length of the ring there from now on.
    pub fn set_len_file(&mut self, file: Option<File>) {
        self.len_file = file;
        self.read_len();
    }

    /// The device whose buffers they are.
    pub fn driver(&self) -> &D {
        &self.driver
    }

    /// Shows a camera frame, at the cost of one copy. False if it came so soon after the last one
    /// that a reader may still be at the buffer it would go to: then it is left out.
    pub fn submit(&mut self, frame: &[u8]) -> io::Result<bool> {
        if frame.len() != self.frame_len {
            return Err(io::Error::other("a frame of another size"));
        }
        if !self.is_free(Instant::now()) {
            return Ok(false);
        }
        self.map()?;
        let index = self.next as usize;
        self.held[index] = Held::Picture;
        self.maps[index].bytes_mut()[..self.frame_len].copy_from_slice(frame);
        self.queue_next()?;
        Ok(true)
    }

    /// Shows a placeholder, anew if it is shown already. When it takes the place of camera frames,
    /// no buffer holds any of them afterwards.
    pub fn show(&mut self, card: Card, pictures: &Pictures) -> io::Result<()> {
        if self.held.contains(&Held::Picture) {
            self.cover(card, pictures)?;
        } else if self.held[self.next as usize] != Held::Card(card) {
            self.map()?;
            self.paint(self.next as usize, card, pictures)?;
        }
        self.queue_next()?;
        self.unmap_if_idle();
        Ok(())
    }

    /// Shows what is up once more, in the next buffer: a camera frame at the cost of a copy.
    pub fn repeat(&mut self, pictures: &Pictures) -> io::Result<()> {
        let (shown, next) = (self.shown as usize, self.next as usize);
        if let Held::Card(card) = self.held[shown] {
            return self.show(card, pictures);
        }
        self.map()?;
        // With one buffer there is nothing to copy.
        if let Ok([from, to]) = self.maps.get_disjoint_mut([shown, next]) {
            to.bytes_mut()[..self.frame_len].copy_from_slice(&from.bytes()[..self.frame_len]);
            self.held[next] = Held::Picture;
        }
        self.queue_next()
    }

    /// The first client streams, or the last is gone, and the mappings are not needed.
    pub fn sustain(&mut self, on: bool) {
        self.sustained = on;
        self.read_len();
        self.unmap_if_idle();
    }

    /// The placeholders look different from now on: shows the one that is up anew. The other buffers
    /// are painted when they are shown; only camera frames have to be overwritten at once.
    pub fn repaint(&mut self, pictures: &Pictures) -> io::Result<()> {
        let shown = self.held[self.shown as usize];
        for held in &mut self.held {
            if matches!(held, Held::Card(_)) {
                *held = Held::OldCard;
            }
        }
        match shown {
            Held::Card(card) => self.show(card, pictures),
            Held::OldCard | Held::Picture => Ok(()),
        }
    }

    /// Overwrites every buffer, those outside a shrunk ring included. Goes on past an error, which
    /// leaves its buffer black, and reports the first.
    fn cover(&mut self, card: Card, pictures: &Pictures) -> io::Result<()> {
        self.map()?;
        self.read_len();
        (0..self.maps.len())
            .map(|index| self.paint(index, card, pictures))
            .fold(Ok(()), io::Result::and)
    }

    fn paint(&mut self, index: usize, card: Card, pictures: &Pictures) -> io::Result<()> {
        pictures.paint(card, &mut self.maps[index].bytes_mut()[..self.frame_len])?;
        self.held[index] = Held::Card(card);
        Ok(())
    }

    fn queue_next(&mut self) -> io::Result<()> {
        self.driver.queue(self.next, self.frame_len)?;
        self.queued_at[self.next as usize] = Some(Instant::now());
        self.shown = self.next;
        self.next = (self.next + 1) % self.len;
        Ok(())
    }

    /// Whether the next buffer has been out of sight for so long that no reader is at it. With two
    /// buffers that takes a moment: a burst of two frames would overwrite what is being read.
    fn is_free(&self, now: Instant) -> bool {
        let after_next = (self.next + 1) % self.len;
        after_next == self.next
            || self.queued_at[after_next as usize]
                .is_none_or(|at| now.saturating_duration_since(at) >= self.burst)
    }

    /// Maps every buffer. `QUERYBUF` of old drivers wraps at the ring; the places don't.
    fn map(&mut self) -> io::Result<()> {
        for index in self.maps.len()..self.buffers as usize {
            let offset = (index * self.buffer_len) as u64;
            let map = Mapping::new(self.driver.memory(), offset, self.buffer_len)?;
            self.maps.push(map);
        }
        Ok(())
    }

    fn unmap_if_idle(&mut self) {
        if !self.sustained && !self.held.contains(&Held::Picture) {
            self.maps.clear();
        }
    }

    fn read_len(&mut self) {
        let mut text = [0; 16];
        self.len = self
            .len_file
            .as_ref()
            .and_then(|file| rustix::io::pread(file, &mut text, 0).ok())
            .and_then(|len| std::str::from_utf8(&text[..len]).ok())
            .and_then(|text| text.trim().parse().ok())
            .filter(|len| (1..=self.buffers).contains(len))
            .unwrap_or(self.buffers);
        self.next %= self.len;
    }
}

#[cfg(test)]
mod tests;
