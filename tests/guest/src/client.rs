//! A client that streams and records its frames.

use std::{
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use gsticamerasrc::picture::{self, Picture, Stamp};

use crate::v4l2::{Device, Format, Stream};
use gsticamerasrc::stall_monitor::StallMonitor;

/// How a client streams.
#[derive(Debug, Clone, Copy)]
pub struct ClientOptions {
    /// Buffers to request; the driver may provide fewer.
    pub buffers: u32,
    /// How long it keeps a frame, to check that the picture doesn't change.
    pub hold: Duration,
    /// Checks every line; off for measurements, which need the stamp only.
    pub careful: bool,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            buffers: 4,
            hold: Duration::ZERO,
            careful: true,
        }
    }
}

/// A frame that the client received.
#[derive(Debug, Clone, Copy)]
pub struct SeenFrame {
    pub at: Instant,
    /// Since capture, for a camera frame.
    pub latency: Option<Duration>,
    /// `None` for a placeholder.
    pub stamp: Option<Stamp>,
    /// Has lines of more than one frame, or changed while it was kept.
    pub torn: bool,
    /// A hash of the picture.
    pub digest: u64,
}

impl SeenFrame {
    fn read(picture: Picture<'_>, options: ClientOptions) -> Self {
        let at = Instant::now();
        let stamp = picture.stamp();
        let now = picture::now_us();
        if !options.hold.is_zero() {
            thread::sleep(options.hold);
        }
        Self {
            at,
            latency: stamp.map(|stamp| Duration::from_micros(now.saturating_sub(stamp.taken_us))),
            stamp,
            torn: options.careful && (picture.is_torn() || picture.stamp() != stamp),
            digest: if options.careful { digest(picture) } else { 0 },
        }
    }

    pub fn is_camera(&self) -> bool {
        self.stamp.is_some()
    }
}

/// FNV-1a of a sample of bytes.
fn digest(picture: Picture<'_>) -> u64 {
    picture
        .data
        .iter()
        .step_by(61)
        .fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        })
}

/// The frames of a client.
#[derive(Debug, Default)]
pub struct FrameLog {
    pub frames: Vec<SeenFrame>,
    pub error: Option<String>,
    pub monitor: Option<StallMonitor>,
}

impl FrameLog {
    pub fn camera_frames(&self) -> impl Iterator<Item = &SeenFrame> {
        self.frames.iter().filter(|seen| seen.is_camera())
    }

    /// The number of camera frames that differ from the one before.
    pub fn distinct_camera_frames(&self) -> usize {
        let mut stamps: Vec<_> = self.frames.iter().filter_map(|seen| seen.stamp).collect();
        stamps.dedup();
        stamps.len()
    }

    /// The longest time without a frame.
    pub fn longest_gap(&self) -> Duration {
        self.frames
            .windows(2)
            .map(|pair| pair[1].at - pair[0].at)
            .max()
            .unwrap_or_default()
    }

    /// The longest time without a frame, less the machine's stalls in it, with a description for debugging.
    fn longest_gap_without_stalls(&self) -> (Duration, String) {
        let gaps = self.frames.windows(2).map(|pair| {
            let stalled = |monitor: &StallMonitor| monitor.stalled(pair[0].at, pair[1].at);
            let stalled = self.monitor.as_ref().map_or(Duration::ZERO, stalled);
            let own = (pair[1].at - pair[0].at).saturating_sub(stalled);
            (own, stalled, pair)
        });
        let Some((own, stalled, pair)) = gaps.max_by_key(|(own, ..)| *own) else {
            return (Duration::ZERO, "fewer than two frames".to_owned());
        };
        let kind = |seen: &SeenFrame| {
            if seen.is_camera() {
                "camera"
            } else {
                "placeholder"
            }
        };
        let after = pair[0].at - self.frames[0].at;
        let place = format!(
            "{own:.0?} between {} and {}, {after:.1?} after the first frame, beside {stalled:.0?} of the machine's",
            kind(&pair[0]),
            kind(&pair[1])
        );
        (own, place)
    }

    /// Whether the camera is being covered at this frame: covering overwrites every buffer, even the one being read.
    fn is_being_covered(&self, index: usize) -> bool {
        let was_camera = self.frames[index.saturating_sub(1)..=index]
            .iter()
            .any(SeenFrame::is_camera);
        let next = self.frames.get(index + 1);
        was_camera && next.is_some_and(|next| !next.is_camera())
    }

