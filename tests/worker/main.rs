//! Controls the real worker like the applet: socketpair, memfd of slots, child process.

mod applet;
mod network;
mod pipewire;

use std::os::fd::AsFd;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use applet::{Memory, SLOTS, WAIT_TIMEOUT, WorkerPeer, job, sockets, worker};
use lenscap::capture::protocol::{
    FromWorker, Job, MESSAGE_LEN, Received, ToWorker, VERSION, receive_from_worker, send_job,
    send_to_worker, wait_for_worker,
};
use lenscap::relay::FaultKind;
use lenscap::settings::{Geometry, PixelFormat};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{SendFlags, send};
use rustix::process::{Pid, Signal, kill_process};

fn geometry(format: PixelFormat) -> Geometry {
    Geometry {
        format,
        width: 320,
        height: 240,
    }
}

/// A source with a format of its own.
fn pipeline(rest: &str) -> String {
    format!("pipeline:videotestsrc is-live=true pattern=ball {rest}")
}

const NV12: &str = "! video/x-raw,format=NV12,width=320,height=240,framerate=60/1 ! identity";

/// Checks that twenty frames differ and show a white ball on black.
fn check_frames(source: &str, geometry: Geometry) {
    let mut applet = WorkerPeer::new(source, geometry);
    applet.send(ToWorker::Open);
    let frames: Vec<_> = (0..20).map(|_| applet.frame()).collect();
    for pair in frames.windows(2) {
        assert!(pair[0] != pair[1], "a frame came twice from {source}");
    }
    let (step, start) = match geometry.format {
        PixelFormat::Yuy2 => (2, 0),
        PixelFormat::Uyvy => (2, 1),
        PixelFormat::Nv12 | PixelFormat::I420 => (1, 0),
    };
    let luma_len = geometry.width as usize * geometry.height as usize;
    for frame in frames {
        let luma = frame.iter().skip(start).step_by(step).take(luma_len);
        let dark = luma.clone().filter(|&&y| y == 16).count();
        let bright = luma.filter(|&&y| y > 200).count();
        assert!(dark > luma_len * 8 / 10, "{dark} dark pixels of {luma_len}");
        assert!((500..luma_len / 5).contains(&bright), "{bright} bright");
        assert_grey(&frame, geometry);
    }
    applet.send(ToWorker::Stop(0));
    assert!(applet.ended_within(WAIT_TIMEOUT).success());
}

/// Black, white and grey have no chroma.
fn assert_grey(frame: &[u8], geometry: Geometry) {
    let luma_len = geometry.width as usize * geometry.height as usize;
    let (step, start) = match geometry.format {
        PixelFormat::Yuy2 => (2, 1),
        PixelFormat::Uyvy => (2, 0),
        PixelFormat::Nv12 | PixelFormat::I420 => (1, luma_len),
    };
    let coloured = frame.iter().skip(start).step_by(step);
    assert_eq!(coloured.filter(|&&c| c.abs_diff(128) > 1).count(), 0);
}

#[test]
fn frames_arrive_in_every_format() {
    for format in PixelFormat::ALL {
        check_frames("test", geometry(format));
    }
}

#[test]
fn frames_are_converted_where_formats_differ() {
    for format in PixelFormat::ALL {
        check_frames(&pipeline(NV12), geometry(format));
    }
}

/// GStreamer pads lines to four bytes, slots don't.
#[test]
fn lines_are_packed_at_odd_widths() {
    for format in [PixelFormat::Nv12, PixelFormat::I420] {
        let geometry = Geometry {
            width: 318,
            ..geometry(format)
        };
        check_frames("test", geometry);
    }
}

/// Half the requested height: the picture is between bars.
#[test]
fn another_size_is_fitted_with_bars() {
    let low = "! video/x-raw,format=NV12,width=320,height=120,framerate=30/1 ! identity";
    let source = format!("pipeline:videotestsrc is-live=true pattern=white {low}");
    let mut applet = WorkerPeer::new(&source, geometry(PixelFormat::Nv12));
    applet.send(ToWorker::Open);
    let frame = applet.frame();
    for (y, row) in frame.chunks(320).take(240).enumerate() {
        let expected = if (60..180).contains(&y) { 235 } else { 16 };
        assert!(row.iter().all(|luma| *luma == expected), "row {y}: {row:?}");
    }
}

