//! The buffers of a stream, and what each holds: PipeWire has them, its consumers have them mapped,
//! and we fill them in turn.

use std::io;
use std::ptr::NonNull;
use std::slice;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use ::pipewire as pw;
use pw::spa::sys;
use pw::sys::pw_buffer;
use rustix::mm::{Advice, madvise, munlock};
use rustix::time::{ClockId, clock_gettime};

use super::queue::Queue;
use crate::mapping::keep_out_of_core_dumps;
use crate::placeholder::Pictures;
use crate::relay::Card;
use crate::settings::Geometry;

/// How long consumers may keep all buffers to themselves. One that hangs would freeze the picture of
/// all the others; one that is merely slow to start (half a second for a busy browser) is waited for.
const RELEASE_TIMEOUT: Duration = Duration::from_millis(500);

/// What is in a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Held {
    /// Neither a frame nor a card of today's pictures.
    Blank,
    /// A placeholder.
    Card(Card),
    /// A camera frame.
    Picture,
}

/// All buffers of a stream.
#[derive(Default)]
pub struct Buffers {
    all: Vec<Buffer>,
    /// Frames sent so far.
    sent: u64,
    /// When the last one was sent.
    sent_at: Option<Instant>,
    /// The time that the last one carries, in nanoseconds of `CLOCK_MONOTONIC`.
    last: i64,
}

struct Buffer {
    raw: NonNull<pw_buffer>,
    held: Held,
    stride: i32,
    len: usize,
}

impl Buffers {
    /// PipeWire has a new buffer, mapped for us.
    pub fn add(&mut self, raw: *mut pw_buffer, geometry: Geometry) {
        let stride = geometry.planes().first().map_or(0, |plane| plane.stride);
        if let Some(raw) = NonNull::new(raw) {
            let mut buffer = Buffer {
                raw,
                held: Held::Blank,
                stride: stride.try_into().unwrap_or(i32::MAX),
                len: geometry.frame_len(),
            };
            if let Some(pixels) = buffer.pixels() {
                keep_out_of_core_dumps(pixels.as_mut_ptr(), pixels.len());
            }
            self.all.push(buffer);
        }
    }

    /// PipeWire takes a buffer away, which is still mapped. A consumer may keep it, and no card can
    /// cover it later.
    pub fn remove(&mut self, raw: *mut pw_buffer) {
        let removed = self.all.extract_if(.., |buffer| buffer.raw.as_ptr() == raw);
        for mut buffer in removed.filter(|buffer| buffer.held == Held::Picture) {
            if let Some(pixels) = buffer.pixels() {
                pixels.fill(0);
            }
        }
    }

    /// Placeholders are to be painted anew.
    pub fn forget_cards(&mut self) {
        for buffer in &mut self.all {
            if let Held::Card(_) = buffer.held {
                buffer.held = Held::Blank;
            }
        }
    }

    /// Gives the memory of every buffer back to the system: it reads as zeros until it is painted
    /// anew. Only while no client streams; eight frames of 1080p are 25 to 33 MB.
    pub fn free_memory(&mut self) {
        for buffer in &mut self.all {
            buffer.free_memory();
            buffer.held = Held::Blank;
        }
    }

    /// Sends a camera frame, at the cost of one copy. False if there is no buffer to spare.
    pub fn submit(&mut self, queue: &impl Queue, frame: &[u8], captured: u64) -> io::Result<bool> {
        self.send(queue, Held::Picture, captured, |pixels| {
            pixels.copy_from_slice(frame);
            Ok(())
        })
    }

    /// Sends a placeholder, if there is a queue and a buffer to spare: else it is false. No buffer
    /// holds a camera frame afterwards.
    pub fn show(
        &mut self,
        queue: Option<&impl Queue>,
        card: Card,
        pictures: &Pictures,
    ) -> io::Result<bool> {
        let paint = |pixels: &mut [u8]| pictures.paint(card, pixels);
        self.cover(card, paint)?;
        queue.map_or(Ok(false), |queue| {
            self.send(queue, Held::Card(card), 0, paint)
        })
    }

    /// Overwrites every buffer that holds a camera frame, even those that a consumer reads now. Goes
    /// on past an error, which leaves its buffer black, and reports the first.
    fn cover(&mut self, card: Card, paint: impl Fn(&mut [u8]) -> io::Result<()>) -> io::Result<()> {
        self.all
            .iter_mut()
            .filter(|buffer| buffer.held == Held::Picture)
            .map(|buffer| {
                buffer.pixels().map_or(Ok(()), &paint)?;
                buffer.held = Held::Card(card);
                Ok(())
            })
            .fold(Ok(()), io::Result::and)
    }

    /// Queues the next buffer, painted if it doesn't hold the frame already. False if there is none.
    /// The time of capture is in nanoseconds of `CLOCK_MONOTONIC`, 0 for now.
    fn send(
        &mut self,
        queue: &impl Queue,
        held: Held,
        captured: u64,
        paint: impl FnOnce(&mut [u8]) -> io::Result<()>,
    ) -> io::Result<bool> {
        let Some(raw) = self.dequeue(queue) else {
            return Ok(false);
        };
        let mut all = self.all.iter_mut();
        let Some(buffer) = all.find(|buffer| buffer.raw == raw) else {
            return Err(io::Error::other(
                "PipeWire gave a buffer that it never added",
            ));
        };
        let is_there = held != Held::Picture && buffer.held == held;
        let painted = match buffer.pixels() {
            Some(_) if is_there => Ok(()),
            Some(pixels) => paint(pixels),
            None => Err(io::Error::other("PipeWire's buffers are too small")),
        };
        buffer.held = held;
        self.sent += 1;
        self.last = time(captured, self.last, now());
        buffer.seal(self.sent, self.last);
        self.sent_at = Some(Instant::now());
        queue.queue(raw);
        painted.map(|()| true)
    }

