//! The feeder against a driver of paper.

pub mod fake;

use std::time::Instant;

use self::fake::Fake;
use super::*;
use crate::output::lease::tests::TestSlots;

struct Play {
    fake: Fake,
    ring: Ring<Fake>,
    memory: Arc<Memory>,
    slots: Arc<TestSlots>,
}

impl Play {
    fn new() -> Self {
        let fake = Fake::default();
        Self {
            ring: Ring::new(fake.clone()),
            fake,
            memory: Arc::new(Memory::new(1, 64).unwrap()),
            slots: TestSlots::new(8, 64),
        }
    }

    fn picture(&self, index: usize, lease: Option<Arc<Lease>>) -> Picture {
        Picture {
            memory: self.memory.clone(),
            index,
            lease,
        }
    }

    fn card(&mut self, index: usize) {
        self.ring.newest = Some(Arc::new(self.picture(index, None)));
        self.ring.show().unwrap();
    }

    fn slot(&mut self, slot: u32) {
        let lease = self.slots.fill(slot, 0);
        self.ring.newest = Some(Arc::new(self.picture(0, Some(lease))));
        self.ring.show().unwrap();
    }

    /// The slots that were released, lowest first.
    fn released(&self) -> Vec<u32> {
        let mut released = std::mem::take(&mut *self.slots.released.lock().unwrap());
        released.sort_unstable();
        released
    }
}

#[test]
fn placeholders_wait_for_a_client_in_every_place() {
    let mut play = Play::new();
    play.card(0);
    assert_eq!(play.fake.queued(), "card0 card0 card0 card0");
    play.fake.stream_on();
    play.fake.take(9);
    play.card(1);
    play.fake.take(9);
    assert_eq!(play.fake.seen(), "card0 card0 card0 card0 card1");
}

#[test]
fn a_slot_comes_back_when_it_was_shown_and_a_newer_one_is_there() {
    let mut play = Play::new();
    play.fake.stream_on();
    play.slot(0);
    play.fake.take(1);
    play.ring.show().unwrap(); // the camera is silent: the frame is shown again
    play.fake.take(1);
    assert!(play.released().is_empty());
    play.slot(1);
    assert_eq!(play.released(), [0]);
    play.fake.take(1);
    assert_eq!(play.fake.seen(), "slot0 slot0 slot1");
}

#[test]
fn a_slow_client_is_two_frames_behind_at_most() {
    let mut play = Play::new();
    play.fake.stream_on();
    (0..5).for_each(|slot| play.slot(slot));
    assert_eq!(play.fake.queued(), "slot0 slot1");
    assert_eq!(play.released(), [2, 3], "left out; the newest is kept");
}

#[test]
fn frames_for_nobody_are_left_out() {
    let mut play = Play::new();
    play.fake.stream_on();
    play.slot(0);
    play.fake.killed();
    play.slot(1);
    play.slot(2);
    assert_eq!(play.fake.queued(), "");
    assert_eq!(play.released(), [0, 1, 2]);
}

#[test]
fn a_killed_clients_places_are_covered() {
    let mut play = Play::new();
    play.fake.stream_on();
    play.slot(0);
    play.slot(1);
    play.fake.killed();
    play.card(0);
    assert_eq!(play.fake.queued(), "card0 card0 card0 card0");
    assert_eq!(play.released(), [0, 1]);
}

#[test]
fn so_are_the_places_of_one_that_ends_in_good_order() {
    let mut play = Play::new();
    play.fake.stream_on();
    play.slot(0);
    play.slot(1);
    play.fake.stream_off();
    play.card(0);
    assert_eq!(play.fake.queued(), "card0 card0 card0 card0");
    assert_eq!(play.released(), [0, 1]);
}

#[test]
fn the_driver_is_turned_on_whenever_nobody_has_it_open() {
    let mut play = Play::new();
    let is_on = |play: &Play| play.fake.with(|paper| paper.on);
    play.card(0);
    assert!(is_on(&play));
    play.fake.stream_on();
    play.fake.stream_off();
    play.fake.with(|paper| paper.held_open = true);
    play.card(0);
    assert!(!is_on(&play));
    play.fake.with(|paper| paper.held_open = false);
    play.ring.show().unwrap();
    assert!(is_on(&play));
    assert_eq!(play.fake.queued(), "card0 card0 card0 card0");
}

#[test]
fn a_client_that_follows_at_once_is_served() {
    let mut play = Play::new();
    play.fake.stream_on();
    play.slot(0);
    play.slot(1);
    play.fake.stream_off();
    play.fake.stream_on();
    play.slot(2);
    play.slot(3);
    play.fake.take(9);
    assert_eq!(play.fake.seen(), "slot2 slot3");
    assert_eq!(play.released(), [0, 1]);
}

#[test]
fn a_slot_that_was_queued_since_stays_leased() {
    let mut play = Play::new();
    play.fake.stream_on();
    play.slot(0);
    play.fake.stream_off();
    play.fake.stream_on();
    play.slot(1);
    play.slot(2);
    assert_eq!(play.released(), [0]);
    play.fake.take(9);
    assert_eq!(play.fake.seen(), "slot1 slot2");
}

#[test]
fn the_thread_repeats_a_frame_that_nothing_follows_while_it_should() {
    let play = Play::new();
    play.fake.stream_on();
    let feeder = Feeder::start(play.fake.clone(), 100).unwrap();
    feeder.sustain_handle()(true);
    feeder.feed(play.picture(0, None)).unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    let mut seen = 0;
    while seen < 5 {
        play.fake.take(1);
        seen += play.fake.seen().split_whitespace().count();
        assert!(Instant::now() < deadline, "{seen} frames");
        thread::yield_now();
    }
    assert!(!feeder.is_busy());
}

#[test]
fn the_threads_failure_is_told_to_the_next_order() {
    struct Broken;
    impl Driver for Broken {
        fn queue(&self, _: u32, _: &Picture) -> io::Result<bool> {
            Ok(true)
        }
        fn dequeue(&self) -> io::Result<Dequeued> {
            Err(io::Error::other("gone"))
        }
        fn turn_on(&self) -> io::Result<bool> {
            Ok(true)
        }
        fn is_streaming(&self) -> io::Result<bool> {
            Ok(true)
        }
    }
    let feeder = Feeder::start(Broken, 30).unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    let error = loop {
        if let Err(error) = feeder.check() {
            break error;
        }
        assert!(Instant::now() < deadline);
        thread::yield_now();
    };
    assert_eq!(error.to_string(), "gone");
}