/// A tee hides the sink's pool from the source, which then allocates its own buffers.
#[test]
fn foreign_buffers_are_copied() {
    let shared = pipeline(&format!("{NV12} ! tee ! queue"));
    check_frames(&shared, geometry(PixelFormat::Nv12));
}

#[test]
fn a_transform_keeps_the_geometry() {
    for transform in ["mirror", "rotate-180", "flip"] {
        let shape = geometry(PixelFormat::Yuy2);
        let mut applet = WorkerPeer::with_job("test", shape, |job| {
            transform.clone_into(&mut job.transform);
        });
        applet.send(ToWorker::Open);
        assert_ne!(applet.frame(), applet.frame());
    }
}

/// Colour bars, which are neither symmetric nor the same from top to bottom.
#[test]
fn turning_turns() {
    let smpte = format!("pipeline:videotestsrc is-live=true pattern=smpte {NV12}");
    let shape = geometry(PixelFormat::Nv12);
    let frame = |transform: &str| {
        let mut applet = WorkerPeer::with_job(&smpte, shape, |job| {
            transform.clone_into(&mut job.transform);
        });
        applet.send(ToWorker::Open);
        applet.frame()[..320 * 100].to_vec()
    };
    let plain = frame("none");
    let mirrored: Vec<u8> = frame("mirror")
        .chunks(320)
        .flat_map(|line| line.iter().rev().copied())
        .collect();
    assert!(plain == mirrored, "mirroring twice is no change");
    assert!(plain != frame("none").into_iter().rev().collect::<Vec<_>>());
    assert!(plain != frame("flip"), "the bars are not at the bottom");
}

#[test]
fn there_are_no_frames_before_open() {
    let applet = WorkerPeer::new("test", geometry(PixelFormat::Yuy2));
    let early = applet.receive_within(Duration::from_secs(1));
    assert_eq!(early, Received::Empty);
}

/// Without a free slot, frames are dropped and leased slots stay unchanged; one released slot lets
/// frames through again. With a source that writes to slots, and after a converter.
#[test]
fn slots_in_use_are_not_overwritten() {
    for source in ["test".to_owned(), pipeline(NV12)] {
        let mut applet = WorkerPeer::new(&source, geometry(PixelFormat::Yuy2));
        applet.send(ToWorker::Open);
        let slots: Vec<_> = (0..SLOTS).map(|_| applet.filled().0).collect();
        let look = |applet: &WorkerPeer| -> Vec<_> {
            let slots = slots.iter();
            slots
                .map(|&slot| applet.memory.frame(slot, applet.geometry))
                .collect()
        };
        let before = look(&applet);
        let none = applet.receive_within(Duration::from_millis(300));
        assert_eq!(none, Received::Empty, "{source}");
        assert!(
            before == look(&applet),
            "a slot of the applet changed: {source}"
        );
        applet.free(slots[2]);
        for _ in 0..5 {
            let (slot, _) = applet.filled();
            assert_eq!(slot, slots[2], "{source}");
            applet.free(slot);
        }
    }
}

/// Late frames are dropped, not queued.
#[test]
fn the_first_converted_frame_after_a_pause_is_new() {
    let mut applet = WorkerPeer::new(&pipeline(NV12), geometry(PixelFormat::Yuy2));
    applet.send(ToWorker::Open);
    let slots: Vec<_> = (0..SLOTS).map(|_| applet.filled().0).collect();
    std::thread::sleep(Duration::from_millis(500));
    let freed = monotonic();
    for slot in slots {
        applet.free(slot);
    }
    let (_, captured) = applet.filled();
    assert!(
        captured + 60_000_000 > freed,
        "captured {captured}, freed at {freed}"
    );
}

