//! A passage with a worker's end and a follower that tells what it saw.

use std::cell::Cell;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::sync::mpsc::{Receiver, channel};

use super::*;
use crate::capture::ledger::Ledger;
use crate::capture::protocol::{Job, receive_job, send_filled, send_to_applet};
use crate::mapping::Mapping;
use crate::relay::{Fault, FaultKind};

const SLOTS: u32 = 4;
/// Of 16×2 pixels in YUY2.
const FRAME_LEN: usize = 64;
/// Longer than any test takes.
const LONG: Duration = Duration::from_secs(60);

struct Bench {
    passage: Passage,
    lending: Arc<Lending>,
    worker: OwnedFd,
    slots: Mapping,
    stride: usize,
    ledger: Ledger,
    returned: Rc<Cell<bool>>,
}

impl Bench {
    fn new() -> Self {
        let job = Job {
            source: "test".to_owned(),
            width: 16,
            height: 2,
            framerate: 30,
            format: "YUY2".to_owned(),
            buffer_count: 2,
            transform: "none".to_owned(),
            slots: SLOTS,
            frame_len: FRAME_LEN,
            parent: 0,
        };
        let (lending, worker) = Lending::new(&job).unwrap();
        let (_, memory) = receive_job(&worker).unwrap();
        let memory = memory.into();
        let lending = Arc::new(lending);
        let returned = Rc::new(Cell::new(false));
        let told = returned.clone();
        Self {
            passage: Passage::new(lending.socket(), move || told.set(true)).unwrap(),
            lending,
            worker,
            slots: Mapping::new(&memory, 0, job.ledger_at()).unwrap(),
            stride: job.slot_stride(),
            ledger: Ledger::map(&memory, job.ledger_at()).unwrap(),
            returned,
        }
    }

    /// Opens it to a follower that passes on each frame's first byte, and does with all as it is told.
    fn open(&self, followed: Followed, patience: Duration) -> Receiver<u8> {
        let (seen, frames) = channel();
        let follow = move |frame: &[u8]| {
            let _ = seen.send(frame[0]); // not every test looks
            followed
        };
        self.passage.open(&self.lending, Box::new(follow), patience);
        frames
    }

    fn fill(&mut self, slot: u32, content: u8) {
        self.slots.bytes_mut()[slot as usize * self.stride] = content;
        send_filled(&self.worker, slot, 0).unwrap();
    }

    /// Waits until the main loop is asked to take over.
    fn wait_for_return(&self) -> Passed {
        while !self.returned.take() {
            glib::MainContext::default().iteration(true);
        }
        self.passage.close()
    }
}

#[test]
fn frames_pass_in_order_and_their_slots_are_free_again() {
    let mut bench = Bench::new();
    let frames = bench.open(Followed::Shown, LONG);
    for (slot, content) in [(2, 20), (0, 21), (3, 22)] {
        bench.fill(slot, content);
    }
    let seen = [(); 3].map(|()| frames.recv().unwrap());
    assert_eq!(seen, [20, 21, 22]);
    let passed = bench.passage.close();
    assert_eq!(passed.frames, 3);
    assert_eq!(passed.word, None);
    assert_eq!(bench.ledger.take(), 0b1101);
    assert!(!bench.returned.get());
}

#[test]
fn after_the_close_every_frame_is_the_main_loops() {
    let mut bench = Bench::new();
    for round in 0..50 {
        let frames = bench.open(Followed::Shown, LONG);
        bench.fill(0, round);
        assert_eq!(frames.recv(), Ok(round));
        bench.passage.close();
        for slot in 0..SLOTS {
            bench.fill(slot, 0);
            let word = FromWorker::Filled(slot, 0);
            assert_eq!(bench.lending.hear(), Received::Message(word));
        }
        assert!(frames.recv().is_err(), "the follower is gone");
    }
}

#[test]
fn a_flood_of_frames_keeps_nobody_from_closing() {
    let bench = Bench::new();
    let worker = bench.worker.try_clone().unwrap();
    let flood =
        thread::spawn(
            move || {
                while matches!(send_filled(&worker, 0, 0), Ok(()) | Err(Errno::AGAIN)) {}
            },
        );
    for _ in 0..50 {
        let (shared, (seen, late)) = (bench.passage.shared.clone(), channel());
        let follow = move |_: &[u8]| {
            let _ = seen.send(shared.closing.load(SeqCst)); // nobody looks when it is over
            thread::sleep(Duration::from_millis(1)); // as a copy takes
            Followed::Shown
        };
        bench.passage.open(&bench.lending, Box::new(follow), LONG);
        late.recv().unwrap();
        bench.passage.close();
        assert!(late.iter().filter(|late| *late).count() <= 1);
    }
    drop(bench);
    flood.join().unwrap();
}

#[test]
fn what_is_no_frame_is_left_to_the_main_loop() {
    let mut bench = Bench::new();
    let frames = bench.open(Followed::Shown, LONG);
    bench.fill(0, 1);
    let word = FromWorker::Failed(Fault::new(FaultKind::Other, "why"));
    send_to_applet(&bench.worker, &word).unwrap();
    bench.fill(1, 2);
    let passed = bench.wait_for_return();
    assert_eq!((passed.frames, passed.word), (1, Some(word)));
    assert_eq!(frames.iter().collect::<Vec<_>>(), [1]);
    let next = FromWorker::Filled(1, 0);
    assert_eq!(bench.lending.hear(), Received::Message(next));
}

#[test]
fn a_silent_worker_is_left_to_the_main_loop() {
    let bench = Bench::new();
    let opened = Instant::now();
    let patience = Duration::from_millis(50);
    bench.open(Followed::Shown, patience);
    let passed = bench.wait_for_return();
    assert!(opened.elapsed() >= patience);
    assert_eq!((passed.frames, passed.word), (0, None));
}

#[test]
fn a_worker_that_is_gone_is_left_to_the_main_loop() {
    let mut bench = Bench::new();
    bench.open(Followed::Shown, LONG);
    bench.worker = std::fs::File::open("/dev/null").unwrap().into();
    bench.wait_for_return();
    assert_eq!(bench.lending.hear(), Received::Closed);
}

#[test]
fn a_frame_that_is_the_last_counts_and_one_that_is_refused_does_not() {
    for (followed, count) in [(Followed::Last, 1), (Followed::Refused, 0)] {
        let mut bench = Bench::new();
        bench.open(followed, LONG);
        bench.fill(3, 1);
        assert_eq!(bench.wait_for_return().frames, count);
        assert_eq!(bench.ledger.take(), 0b1000);
    }
}

#[test]
fn a_slot_that_is_not_there_harms_nobody() {
    let bench = Bench::new();
    bench.open(Followed::Shown, LONG);
    send_filled(&bench.worker, u32::MAX, 0).unwrap();
    assert_eq!(bench.wait_for_return().frames, 0);
}

#[test]
fn the_slots_are_not_kept_for_a_closed_way() {
    let bench = Bench::new();
    bench.open(Followed::Shown, LONG);
    bench.passage.close();
    assert_eq!(Arc::strong_count(&bench.lending), 1);
}

#[test]
fn the_thread_ends_with_its_passage() {
    let Bench {
        passage, lending, ..
    } = Bench::new();
    let socket = Arc::downgrade(lending.socket());
    drop((passage, lending));
    while socket.strong_count() > 0 {
        thread::yield_now(); // until it has woken up
    }
}
