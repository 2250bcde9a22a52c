//! The camera against a driver of paper.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::output::lease::tests::TestSlots;
use crate::output::tests::walk::{CAMERA, Walked, geometry, moves, walk};
use crate::output::vcam::feeder::{Work, tests::fake::Fake};

/// Slots of a worker: what the feeder keeps, and a few to write into.
const SLOTS: u32 = 7;

#[derive(Clone, Copy, Debug)]
enum Own {
    /// The feeder's thread carries out its orders.
    Work,
    /// The client takes frames.
    Take(usize),
    StreamOn,
    StreamOff,
    Kill,
    HoldOpen(bool),
    /// The worker writes into every slot that it may write into.
    Write,
    NewWorker,
}

fn own() -> impl Strategy<Value = Own> {
    prop_oneof![
        16 => Just(Own::Work),
        3 => (1..4usize).prop_map(Own::Take),
        4 => Just(Own::StreamOn),
        1 => Just(Own::StreamOff),
        1 => Just(Own::Kill),
        1 => any::<bool>().prop_map(Own::HoldOpen),
        4 => Just(Own::Write),
        1 => Just(Own::NewWorker),
    ]
}

struct Walk {
    driver: Fake,
    camera: Camera<Fake>,
    /// `None` once it has failed.
    work: Option<Work<Fake>>,
    slots: Arc<TestSlots>,
    /// Slots that the worker may write into.
    free: Vec<u32>,
}

impl Walk {
    fn new() -> Self {
        let driver = Fake::default();
        let (feeder, work) = Feeder::new(driver.clone());
        let cards = Arc::new(Memory::new(CARDS, geometry().frame_len()).unwrap());
        Self {
            camera: Camera::on(driver.clone(), feeder, cards, "", geometry(), 30),
            driver,
            work: Some(work),
            slots: TestSlots::new(SLOTS, geometry().frame_len()),
            free: (0..SLOTS).collect(),
        }
    }

    fn work(&mut self) -> io::Result<()> {
        // With an order there is nothing to wait for.
        self.camera.check()?;
        if let Some(work) = &mut self.work
            && !work.carry_out(Duration::ZERO)
        {
            self.work = None;
        }
        Ok(())
    }

    fn free(&mut self) -> &mut Vec<u32> {
        self.free.append(&mut self.slots.released.lock().unwrap());
        &mut self.free
    }
}

impl Walked for Walk {
    type Own = Own;

    fn submit(&mut self) -> io::Result<()> {
        let Some(slot) = self.free().pop() else {
            return Ok(());
        };
        let lease = self.slots.fill(slot, CAMERA);
        self.camera.submit(&lease).map(drop)
    }

    fn show(&mut self, card: Card, pictures: &Arc<Pictures>) -> io::Result<()> {
        self.camera.pictures = pictures.clone();
        self.camera.show(card)
    }

    fn repeat(&mut self, _: &Arc<Pictures>) -> io::Result<()> {
        self.camera.repeat()
    }

    fn repaint(&mut self, pictures: &Arc<Pictures>) -> io::Result<()> {
        self.camera.set_pictures(pictures.clone())
    }

    fn sustain(&mut self, on: bool) -> io::Result<()> {
        self.camera.sustain_handle()(on);
        self.camera.check()
    }

    fn break_driver(&mut self) {
        self.driver
            .with(|paper| paper.fault = Some("the driver is broken"));
    }

    fn act(&mut self, own: Own) -> io::Result<()> {
        let is_streaming = self.driver.with(|paper| paper.streaming);
        match own {
            Own::Work => self.work()?,
            Own::StreamOn => self.driver.stream_on(),
            Own::Take(most) if is_streaming => self.driver.take(most),
            Own::StreamOff if is_streaming => self.driver.stream_off(),
            Own::Kill if is_streaming => self.driver.killed(),
            Own::Take(_) | Own::StreamOff | Own::Kill => {}
            Own::HoldOpen(on) => self.driver.with(|paper| paper.held_open = on),
            Own::Write => {
                let free = self.free().clone();
                for slot in free {
                    self.slots.write(slot, CAMERA);
                }
            }
            Own::NewWorker => {
                self.slots = TestSlots::new(SLOTS, geometry().frame_len());
                self.free = (0..SLOTS).collect();
            }
        }
        Ok(())
    }

    fn visible(&self) -> Vec<u8> {
        self.driver.bytes()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_driver_has_no_camera_frame_once_a_card_is_shown(moves in moves(own())) {
        walk(&mut Walk::new(), moves)?;
    }
}