#[test]
fn invalid_slot_releases_are_ignored() {
    let mut applet = WorkerPeer::new("test", geometry(PixelFormat::Yuy2));
    applet.give_back(0);
    applet.send(ToWorker::Freed);
    applet.send(ToWorker::Open);
    applet.send(ToWorker::Open);
    applet.give_back(63);
    applet.give_back(64);
    for _ in 0..10 {
        applet.frame();
    }
}

fn monotonic() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    u64::try_from(now.tv_sec).unwrap() * 1_000_000_000 + u64::try_from(now.tv_nsec).unwrap()
}

#[test]
fn frames_have_capture_timestamps() {
    let mut applet = WorkerPeer::new("test", geometry(PixelFormat::Yuy2));
    let start = monotonic();
    applet.send(ToWorker::Open);
    let mut last = start;
    for _ in 0..10 {
        let (slot, captured) = applet.filled();
        assert!(captured > last, "{captured} is not later than {last}");
        assert!(captured < monotonic());
        last = captured;
        applet.free(slot);
    }
}

fn opened(source: &str) -> WorkerPeer {
    let mut applet = WorkerPeer::new(source, geometry(PixelFormat::Yuy2));
    applet.send(ToWorker::Open);
    applet.frame();
    applet
}

/// A live source ends its stream at once, without the EOS timeout.
const PROMPT: Duration = Duration::from_millis(2500);

/// Time limit for a stop.
const LIMIT: Duration = Duration::from_secs(5);

#[test]
fn stop_ends_it_cleanly() {
    let mut applet = opened("test");
    applet.send(ToWorker::Stop(0));
    assert_eq!(applet.ended_within(PROMPT).code(), Some(0));
}

/// Sources that write to slots, one that converts itself, and one that the worker converts.
fn ways_into_slots() -> [String; 3] {
    let converts = format!("{NV12} ! videoconvert ! video/x-raw,format=YUY2 ! identity");
    ["test".to_owned(), pipeline(&converts), pipeline(NV12)]
}

/// A worker without a free slot.
fn jammed(source: &str) -> WorkerPeer {
    let mut applet = WorkerPeer::new(source, geometry(PixelFormat::Yuy2));
    applet.send(ToWorker::Open);
    for _ in 0..SLOTS {
        applet.filled();
    }
    // Long enough for an element of the source to wait for a slot.
    let none = applet.receive_within(Duration::from_millis(200));
    assert_eq!(none, Received::Empty);
    applet
}

#[test]
fn stop_ends_it_while_no_slot_is_free() {
    for source in ways_into_slots() {
        let mut applet = jammed(&source);
        applet.send(ToWorker::Stop(0));
        assert_eq!(applet.ended_within(PROMPT).code(), Some(0), "{source}");
    }
}

/// A signal doesn't reclaim slots, so EOS can be blocked.
#[test]
fn a_signal_ends_it_while_no_slot_is_free() {
    for source in ways_into_slots() {
        let mut applet = jammed(&source);
        kill_process(Pid::from_child(&applet.worker), Signal::INT).unwrap();
        assert_eq!(applet.ended_within(LIMIT).code(), Some(0), "{source}");
    }
}

/// SIGTERM means that there is no time for EOS.
#[test]
fn sigterm_ends_it_while_no_slot_is_free() {
    for source in ways_into_slots() {
        let mut applet = jammed(&source);
        kill_process(Pid::from_child(&applet.worker), Signal::TERM).unwrap();
        assert_eq!(applet.ended_within(PROMPT).code(), Some(0), "{source}");
    }
}

#[test]
fn stop_ends_a_warm_worker() {
    let mut applet = WorkerPeer::new("test", geometry(PixelFormat::Yuy2));
    applet.send(ToWorker::Stop(0));
    assert_eq!(applet.ended_within(WAIT_TIMEOUT).code(), Some(0));
}

