//! The buffers against a PipeWire of ordinary memory.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fs::File;
use std::sync::Arc;

use proptest::prelude::*;
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, ftruncate, memfd_create};

use super::*;
use crate::mapping::{Mapping, tests::is_dumped};
use crate::output::tests::walk::{CAMERA, Walked, geometry, moves, walk};

/// Bytes of a buffer: a page, which can be freed.
const MEMORY_LEN: usize = 4096;

/// A buffer as PipeWire makes it.
struct Made {
    mapping: Mapping,
    /// Its parts refer to each other.
    parts: Box<Parts>,
}

struct Parts {
    chunk: sys::spa_chunk,
    busy: sys::spa_meta_busy,
    meta: sys::spa_meta,
    data: sys::spa_data,
    buffer: sys::spa_buffer,
    raw: pw_buffer,
}

impl Made {
    /// One whose memory can be freed, or can't.
    fn new(can_be_freed: bool) -> Self {
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        let memory = File::from(memfd_create("buffer", flags).unwrap());
        ftruncate(&memory, MEMORY_LEN as u64).unwrap();
        let mapping = Mapping::new(&memory, 0, MEMORY_LEN).unwrap();
        if !can_be_freed {
            fcntl_add_seals(&memory, SealFlags::FUTURE_WRITE).unwrap();
        }
        // SAFETY: numbers and pointers, for which zero is a valid value.
        let mut parts: Box<Parts> = Box::new(unsafe { std::mem::zeroed() });
        parts.meta.type_ = sys::SPA_META_Busy;
        parts.meta.size = size_of::<sys::spa_meta_busy>().try_into().unwrap();
        parts.meta.data = (&raw mut parts.busy).cast();
        parts.data.data = mapping.start().as_ptr().cast();
        parts.data.maxsize = MEMORY_LEN.try_into().unwrap();
        parts.data.chunk = &raw mut parts.chunk;
        parts.buffer.n_metas = 1;
        parts.buffer.metas = &raw mut parts.meta;
        parts.buffer.n_datas = 1;
        parts.buffer.datas = &raw mut parts.data;
        parts.raw.buffer = &raw mut parts.buffer;
        Self { mapping, parts }
    }
}

#[derive(Default)]
struct Fake {
    /// All that were ever added: consumers may keep one that was removed.
    made: RefCell<Vec<Made>>,
    /// Those that no consumer has, by their place in `made`.
    free: RefCell<VecDeque<usize>>,
    sent: RefCell<Vec<usize>>,
    /// Whether the next buffer is one that was never added.
    is_broken: Cell<bool>,
    foreign: RefCell<Option<Made>>,
}

impl Fake {
    fn raw(&self, index: usize) -> NonNull<pw_buffer> {
        NonNull::from(&mut self.made.borrow_mut()[index].parts.raw)
    }
}

impl Queue for Fake {
    fn dequeue(&self) -> Option<NonNull<pw_buffer>> {
        if self.is_broken.replace(false) {
            let mut foreign = self.foreign.borrow_mut();
            let foreign = foreign.get_or_insert_with(|| Made::new(true));
            return Some(NonNull::from(&mut foreign.parts.raw));
        }
        let next = self.free.borrow_mut().pop_front()?;
        if self.made.borrow()[next].parts.busy.count > 0 {
            self.free.borrow_mut().push_back(next);
            return None;
        }
        Some(self.raw(next))
    }

    fn queue(&self, buffer: NonNull<pw_buffer>) {
        let sent = self
            .made
            .borrow()
            .iter()
            .position(|made| std::ptr::eq(&raw const made.parts.raw, buffer.as_ptr()));
        self.sent.borrow_mut().push(sent.expect("it was added"));
    }
}

#[derive(Clone, Copy, Debug)]
enum Own {
    Add,
    Remove(prop::sample::Index),
    Stream(bool),
    /// Consumers are done with all buffers that were sent, but for those that they hold.
    Recycle,
    /// A consumer is busy with a buffer.
    Hold(prop::sample::Index),
    /// Consumers have been busy for too long.
    TimeOut,
}

fn own() -> impl Strategy<Value = Own> {
    prop_oneof![
        1 => Just(Own::Add),
        1 => any::<prop::sample::Index>().prop_map(Own::Remove),
        2 => prop::bool::weighted(0.7).prop_map(Own::Stream),
        4 => Just(Own::Recycle),
        1 => any::<prop::sample::Index>().prop_map(Own::Hold),
        1 => Just(Own::TimeOut),
    ]
}

