//! Our camera in PipeWire beside one that is always on: the same picture, PipeWire, consumer and run.
//!
//! Wants the machine for itself. Only what is measured in the same run can be compared.

use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};
use std::{env, fs};

use gstreamer::{self as gst, prelude::*};
use lenscap::settings::{Geometry, PixelFormat};
use lenscap_support::applet::Applet;
use lenscap_support::session::{Process, Session, until};

/// The frames of each run.
fn geometry(format: PixelFormat) -> Geometry {
    Geometry {
        format,
        width: 1920,
        height: 1080,
    }
}

/// The delay is long enough for a consumer to settle before the switch.
fn options(format: &str) -> String {
    format!(
        "--source test --output pipewire -w 1920 -H 1080 -f 30 --format {format} \
         --activation-delay-ms 1000 -c 300"
    )
}

/// What the source of tests is made of.
fn always_on_pipeline(format: &str) -> String {
    format!(
        "videotestsrc is-live=true pattern=ball \
         ! video/x-raw,format={format},width=1920,height=1080,framerate=30/1 \
         ! clockoverlay halignment=right valignment=bottom \
         ! pipewiresink mode=provide stream-properties=p,node.name=always-on,media.class=Video/Source"
    )
}

/// How long each one is looked at.
const TIME: Duration = Duration::from_secs(10);
/// A switch is seen within this time before and after the applet tells of it.
const AROUND: Duration = Duration::from_millis(500);
/// A frame's time at 30 a second, and half of one for a machine that has more to do.
const LONGEST_GAP: Duration = Duration::from_millis(50);
/// Processor time for each frame, beside the same source into PipeWire's own sink: one copy more.
const MOST_CPU: f64 = 1.08;
/// Kilobytes of the applet's memory while idle.
const MOST_BEFORE_USE: u64 = 10_752;
const MOST_AFTER_USE: u64 = 13_312;

fn main() {
    let session = Session::new();
    session.write_config("[desktop]\nnotifications = false\n");
    // SAFETY: no other thread runs yet.
    unsafe {
        env::set_var("XDG_RUNTIME_DIR", session.dir());
        env::set_var("LENSCAP_LOG", "warn");
    }
    gst::init().unwrap();
    for format in [PixelFormat::Nv12, PixelFormat::Yuy2] {
        compare(&session, format);
    }
    print_copies();
}

/// Ours beside the one that is always on.
fn compare(session: &Session, format: PixelFormat) {
    println!(
        "{} s each at 1920x1080@30, {}, in PipeWire",
        TIME.as_secs(),
        format.name()
    );
    let own = lenscap(session, format);
    own.figures.print("lenscap");
    let theirs = always_on(session, format);
    theirs.print("always on");
    let ratio = own.figures.cpu_per_frame.as_secs_f64() / theirs.cpu_per_frame.as_secs_f64();
    let is_within = |is_within| if is_within { "ok  " } else { "OVER" };
    let verdict = is_within(ratio <= MOST_CPU);
    println!("{verdict} CPU per frame: {ratio:.2} x the always-on one (bound {MOST_CPU})");
    let (gap, bound) = (ms(own.gap), ms(LONGEST_GAP));
    let verdict = is_within(own.gap <= LONGEST_GAP);
    println!("{verdict} longest gap, placeholder to camera and back: {gap} (bound {bound})");
    for (when, kilobytes, bound) in [
        ("before", own.idle_before, MOST_BEFORE_USE),
        ("after", own.idle_after, MOST_AFTER_USE),
    ] {
        let verdict = is_within(kilobytes <= bound);
        println!("{verdict} memory while idle {when} use: {kilobytes} kB PSS (bound {bound})");
    }
}

/// What each output costs beside the worker's own conversion, and why.
fn print_copies() {
    println!("copies of a frame on its way from the worker's slot to a client's memory:");
    for (output, copies, reason) in [
        (
            "v4l2loopback",
            1,
            "the driver's buffers are its own, and every client has them mapped",
        ),
        (
            "PipeWire",
            1,
            "covering a buffer must not depend on a worker that hangs: the memory is ours",
        ),
        (
            "vcam",
            0,
            "the driver reads the slot itself, when it copies to its client",
        ),
    ] {
        println!("     {output}: {copies} ({reason})");
    }
}

/// What a consumer got, and what that cost.
struct Figures {
    /// Processor time, while the camera is shown.
    cpu_per_frame: Duration,
    frames: usize,
    first_picture: Duration,
    longest_gap: Duration,
}

impl Figures {
    fn print(&self, name: &str) {
        println!(
            "{name:10} {} CPU a frame, {} frames, first picture {}, longest gap {}",
            ms(self.cpu_per_frame),
            self.frames,
            ms(self.first_picture),
            ms(self.longest_gap)
        );
    }
}

/// What the applet took.
struct Own {
    figures: Figures,
    /// The longest gap around both switches.
    gap: Duration,
    /// Kilobytes of memory while idle, before the first client and after the last.
    idle_before: u64,
    idle_after: u64,
}