#[test]
fn signals_end_it() {
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        let mut applet = opened("test");
        kill_process(Pid::from_child(&applet.worker), signal).unwrap();
        assert_eq!(applet.ended_within(PROMPT).code(), Some(0), "{signal:?}");
    }
}

#[test]
fn the_applets_end_ends_it() {
    for open in [false, true] {
        let mut applet = WorkerPeer::new("test", geometry(PixelFormat::Yuy2));
        if open {
            applet.send(ToWorker::Open);
            applet.frame();
        }
        let start = Instant::now();
        applet.socket = sockets().0;
        assert_eq!(applet.worker.wait().unwrap().code(), Some(0));
        assert!(start.elapsed() < PROMPT, "{:?}", start.elapsed());
    }
}

/// As in a hung driver, the source blocks for an hour and can't be interrupted.
#[test]
fn the_applets_end_ends_a_hung_worker() {
    let mut other = opened("test");
    let stuck = format!("{NV12} ! identity sleep-time=3600000000");
    let mut hanging = WorkerPeer::new(&pipeline(&stuck), geometry(PixelFormat::Yuy2));
    hanging.send(ToWorker::Open);
    let none = hanging.receive_within(Duration::from_secs(1));
    assert_eq!(none, Received::Empty);
    let start = Instant::now();
    hanging.socket = sockets().0;
    let status = hanging.worker.wait().unwrap();
    let took = start.elapsed();
    assert_eq!(status.signal(), Some(Signal::KILL.as_raw()), "{status}");
    assert!((4500..6500).contains(&took.as_millis()), "{took:?}");
    // Another worker is unaffected.
    other.frame();
}

#[test]
fn an_applet_of_another_version_gets_one_fault() {
    let (socket, theirs) = sockets();
    let mut worker = worker().stdin(Stdio::from(theirs)).spawn().unwrap();
    let mut packet = [0; MESSAGE_LEN];
    packet[2..4].copy_from_slice(&(VERSION + 1).to_ne_bytes());
    send(&socket, &packet, SendFlags::empty()).unwrap();
    let Received::Message(FromWorker::Failed(fault)) = wait_for_worker(&socket) else {
        panic!("no fault");
    };
    assert!(fault.to_string().ends_with("restart Lenscap"), "{fault}");
    assert_eq!(wait_for_worker(&socket), Received::Closed);
    assert_eq!(worker.wait().unwrap().code(), Some(1));
}

/// The parent is killed while the socket stays open, so only the parent death signal works.
#[test]
fn the_parents_death_ends_it() {
    let (socket, theirs) = sockets();
    let script = "exec 3<&0; \"$0\" capture <&3 3<&- & wait";
    let mut parent = Command::new("sh")
        .args(["-c", script, env!("CARGO_BIN_EXE_lenscap")])
        .stdin(Stdio::from(theirs))
        .spawn()
        .unwrap();
    let shape = geometry(PixelFormat::Yuy2);
    let mut job = job("test", shape);
    let memory = Memory::new(&job);
    job.parent = parent.id();
    send_job(&socket, &job, memory.file.as_fd()).unwrap();
    send_to_worker(&socket, ToWorker::Open).unwrap();
    let mut fds = [PollFd::new(&socket, PollFlags::IN)];
    poll(&mut fds, Some(&Timespec::try_from(WAIT_TIMEOUT).unwrap())).unwrap();
    assert!(matches!(
        receive_from_worker(&socket),
        Received::Message(FromWorker::Filled(..))
    ));
    parent.kill().unwrap();
    parent.wait().unwrap();
    let deadline = Instant::now() + PROMPT;
    loop {
        match receive_from_worker(&socket) {
            Received::Invalid => panic!("the worker sent no message"),
            Received::Closed => return,
            Received::Message(_) => {}
            Received::Empty => {
                let left = deadline.saturating_duration_since(Instant::now());
                assert!(!left.is_zero(), "the worker outlived its parent");
                let mut fds = [PollFd::new(&socket, PollFlags::IN)];
                poll(&mut fds, Some(&Timespec::try_from(left).unwrap())).unwrap();
            }
        }
    }
}