    /// Checks for gaps, torn frames and errors.
    pub fn ensure_unbroken(&self, longest_gap: Duration) -> Result<()> {
        if let Some(error) = &self.error {
            bail!("the client's stream ended: {error}");
        }
        let (gap, place) = self.longest_gap_without_stalls();
        ensure!(gap <= longest_gap, "a gap of {place}");
        let torn: Vec<_> = self
            .frames
            .iter()
            .enumerate()
            .filter(|(index, seen)| seen.torn && !self.is_being_covered(*index))
            .collect();
        if let Some((index, seen)) = torn.first() {
            let around = &self.frames[index.saturating_sub(2)..self.frames.len().min(index + 3)];
            let times: Vec<_> = around
                .iter()
                .map(|frame| (frame.at - self.frames[0].at, frame.stamp))
                .collect();
            bail!(
                "{} torn frames of {}, first {:?} in {times:?}",
                torn.len(),
                self.frames.len(),
                seen.stamp
            );
        }
        Ok(())
    }
}

/// A client that streams on its own thread; closes the device on drop.
#[derive(Debug)]
pub struct Client {
    /// Just before the device is opened.
    pub started: Instant,
    pub format: Format,
    frame_log: Arc<Mutex<FrameLog>>,
    stop: Arc<AtomicBool>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Client {
    pub fn start(device: &Path) -> Result<Self> {
        Self::with_options(device, ClientOptions::default())
    }

    pub fn with_options(device: &Path, options: ClientOptions) -> Result<Self> {
        let started = Instant::now();
        let device = Device::open(device).context("opening the device")?;
        let stream = Stream::start(device, options.buffers).context("streaming from the device")?;
        let frame_log = Arc::new(Mutex::new(FrameLog {
            frames: Vec::new(),
            error: None,
            monitor: options.careful.then(StallMonitor::start),
        }));
        let stop = Arc::new(AtomicBool::new(false));
        let format = stream.format;
        let thread = thread::spawn({
            let (frame_log, stop) = (Arc::clone(&frame_log), Arc::clone(&stop));
            move || record(&stream, options, &frame_log, &stop)
        });
        Ok(Self {
            started,
            format,
            frame_log,
            stop,
            thread: Some(thread),
        })
    }

    pub fn frame_log(&self) -> MutexGuard<'_, FrameLog> {
        self.frame_log.lock().unwrap()
    }

    /// Waits for a frame after this call.
    pub fn wait_for(
        &self,
        what: &str,
        timeout: Duration,
        wanted: impl Fn(&SeenFrame) -> bool,
    ) -> Result<SeenFrame> {
        let already = self.frame_log().frames.len();
        let deadline = Instant::now() + timeout;
        while Instant::now() < deadline {
            if let Some(seen) = self.frame_log().frames[already..]
                .iter()
                .find(|seen| wanted(seen))
            {
                return Ok(*seen);
            }
            thread::sleep(Duration::from_millis(10));
        }
        let frame_log = self.frame_log();
        bail!(
            "no {what} within {timeout:?} ({} frames, error {:?})",
            frame_log.frames.len(),
            frame_log.error
        )
    }

    /// The very first frame, whenever it came.
    pub fn first_frame(&self, timeout: Duration) -> Result<SeenFrame> {
        let deadline = Instant::now() + timeout;
        loop {
            if let Some(first) = self.frame_log().frames.first() {
                return Ok(*first);
            }
            ensure!(Instant::now() < deadline, "no frame within {timeout:?}");
            thread::sleep(Duration::from_millis(10));
        }
    }

    pub fn wait_for_camera(&self, timeout: Duration) -> Result<SeenFrame> {
        self.wait_for("camera frame", timeout, SeenFrame::is_camera)
    }

    pub fn wait_for_placeholder(&self, timeout: Duration) -> Result<SeenFrame> {
        self.wait_for("placeholder", timeout, |seen| !seen.is_camera())
    }

    /// Waits until there are `count` distinct camera frames, from the beginning.
    pub fn wait_for_camera_frames(&self, count: usize, timeout: Duration) -> Result<()> {
        let deadline = Instant::now() + timeout;
        while self.frame_log().distinct_camera_frames() < count {
            let seen = self.frame_log().distinct_camera_frames();
            ensure!(
                Instant::now() < deadline,
                "{seen} camera frames of {count} within {timeout:?}"
            );
            thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Closes the device and returns the frames.
    pub fn stop(mut self) -> FrameLog {
        self.join();
        std::mem::take(&mut *self.frame_log())
    }

    fn join(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.join();
    }
}

fn record(stream: &Stream, options: ClientOptions, frame_log: &Mutex<FrameLog>, stop: &AtomicBool) {
    let fail = |why: String| frame_log.lock().unwrap().error = Some(why);
    while !stop.load(Ordering::Relaxed) {
        match stream.next(Duration::from_millis(50), |picture| {
            SeenFrame::read(picture, options)
        }) {
            Ok(Some(seen)) => frame_log.lock().unwrap().frames.push(seen),
            Ok(None) => {}
            Err(error) => return fail(error.to_string()),
        }
    }
    match stream.format_now() {
        Ok(now) if now == stream.format => {}
        Ok(now) => fail(format!(
            "the format changed to {} {}x{}",
            now.fourcc(),
            now.width,
            now.height
        )),
        Err(error) => fail(error.to_string()),
    }
}
