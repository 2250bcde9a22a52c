//! The pump against a worker and outputs that the tests play.

use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::sync::Barrier;
use std::sync::atomic::AtomicU32;

use super::*;
use crate::capture::protocol::{Job, send_filled, send_to_applet};
use crate::output::Shown;
use crate::relay::FaultKind;
use crate::settings::Message;

/// Long enough that no test waits for it.
const LONG: Duration = Duration::from_secs(600);

fn job() -> Job {
    Job {
        source: "test".to_owned(),
        width: 16,
        height: 2,
        framerate: 30,
        format: "YUY2".to_owned(),
        buffer_count: 4,
        transform: "none".to_owned(),
        slots: 4,
        frame_len: 64,
        parent: std::process::id(),
    }
}

/// A pump, and the worker's end of its channel.
struct Bench {
    pump: Pump,
    reports: Receiver<Report>,
    channel: Arc<Channel>,
    worker: OwnedFd,
}

impl Bench {
    fn new(silence: Duration) -> Self {
        let (channel, worker) = Channel::new(&job()).unwrap();
        let (pump, reports) = Pump::start(channel.clone(), silence).unwrap();
        Self {
            pump,
            reports,
            channel,
            worker,
        }
    }

    fn fill(&self, slot: u32) {
        send_filled(&self.worker, slot, 0).unwrap();
    }

    fn next(&self) -> String {
        format!("{:?}", self.reports.recv_blocking().unwrap())
    }

    fn route(&self, sink: &Arc<Recorder>) {
        self.pump.set_route(Route {
            outputs: vec![(OutputId(0), sink.clone())],
            previews: None,
        });
    }
}

/// Counts frames, and lets a test meet the pump within one.
#[derive(Default)]
struct Recorder {
    frames: AtomicU32,
    meet: Option<Barrier>,
    error: AtomicBool,
    leaves_out: bool,
    kept: Mutex<HashMap<u32, Arc<crate::output::Lease>>>,
    keeps: bool,
}

impl Sink for Recorder {
    fn show(&self, frame: &Frame<'_>) -> io::Result<Shown> {
        if self.error.load(Ordering::SeqCst) {
            return Err(io::Error::other("unplugged"));
        }
        if let Some(barrier) = &self.meet {
            barrier.wait();
            barrier.wait();
        }
        if self.keeps {
            let lease = frame.lease.clone();
            self.kept.lock().unwrap().insert(lease.slot(), lease);
        }
        self.frames.fetch_add(1, Ordering::SeqCst);
        Ok(Shown {
            accepted: !self.leaves_out,
            streams: None,
        })
    }
}

#[test]
fn the_first_frame_that_is_shown_is_reported_once() {
    let bench = Bench::new(LONG);
    let sink = Arc::new(Recorder::default());
    bench.fill(0); // no route yet
    while bench.pump.shared.dropped.load(Ordering::SeqCst) == 0 {
        thread::yield_now();
    }
    bench.route(&sink);
    bench.fill(1);
    bench.fill(2);
    assert_eq!(bench.next(), "FirstFrame");
    send_to_applet(
        &bench.worker,
        &FromWorker::Failed(Fault::new(FaultKind::Other, Message::verbatim("why"))),
    )
    .unwrap();
    assert!(bench.next().starts_with("Failed"), "no second first frame");
    let count = bench.pump.count();
    assert_eq!((count.shown, count.dropped), (2, 1));
    assert_eq!(bench.pump.count(), FrameCount::default());
}

#[test]
fn a_frame_that_is_left_out_shows_that_the_camera_works() {
    let bench = Bench::new(LONG);
    let sink = Arc::new(Recorder {
        leaves_out: true,
        ..Recorder::default()
    });
    bench.route(&sink);
    bench.fill(0);
    assert_eq!(bench.next(), "FirstFrame");
    assert_eq!(
        bench.pump.count(),
        FrameCount {
            shown: 0,
            dropped: 1
        }
    );
}

#[test]
fn no_frame_of_the_old_route_is_shown_once_a_new_one_is_set() {
    let bench = Bench::new(LONG);
    let slow = Arc::new(Recorder {
        meet: Some(Barrier::new(2)),
        ..Recorder::default()
    });
    bench.route(&slow);
    bench.fill(0);
    bench.fill(1);
    let barrier = slow.meet.as_ref().unwrap();
    barrier.wait(); // the pump is in the middle of the first frame
    let (pump, seen) = (&bench.pump, AtomicU32::new(u32::MAX));
    thread::scope(|scope| {
        scope.spawn(|| {
            pump.set_route(Route::default());
            seen.store(slow.frames.load(Ordering::SeqCst), Ordering::SeqCst);
        });
        while !bench.pump.shared.is_wanted.load(Ordering::SeqCst) {
            thread::yield_now();
        }
        barrier.wait(); // and ends it only now
    });
    assert_eq!(
        seen.load(Ordering::SeqCst),
        1,
        "waits for the frame that was begun"
    );
    assert_eq!(bench.next(), "FirstFrame");
    bench.pump.end();
    assert_eq!(bench.next(), "Ended");
    assert_eq!(
        slow.frames.load(Ordering::SeqCst),
        1,
        "the second was never shown"
    );
}

