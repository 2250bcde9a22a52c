//! The promise, walked: once a card has taken the place of camera frames, no buffer holds one.

use std::cell::RefCell;
use std::rc::Rc;

use proptest::prelude::*;
use rustix::fs::{MemfdFlags, ftruncate, memfd_create};

use super::*;
use crate::relay::FaultKind;
use crate::settings::PixelFormat;

/// Bytes of a buffer: more than a frame, as the driver rounds up to pages.
const BUFFER_LEN: usize = 4096;
/// What a camera frame is filled with; no card has it.
const CAMERA: u8 = 0xC7;

fn geometry() -> Geometry {
    Geometry {
        format: PixelFormat::Yuy2,
        width: 16,
        height: 2,
    }
}

/// A driver whose buffers are ordinary memory, in which another program has left a picture.
#[derive(Clone)]
struct Fake(Rc<Inner>);

struct Inner {
    memory: File,
    buffers: u32,
    queued: RefCell<Vec<u32>>,
    /// Whether the next call fails.
    is_broken: Cell<bool>,
}

use std::cell::Cell;

impl Fake {
    fn new(buffers: u32) -> Self {
        let memory = File::from(memfd_create("buffers", MemfdFlags::CLOEXEC).unwrap());
        let len = u64::from(buffers) * BUFFER_LEN as u64;
        ftruncate(&memory, len).unwrap();
        rustix::io::pwrite(&memory, &vec![CAMERA; buffers as usize * BUFFER_LEN], 0).unwrap();
        Self(Rc::new(Inner {
            memory,
            buffers,
            queued: RefCell::default(),
            is_broken: Cell::new(false),
        }))
    }

    /// The frame in every buffer.
    fn frames(&self) -> Vec<Vec<u8>> {
        let len = geometry().frame_len();
        let read = |index: u32| {
            let mut frame = vec![0; len];
            let at = u64::from(index) * BUFFER_LEN as u64;
            rustix::io::pread(&self.0.memory, &mut frame[..], at).unwrap();
            frame
        };
        (0..self.0.buffers).map(read).collect()
    }

    fn shows_camera(&self) -> bool {
        self.frames().iter().any(|frame| frame.contains(&CAMERA))
    }
}

impl Driver for Fake {
    fn request_buffers(&self, count: u32) -> io::Result<u32> {
        Ok(count.min(self.0.buffers))
    }

    fn buffer_len(&self) -> io::Result<usize> {
        Ok(BUFFER_LEN)
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

#[derive(Clone, Copy, Debug)]
enum Move {
    Frame,
    Card(u8),
    Repeat,
    Repaint,
    Sustain(bool),
    /// A client shrinks the ring (drivers before 0.15).
    Shrink(u32),
    /// The driver refuses the next buffer.
    Break,
}

fn moves() -> impl Strategy<Value = Move> {
    prop_oneof![
        6 => Just(Move::Frame),
        3 => (0..3u8).prop_map(Move::Card),
        3 => Just(Move::Repeat),
        1 => Just(Move::Repaint),
        2 => any::<bool>().prop_map(Move::Sustain),
        1 => (1..6u32).prop_map(Move::Shrink),
        1 => Just(Move::Break),
    ]
}

fn card(number: u8) -> Card {
    match number {
        0 => Card::Off,
        1 => Card::Starting,
        _ => Card::Failed(FaultKind::Other),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_buffer_holds_a_camera_frame_once_a_card_is_shown(
        buffers in 1..8u32,
        steps in prop::collection::vec(moves(), 1..60),
    ) {
        let fake = Fake::new(buffers);
        let pictures = Pictures::black(geometry());
        // At a rate at which no frame of a test comes too soon.
        let mut ring = Ring::new(fake.clone(), geometry(), 1_000_000).unwrap();
        let lens = File::from(memfd_create("len", MemfdFlags::CLOEXEC).unwrap());
        ring.set_len_file(Some(lens.try_clone().unwrap()));
        let camera = vec![CAMERA; geometry().frame_len()];
        ring.show(Card::Off, &pictures).unwrap();
        prop_assert!(!fake.shows_camera(), "what another program left");
        let mut may_show_camera = false;
        for step in steps {
            let done = match step {
                Move::Frame => {
                    may_show_camera = true;
                    ring.submit(&camera).map(drop)
                }
                Move::Card(number) => {
                    let done = ring.show(card(number), &pictures);
                    may_show_camera &= done.is_err();
                    done
                }
                Move::Repeat => ring.repeat(&pictures),
                Move::Repaint => ring.repaint(&pictures),
                Move::Sustain(on) => {
                    ring.sustain(on);
                    Ok(())
                }
                Move::Shrink(len) => {
                    let text = format!("{len:<4}");
                    rustix::io::pwrite(&lens, text.as_bytes(), 0).unwrap();
                    Ok(())
                }
                Move::Break => {
                    fake.0.is_broken.set(true);
                    Ok(())
                }
            };
            prop_assert!(may_show_camera || !fake.shows_camera(), "{:?}", (step, done));
            let last = fake.0.queued.borrow().last().copied();
            prop_assert!(last.is_some_and(|index| index < buffers));
        }
        // Even where the driver fails, the memory is covered.
        fake.0.is_broken.set(true);
        let _ = ring.show(Card::Paused, &pictures);
        prop_assert!(!fake.shows_camera());
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
