//! The ring against a driver of ordinary memory.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use proptest::prelude::*;
use rustix::fs::{MemfdFlags, ftruncate, memfd_create};

use super::*;
use crate::output::tests::walk::{CAMERA, Walked, geometry, moves, walk};

/// Bytes of a buffer: more than a frame, as the driver rounds up to pages.
const BUFFER_LEN: usize = 4096;
/// A driver whose buffers are ordinary memory, in which another program has left a picture.
#[derive(Clone)]
struct Fake(Rc<Inner>);

struct Inner {
    memory: File,
    buffers: u32,
    buffer_len: usize,
    queued: RefCell<Vec<u32>>,
    /// Whether the next call fails.
    is_broken: Cell<bool>,
}

impl Fake {
    fn new(buffers: u32) -> Self {
        Self::with(buffers, BUFFER_LEN)
    }

    fn with(buffers: u32, buffer_len: usize) -> Self {
        let memory = File::from(memfd_create("buffers", MemfdFlags::CLOEXEC).unwrap());
        let len = u64::from(buffers) * BUFFER_LEN as u64;
        ftruncate(&memory, len).unwrap();
        rustix::io::pwrite(&memory, &vec![CAMERA; buffers as usize * BUFFER_LEN], 0).unwrap();
        Self(Rc::new(Inner {
            memory,
            buffers,
            buffer_len,
            queued: RefCell::default(),
            is_broken: Cell::new(false),
        }))
    }
}

impl Driver for Fake {
    fn request_buffers(&self, count: u32) -> io::Result<u32> {
        Ok(count.min(self.0.buffers))
    }

    fn buffer_len(&self) -> io::Result<usize> {
        Ok(self.0.buffer_len)
    }

    fn memory(&self) -> &File {
        &self.0.memory
    }

    fn queue(&self, index: u32, _: usize) -> io::Result<()> {
        if self.0.is_broken.replace(false) {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        self.0.queued.borrow_mut().push(index);
        Ok(())
    }
}

/// A client shrinks the ring to this length (drivers before 0.15).
#[derive(Clone, Copy, Debug)]
struct Shrink(u32);

struct Walk {
    fake: Fake,
    ring: Ring<Fake>,
    /// Where the ring reads its length.
    len: File,
}

impl Walk {
    fn new(buffers: u32) -> Self {
        let fake = Fake::new(buffers);
        // At a rate at which no frame of a test comes too soon.
        let mut ring = Ring::new(fake.clone(), geometry(), 1_000_000).unwrap();
        let len = File::from(memfd_create("len", MemfdFlags::CLOEXEC).unwrap());
        ring.set_len_file(Some(len.try_clone().unwrap()));
        Self { fake, ring, len }
    }
}

impl Walked for Walk {
    type Own = Shrink;

    fn submit(&mut self) -> io::Result<()> {
        let frame = vec![CAMERA; geometry().frame_len()];
        self.ring.submit(&frame).map(drop)
    }

    fn show(&mut self, card: Card, pictures: &Arc<Pictures>) -> io::Result<()> {
        self.ring.show(card, pictures)
    }

    fn repeat(&mut self, pictures: &Arc<Pictures>) -> io::Result<()> {
        self.ring.repeat(pictures)
    }

    fn repaint(&mut self, pictures: &Arc<Pictures>) -> io::Result<()> {
        self.ring.repaint(pictures)
    }

    fn sustain(&mut self, on: bool) -> io::Result<()> {
        self.ring.sustain(on);
        Ok(())
    }

    fn break_driver(&mut self) {
        self.fake.0.is_broken.set(true);
    }

    fn act(&mut self, Shrink(len): Shrink) -> io::Result<()> {
        let text = format!("{len:<4}");
        rustix::io::pwrite(&self.len, text.as_bytes(), 0).unwrap();
        Ok(())
    }

    fn visible(&self) -> Vec<u8> {
        let len = geometry().frame_len();
        let mut bytes = vec![0; len * self.fake.0.buffers as usize];
        for (frame, at) in bytes.chunks_exact_mut(len).zip((0..).step_by(BUFFER_LEN)) {
            rustix::io::pread(&self.fake.0.memory, frame, at).unwrap();
        }
        bytes
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_buffer_holds_a_camera_frame_once_a_card_is_shown(
        buffers in 1..8u32,
        moves in moves((1..10u32).prop_map(Shrink)),
    ) {
        let mut output = Walk::new(buffers);
        walk(&mut output, moves)?;
        let queued = output.fake.0.queued.borrow();
        prop_assert!(queued.iter().all(|index| *index < buffers), "{queued:?}");
    }
}

#[test]
fn a_frame_is_never_written_into_the_buffer_that_is_shown() {
    let fake = Fake::new(4);
    let pictures = Pictures::black(geometry());
    let mut ring = Ring::new(fake.clone(), geometry(), 1_000_000).unwrap();
    ring.show(Card::Off, &pictures).unwrap();
    let frame = vec![CAMERA; geometry().frame_len()];
    for _ in 0..9 {
        ring.submit(&frame).unwrap();
        ring.repeat(&pictures).unwrap();
    }
    let queued = fake.0.queued.borrow();
    assert!(
        queued.windows(2).all(|pair| pair[0] != pair[1]),
        "{queued:?}"
    );
}

#[test]
fn a_frame_of_another_size_is_refused() {
    let mut ring = Ring::new(Fake::new(2), geometry(), 30).unwrap();
    assert!(ring.submit(&[0; 63]).is_err());
}

#[test]
fn buffers_smaller_than_a_frame_are_refused() {
    let large = Geometry {
        width: 1920,
        height: 1080,
        ..geometry()
    };
    assert!(Ring::new(Fake::new(2), large, 30).is_err());
}

#[test]
fn a_driver_without_sizes_is_refused() {
    let error = |buffers, len| {
        let ring = Ring::new(Fake::with(buffers, len), geometry(), 30);
        ring.err().expect("it is refused").to_string()
    };
    assert_eq!(error(0, BUFFER_LEN), "the driver has no buffers");
    let small = "the driver's buffers are smaller than a frame";
    assert_eq!(error(2, 0), small);
}

#[test]
fn a_driver_without_a_frame_rate_shows_frames() {
    let mut ring = Ring::new(Fake::new(2), geometry(), 0).unwrap();
    ring.show(Card::Off, &Pictures::black(geometry())).unwrap();
}