    /// Takes the next buffer that no consumer is busy with; `None` if they need more time.
    fn dequeue(&mut self, queue: &impl Queue) -> Option<NonNull<pw_buffer>> {
        let free = self.all.iter().find_map(|_| queue.dequeue());
        if free.is_some()
            || self
                .sent_at
                .is_some_and(|at| at.elapsed() < RELEASE_TIMEOUT)
        {
            return free;
        }
        self.all.iter_mut().for_each(Buffer::reclaim);
        queue.dequeue()
    }
}

impl Buffer {
    /// The memory of a frame; `None` if it isn't mapped or too short.
    fn pixels(&mut self) -> Option<&mut [u8]> {
        let data = self.data()?;
        let start = NonNull::new(data.data.cast::<u8>())?;
        if (data.maxsize as usize) < self.len {
            return None;
        }
        // SAFETY: PipeWire keeps this many bytes mapped until it takes the buffer away. Consumers
        // may read and write them at any time: they are only ever written here, bytewise.
        Some(unsafe { slice::from_raw_parts_mut(start.as_ptr(), self.len) })
    }

    /// Writes down how long the frame is, its number, and its time.
    fn seal(&mut self, number: u64, time: i64) {
        let (stride, len) = (self.stride, self.len);
        if let Some(data) = self.data() {
            // SAFETY: a block of memory comes with its chunk.
            if let Some(chunk) = unsafe { data.chunk.as_mut() } {
                chunk.offset = 0;
                chunk.size = len.try_into().unwrap_or(u32::MAX);
                chunk.stride = stride;
                chunk.flags = 0;
            }
        }
        if let Some(header) = self.header() {
            header.flags = 0;
            header.offset = 0;
            header.pts = time;
            header.dts_offset = 0;
            header.seq = number;
        }
    }

    fn data(&mut self) -> Option<&mut sys::spa_data> {
        // SAFETY: PipeWire's buffer and what it points to stay until it takes the buffer away, and
        // they are only touched under the stream's lock.
        unsafe {
            let buffer = self.raw.as_ref().buffer.as_ref()?;
            buffer.datas.as_mut().filter(|_| buffer.n_datas > 0)
        }
    }

    fn header(&mut self) -> Option<&mut sys::spa_meta_header> {
        // SAFETY: as above; consumers only read it.
        unsafe {
            self.meta::<sys::spa_meta_header>(sys::SPA_META_Header)?
                .as_mut()
        }
    }

    fn free_memory(&mut self) {
        let Some(data) = self.data().filter(|data| !data.data.is_null()) else {
            return;
        };
        // Whole pages alone: what lies beside the frame in the same memory is not ours to wipe.
        let page = rustix::param::page_size();
        let start = data.data.addr();
        let first = start.next_multiple_of(page) - start;
        let Some(len) = (data.maxsize as usize).checked_sub(first) else {
            return;
        };
        let (pages, len) = (data.data.wrapping_byte_add(first), len - len % page);
        // SAFETY: PipeWire keeps this range mapped, shared and writable, and it holds nothing but the
        // frame, which may be overwritten. Memory of another kind than a memfd refuses. PipeWire locks
        // its buffers (`mem.allow-mlock`), and the kernel removes no locked pages (madvise(2)).
        let freed =
            unsafe { munlock(pages, len).and_then(|()| madvise(pages, len, Advice::LinuxRemove)) };
        if let Err(error) = freed {
            tracing::debug!("the memory of a buffer stays: {error}");
        }
    }

    /// Forgets that consumers are busy with it.
    fn reclaim(&mut self) {
        if let Some(busy) = self.meta::<sys::spa_meta_busy>(sys::SPA_META_Busy) {
            // SAFETY: as above; consumers change the count by atomic operations alone.
            unsafe { AtomicU32::from_ptr(&raw mut (*busy).count) }.store(0, Ordering::Relaxed);
        }
    }

    /// What comes with the pixels; there and at least this large, or `None`.
    fn meta<T>(&self, kind: u32) -> Option<*mut T> {
        // SAFETY: as above.
        let found = unsafe {
            let buffer = self.raw.as_ref().buffer;
            sys::spa_buffer_find_meta_data(buffer, kind, size_of::<T>())
        };
        Some(found.cast()).filter(|meta: &*mut T| !meta.is_null())
    }
}

/// The clock that PipeWire and GStreamer count in, in nanoseconds.
fn now() -> i64 {
    let time = clock_gettime(ClockId::Monotonic);
    time.tv_sec * 1_000_000_000 + time.tv_nsec
}

/// The time that a frame carries: when it was captured if that is known, never ahead of the clock,
/// and never before the frame that was sent before it. A placeholder is as new as can be, and the
/// camera's first frame a little older.
fn time(captured: u64, last: i64, now: i64) -> i64 {
    let captured = i64::try_from(captured).ok().filter(|time| *time > 0);
    captured.unwrap_or(now).min(now).max(last)
}

#[cfg(test)]
mod tests;