/// What a stream does with its buffers.
#[derive(Default)]
struct Walk {
    fake: Fake,
    buffers: Buffers,
    streams: bool,
    card: Option<Card>,
    /// Those of `fake.made` that were not removed.
    there: Vec<usize>,
}

impl Walk {
    fn add(&mut self) {
        let index = self.fake.made.borrow().len();
        self.fake
            .made
            .borrow_mut()
            .push(Made::new(!index.is_multiple_of(3)));
        self.fake.free.borrow_mut().push_back(index);
        self.there.push(index);
        self.buffers.add(self.fake.raw(index).as_ptr(), geometry());
    }

    fn remove(&mut self, place: prop::sample::Index) {
        if self.there.is_empty() {
            return;
        }
        let index = self.there.remove(place.index(self.there.len()));
        self.fake.free.borrow_mut().retain(|other| *other != index);
        self.fake.sent.borrow_mut().retain(|other| *other != index);
        self.buffers.remove(self.fake.raw(index).as_ptr());
    }
}

impl Walked for Walk {
    type Own = Own;

    fn submit(&mut self) -> io::Result<()> {
        self.card = None;
        if self.streams {
            let frame = vec![CAMERA; geometry().frame_len()];
            self.buffers.submit(&self.fake, &frame, 0)?;
        }
        Ok(())
    }

    fn show(&mut self, card: Card, pictures: &Arc<Pictures>) -> io::Result<()> {
        self.card = Some(card);
        let queue = self.streams.then_some(&self.fake);
        self.buffers.show(queue, card, pictures).map(drop)
    }

    fn repeat(&mut self, pictures: &Arc<Pictures>) -> io::Result<()> {
        self.card.map_or(Ok(()), |card| self.show(card, pictures))
    }

    fn repaint(&mut self, pictures: &Arc<Pictures>) -> io::Result<()> {
        self.buffers.forget_cards();
        self.repeat(pictures)
    }

    fn sustain(&mut self, on: bool) -> io::Result<()> {
        if !on && !self.streams && self.card.is_some() {
            self.buffers.free_memory();
        }
        Ok(())
    }

    fn break_driver(&mut self) {
        self.fake.is_broken.set(true);
    }

    fn act(&mut self, own: Own) -> io::Result<()> {
        match own {
            Own::Add => self.add(),
            Own::Remove(place) => self.remove(place),
            Own::Stream(on) => self.streams = on,
            Own::Recycle => {
                let sent = self.fake.sent.take();
                self.fake.free.borrow_mut().extend(sent);
            }
            Own::Hold(place) if !self.there.is_empty() => {
                let index = *place.get(&self.there);
                self.fake.made.borrow_mut()[index].parts.busy.count += 1;
            }
            Own::Hold(_) => {}
            Own::TimeOut => self.buffers.sent_at = None,
        }
        Ok(())
    }

    fn visible(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for made in self.fake.made.borrow().iter() {
            bytes.extend_from_slice(&made.mapping.bytes()[..geometry().frame_len()]);
        }
        bytes
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_buffer_holds_a_camera_frame_once_a_card_is_shown(
        buffers in 1..8u32,
        moves in moves(own()),
    ) {
        let mut output = Walk { streams: true, ..Walk::default() };
        (0..buffers).for_each(|_| output.add());
        walk(&mut output, moves)?;
    }
}

#[test]
fn buffers_stay_out_of_core_dumps() {
    let mut made = Made::new(true);
    let start = made.mapping.start();
    // SAFETY: the advice changes no byte of the mapping, which is a page.
    unsafe { madvise(start.as_ptr().cast(), MEMORY_LEN, Advice::LinuxDoDump) }.unwrap();
    assert!(is_dumped(start.as_ptr()));
    Buffers::default().add(&raw mut made.parts.raw, geometry());
    assert!(!is_dumped(start.as_ptr()));
}

#[test]
fn frames_carry_the_time_of_capture_where_it_makes_sense() {
    for (captured, last, wanted) in [
        (950, 900, 950),
        (0, 900, 1000),        // unknown
        (950, 980, 980),       // after a placeholder
        (1200, 900, 1000),     // not yet
        (u64::MAX, 900, 1000), // nonsense
    ] {
        assert_eq!(
            time(captured, last, 1000),
            wanted,
            "{captured} after {last}"
        );
    }
}