#[test]
fn a_slot_is_released_when_no_output_keeps_it() {
    let bench = Bench::new(LONG);
    let sink = Arc::new(Recorder {
        keeps: true,
        ..Recorder::default()
    });
    bench.route(&sink);
    bench.fill(0);
    bench.fill(3);
    assert_eq!(bench.next(), "FirstFrame");
    while sink.frames.load(Ordering::SeqCst) < 2 {
        thread::yield_now();
    }
    bench.pump.set_route(Route::default());
    assert_eq!(bench.channel.leased(), 0b1001);
    sink.kept.lock().unwrap().remove(&0);
    assert_eq!(bench.channel.leased(), 0b1000);
}

/// As of a process that the worker started, and that keeps its socket.
#[test]
fn a_flood_of_faults_is_one_fault_and_ends_with_the_worker() {
    let bench = Bench::new(LONG);
    let fault = Fault::new(FaultKind::Other, Message::verbatim("why"));
    let failed = FromWorker::Failed(fault);
    thread::scope(|scope| {
        let (worker, failed) = (&bench.worker, &failed);
        for _ in 0..4 {
            scope.spawn(move || while send_to_applet(worker, failed).is_ok() {});
        }
        assert!(bench.next().starts_with("Failed"));
        bench.pump.end();
        assert_eq!(bench.next(), "Ended");
    });
}

#[test]
fn a_worker_that_breaks_the_protocol_has_failed() {
    let junk = |bench: &Bench| {
        rustix::io::write(&bench.worker, b"junk").unwrap();
    };
    let breaks: [&dyn Fn(&Bench); 5] = [
        &|bench| bench.fill(4),
        &|bench| bench.fill(64),
        &|bench| bench.fill(u32::MAX),
        &|bench| (0..2).for_each(|_| bench.fill(1)), // which the output keeps
        &junk,
    ];
    for (number, violate) in breaks.iter().enumerate() {
        let bench = Bench::new(LONG);
        let sink = Arc::new(Recorder {
            keeps: true,
            ..Recorder::default()
        });
        bench.route(&sink);
        bench.fill(0);
        assert_eq!(bench.next(), "FirstFrame", "{number}");
        violate(&bench);
        assert!(bench.next().starts_with("Failed"), "{number}");
        bench.fill(2);
        bench.pump.end();
        assert_eq!(bench.next(), "Ended", "{number}");
        let kept = sink.kept.lock().unwrap();
        assert!(!kept.contains_key(&2), "a frame after it is not shown");
    }
}

#[test]
fn a_worker_that_closes_its_socket_and_stays_is_silent() {
    let mut bench = Bench::new(Duration::from_millis(1));
    bench.worker = std::fs::File::open("/dev/null").unwrap().into();
    assert_eq!(bench.next(), "Silent");
    bench.pump.end();
    assert_eq!(bench.next(), "Ended");
}

#[test]
fn what_a_child_of_the_worker_sends_after_its_end_is_not_read() {
    let bench = Bench::new(LONG);
    bench.pump.end();
    assert_eq!(bench.next(), "Ended");
    let late = send_filled(&bench.worker, 0, 0);
    assert_eq!(late, Err(rustix::io::Errno::PIPE));
}

#[test]
fn an_output_that_fails_is_off_the_route_and_the_others_go_on() {
    let bench = Bench::new(LONG);
    let (broken, healthy) = (Arc::new(Recorder::default()), Arc::new(Recorder::default()));
    broken.error.store(true, Ordering::SeqCst);
    bench.pump.set_route(Route {
        outputs: vec![
            (OutputId(0), broken.clone()),
            (OutputId(1), healthy.clone()),
        ],
        previews: Some(healthy.clone()),
    });
    bench.fill(0);
    assert!(bench.next().starts_with("Lost(OutputId(0)"));
    assert_eq!(bench.next(), "FirstFrame");
    broken.error.store(false, Ordering::SeqCst);
    bench.fill(1);
    bench.pump.end();
    while bench.next() != "Ended" {}
    assert_eq!(broken.frames.load(Ordering::SeqCst), 0);
}

#[test]
fn silence_is_reported_after_a_frame_and_not_before() {
    let bench = Bench::new(Duration::from_millis(1));
    let sink = Arc::new(Recorder::default());
    bench.route(&sink);
    assert!(bench.reports.is_empty());
    bench.fill(0);
    assert_eq!(bench.next(), "FirstFrame");
    assert_eq!(bench.next(), "Silent");
}

#[test]
fn what_a_worker_sent_before_its_end_is_reported_before_that() {
    let bench = Bench::new(LONG);
    let fault = Fault::new(FaultKind::Busy, Message::verbatim("why"));
    send_to_applet(&bench.worker, &FromWorker::Failed(fault)).unwrap();
    bench.pump.end();
    assert!(bench.next().starts_with("Failed"));
    assert_eq!(bench.next(), "Ended");
}

mod hostile;
