//! A call: an application that looks, with every picture's number and the time of its coming.

use std::time::{Duration, Instant};

use crate::consumer::{Consumer, GEOMETRY, Picture};
use guest::stall_monitor::StallMonitor;
use lenscap_support::session::Session;

/// A camera whose pictures are numbered: bars that move left by a pixel a frame, so that the one
/// step up to the first of them tells the number, up to the picture's width.
pub const SOURCE: &str = "pipeline:videotestsrc is-live=true pattern=smpte horizontal-speed=1 \
    ! video/x-raw,framerate=30/1";

/// The first bar is this much brighter than the last one.
const STEP: u8 = 100;

/// Less than a camera takes to start, or a main loop that waits for somebody; more than a machine
/// with other work takes for itself, beside what it shows by standing still.
const GAP: Duration = Duration::from_millis(500);
/// What frames are apart.
const FRAME: Duration = Duration::from_millis(34);
/// How far back the machine may have stood still for frames to be missing now: all queues are
/// shorter.
const QUEUES: Duration = Duration::from_millis(300);
/// What is disturbed shows within this time: nobody in between has more frames to go on with.
const AFTERMATH: Duration = Duration::from_secs(1);

/// An application that looks.
pub struct Call {
    consumer: Consumer,
    stall_monitor: StallMonitor,
    /// When the last picture came that was checked, and its number.
    last: (Instant, usize),
}

impl Call {
    /// Begins to look, and waits for the camera's picture.
    pub fn new(session: &Session) -> Self {
        let mut consumer = Consumer::new(session);
        let stall_monitor = StallMonitor::start();
        let last = loop {
            if let (at, Picture::Camera(frame)) = consumer.next_at() {
                break (at, number(&frame));
            }
        };
        Self {
            consumer,
            stall_monitor,
            last,
        }
    }

    /// Fails unless every picture since the last look is the camera's, in its order and in time, up
    /// to a while from now.
    pub fn goes_on(&mut self) {
        let until = Instant::now() + AFTERMATH;
        while self.last.0 < until {
            let (at, picture) = self.consumer.next_at();
            let Picture::Camera(frame) = picture else {
                panic!("the camera's picture was covered");
            };
            self.check(at, number(&frame));
        }
    }

    fn check(&mut self, at: Instant, number: usize) {
        let (before, last) = std::mem::replace(&mut self.last, (at, number));
        let width = GEOMETRY.width as usize;
        let steps = (number + width - last) % width;
        assert!(steps < width / 2, "{number} came after {last}");
        let missing = FRAME * u32::try_from(steps).unwrap();
        let gap = missing.max(at - before);
        let stalled = self
            .stall_monitor
            .stalled(before.checked_sub(QUEUES).unwrap_or(before), at);
        assert!(
            gap <= GAP + stalled,
            "a gap of {gap:?}, {steps} frames; the machine stood still for {stalled:?}"
        );
    }
}

/// A picture's number.
fn number(frame: &[u8]) -> usize {
    let width = GEOMETRY.width as usize;
    let luma = |x: usize| frame[2 * (x % width)];
    let steps = (0..width).filter(|x| luma(*x) > luma(x + width - 1).saturating_add(STEP));
    let steps: Vec<_> = steps.collect();
    assert_eq!(steps.len(), 1, "no picture of the camera's");
    (width - steps[0]) % width
}