#[test]
fn a_different_parent_is_rejected() {
    let mut applet =
        WorkerPeer::with_job("test", geometry(PixelFormat::Yuy2), |job| job.parent = 1);
    assert_eq!(applet.ended_within(WAIT_TIMEOUT).code(), Some(0));
}

fn check_fault(source: &str, kind: FaultKind, words: &str) {
    let mut applet = WorkerPeer::new(source, geometry(PixelFormat::Yuy2));
    applet.send(ToWorker::Open);
    let fault = applet.fault();
    assert_eq!(fault.kind, kind, "{fault}");
    assert!(fault.to_string().contains(words), "{fault}");
    assert!(!fault.to_string().contains('\n'), "{fault}");
    assert_eq!(applet.ended_within(WAIT_TIMEOUT).code(), Some(1));
}

#[test]
fn faults_are_reported_with_their_reason() {
    let ends = pipeline("num-buffers=3");
    check_fault(&ends, FaultKind::Stopped, "its stream ended");
    let breaks = pipeline("! identity error-after=3");
    check_fault(&breaks, FaultKind::Other, "lenscap devices");
    let absent = "pipeline:filesrc location=/absent/file ! rawvideoparse";
    check_fault(absent, FaultKind::NoCamera, "another source");
    // Larger than the scaler's limit.
    let size = "pipeline:videotestsrc ! video/x-raw,format=NV12,width=40000,height=2 ! identity";
    check_fault(size, FaultKind::Unsupported, "another size");
    let audio = "pipeline:audiotestsrc is-live=true";
    check_fault(audio, FaultKind::Unsupported, "raw video");
}

/// A source that isn't live is slowed to the clock, even while no slot is free.
#[test]
fn a_source_that_is_not_live_is_synchronized() {
    for shape in ["format=NV12", "format=YUY2"] {
        let source = format!(
            "pipeline:videotestsrc ! video/x-raw,{shape},width=320,height=240,framerate=50/1"
        );
        let mut applet = WorkerPeer::new(&source, geometry(PixelFormat::Yuy2));
        applet.send(ToWorker::Open);
        applet.frame();
        let start = Instant::now();
        for _ in 0..50 {
            applet.frame();
        }
        let took = start.elapsed();
        assert!(took > Duration::from_millis(850), "50 frames in {took:?}");

        let slots: Vec<_> = (0..SLOTS).map(|_| applet.filled().0).collect();
        let none = applet.receive_within(Duration::from_millis(500));
        assert_eq!(none, Received::Empty);
        for slot in slots {
            applet.free(slot);
        }
        let start = Instant::now();
        applet.frame();
        assert!(start.elapsed() < Duration::from_millis(500), "it ran ahead");
    }
}

#[test]
fn an_invalid_job_is_rejected_with_a_reason() {
    type Change = fn(&mut Job);
    let shape = geometry(PixelFormat::Yuy2);
    let changes: [(Change, &str); 4] = [
        (|job| "nonsense".clone_into(&mut job.source), "nonsense"),
        (|job| "RGB".clone_into(&mut job.format), "RGB"),
        (
            |job| "inside-out".clone_into(&mut job.transform),
            "inside-out",
        ),
        (|job| job.slots = 1000, "too short"),
    ];
    for (change, words) in changes {
        let mut applet = WorkerPeer::with_job("test", shape, change);
        let fault = applet.fault();
        assert!(fault.to_string().contains(words), "{fault}");
        assert_eq!(applet.ended_within(WAIT_TIMEOUT).code(), Some(1));
    }
}

#[test]
fn a_second_worker_works_like_the_first() {
    for _ in 0..3 {
        let mut applet = opened("test");
        applet.send(ToWorker::Stop(0));
        assert_eq!(applet.ended_within(PROMPT).code(), Some(0));
    }
}

#[test]
fn started_manually_it_explains_itself() {
    let output = worker().stdin(Stdio::null()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("run 'lenscap' instead"), "{text}");
}