fn lenscap(session: &Session, format: PixelFormat) -> Own {
    let mut applet = Applet::new(session, &options(format.name()));
    applet.wait_for("idle");
    let idle_before = settled_memory(applet.pid());
    // The session manager is ready when it has linked a consumer.
    until("a consumer is linked", || {
        Consumer::new("lenscap", format).sees(1)
    });
    applet.wait_for("idle");
    let consumer = Consumer::new("lenscap", format);
    applet.wait_for("live");
    let to_camera = Instant::now();
    let worker = applet.now.worker_pid.unwrap();
    let (cpu_per_frame, frames) = measure(&consumer, &[applet.pid(), worker]);
    assert!(session.lenscap("pause").status.success());
    let and_back = Instant::now();
    thread::sleep(AROUND);
    let gap = [to_camera, and_back].map(|at| {
        let before = at.checked_sub(AROUND).unwrap();
        consumer.longest_gap(before, at + AROUND)
    });
    let figures = consumer.figures(cpu_per_frame, frames);
    drop(consumer);
    assert!(session.lenscap("resume").status.success());
    applet.wait_for("idle");
    Own {
        figures,
        gap: gap.into_iter().max().unwrap_or_default(),
        idle_before,
        idle_after: settled_memory(applet.pid()),
    }
}

/// The memory of a process (PSS, in kilobytes) once what it just did is over.
fn settled_memory(pid: u32) -> u64 {
    let mut newest = pss(pid);
    loop {
        thread::sleep(Duration::from_secs(1));
        let before = std::mem::replace(&mut newest, pss(pid));
        if before == newest {
            return newest;
        }
    }
}

fn pss(pid: u32) -> u64 {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap();
    let line = rollup.lines().find(|line| line.starts_with("Pss:"));
    let number = line.unwrap().split_ascii_whitespace().nth(1);
    number.unwrap().parse().unwrap()
}

fn always_on(session: &Session, format: PixelFormat) -> Figures {
    let mut command = session.command("gst-launch-1.0");
    command.args(always_on_pipeline(format.name()).split_ascii_whitespace());
    let writer = Process(command.stdout(Stdio::null()).spawn().unwrap());
    until("the always-on camera is listed", || {
        let dump = session.command("pw-dump").output().unwrap();
        String::from_utf8_lossy(&dump.stdout).contains("always-on")
    });
    let consumer = Consumer::new("always-on", format);
    assert!(consumer.sees(1), "the always-on camera gives no picture");
    let (cpu_per_frame, frames) = measure(&consumer, &[writer.pid()]);
    consumer.figures(cpu_per_frame, frames)
}

/// Looks at a steady stream for a while: processor time of some processes for each frame, and frames.
fn measure(consumer: &Consumer, pids: &[u32]) -> (Duration, usize) {
    thread::sleep(Duration::from_secs(1));
    let spent = || pids.iter().map(|pid| cpu(*pid)).sum::<Duration>();
    let (before, seen) = (spent(), consumer.times().len());
    thread::sleep(TIME);
    let frames = consumer.times().len() - seen;
    let spent = spent().saturating_sub(before);
    (spent / u32::try_from(frames.max(1)).unwrap(), frames)
}

/// Processor time of a process, of all its threads.
fn cpu(pid: u32) -> Duration {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    tasks
        .filter_map(|task| fs::read_to_string(task.unwrap().path().join("schedstat")).ok())
        .map(|text| text.split(' ').next().unwrap().parse().unwrap())
        .map(Duration::from_nanos)
        .sum()
}

/// A `pipewiresrc`, and when it got each frame.
struct Consumer {
    pipeline: gst::Element,
    started: Instant,
    times: Arc<Mutex<Vec<Instant>>>,
}

impl Consumer {
    fn new(target: &str, format: PixelFormat) -> Self {
        let line = format!("pipewiresrc target-object={target} ! video/x-raw ! fakesink name=sink");
        let pipeline = gst::parse::launch(&line).unwrap();
        let sink = pipeline
            .downcast_ref::<gst::Bin>()
            .unwrap()
            .by_name("sink")
            .unwrap();
        let times = Arc::<Mutex<Vec<Instant>>>::default();
        let seen = times.clone();
        let pad = sink.static_pad("sink").unwrap();
        pad.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
            let len = info.buffer().map(|buffer| buffer.size());
            assert_eq!(len, Some(geometry(format).frame_len()));
            seen.lock().unwrap().push(Instant::now());
            gst::PadProbeReturn::Ok
        });
        let started = Instant::now();
        pipeline.set_state(gst::State::Playing).unwrap();
        Self {
            pipeline,
            started,
            times,
        }
    }

    fn times(&self) -> Vec<Instant> {
        self.times.lock().unwrap().clone()
    }

    /// Whether so many frames come.
    fn sees(&self, count: usize) -> bool {
        lenscap_support::session::within(Duration::from_secs(5), || self.times().len() >= count)
    }

    fn figures(&self, cpu_per_frame: Duration, frames: usize) -> Figures {
        let times = self.times();
        Figures {
            cpu_per_frame,
            frames,
            first_picture: times[0] - self.started,
            longest_gap: self.longest_gap(times[0], Instant::now()),
        }
    }

    /// The longest time without a frame.
    fn longest_gap(&self, from: Instant, to: Instant) -> Duration {
        let times = self.times();
        let between = times.iter().filter(|at| (from..to).contains(*at));
        let pairs = between.clone().zip(between.skip(1));
        pairs
            .map(|(one, next)| *next - *one)
            .max()
            .unwrap_or_default()
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        let _ = self.pipeline.set_state(gst::State::Null);
    }
}

fn ms(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}
