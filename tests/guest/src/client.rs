//! An application that streams, and writes down what it sees.

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
use gsticamerasrc::metronome::Metronome;

/// How a client reads.
#[derive(Debug, Clone, Copy)]
pub struct Manners {
    /// Buffers to ask for; the driver may give fewer.
    pub buffers: u32,
    /// How long it holds on to a frame, to see whether the picture stays.
    pub hold: Duration,
    /// Look at every line; a client that is in a measurement only reads the stamp.
    pub careful: bool,
}

impl Default for Manners {
    fn default() -> Self {
        Self {
            buffers: 4,
            hold: Duration::ZERO,
            careful: true,
        }
    }
}

/// One frame, as seen.
#[derive(Debug, Clone, Copy)]
pub struct Seen {
    pub at: Instant,
    /// From the moment it was taken, for a camera frame.
    pub latency: Option<Duration>,
    /// `None` for a placeholder.
    pub stamp: Option<Stamp>,
    /// Lines of more than one frame, or other lines than when it came.
    pub torn: bool,
    /// Equal for equal pictures, most likely.
    pub digest: u64,
}

impl Seen {
    fn look(picture: Picture<'_>, manners: Manners) -> Self {
        let at = Instant::now();
        let stamp = picture.stamp();
        let now = picture::now_us();
        if !manners.hold.is_zero() {
            thread::sleep(manners.hold);
        }
        Self {
            at,
            latency: stamp.map(|stamp| Duration::from_micros(now.saturating_sub(stamp.taken_us))),
            stamp,
            torn: manners.careful && (picture.is_torn() || picture.stamp() != stamp),
            digest: if manners.careful { digest(picture) } else { 0 },
        }
    }

    pub fn is_camera(&self) -> bool {
        self.stamp.is_some()
    }
}

/// FNV-1a over a thin sample.
fn digest(picture: Picture<'_>) -> u64 {
    picture
        .data
        .iter()
        .step_by(61)
        .fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        })
}

/// What a client has written down.
#[derive(Debug, Default)]
pub struct Diary {
    pub frames: Vec<Seen>,
    pub error: Option<String>,
    pub metronome: Option<Metronome>,
}

impl Diary {
    pub fn camera_frames(&self) -> impl Iterator<Item = &Seen> {
        self.frames.iter().filter(|seen| seen.is_camera())
    }

    /// Camera frames that differ from the one before.
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

    /// The longest time without a frame, less what the machine stood still in it; with where it was, for whoever has to
    /// find out why.
    fn longest_gap_of_its_own(&self) -> (Duration, String) {
        let gaps = self.frames.windows(2).map(|pair| {
            let stalled = |metronome: &Metronome| metronome.stalled(pair[0].at, pair[1].at);
            let stalled = self.metronome.as_ref().map_or(Duration::ZERO, stalled);
            let own = (pair[1].at - pair[0].at).saturating_sub(stalled);
            (own, stalled, pair)
        });
        let Some((own, stalled, pair)) = gaps.max_by_key(|(own, ..)| *own) else {
            return (Duration::ZERO, "fewer than two frames".to_owned());
        };
        let kind = |seen: &Seen| {
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

    /// Whether a placeholder takes the camera's place here: covering overwrites every buffer at once, from the top, the one
    /// that is being read, too. Privacy goes before the last picture.
    fn is_being_covered(&self, index: usize) -> bool {
        let was_camera = self.frames[index.saturating_sub(1)..=index]
            .iter()
            .any(Seen::is_camera);
        let next = self.frames.get(index + 1);
        was_camera && next.is_some_and(|next| !next.is_camera())
    }

    /// What every client may expect, whatever happens to the camera.
    pub fn ensure_unbroken(&self, longest_gap: Duration) -> Result<()> {
        if let Some(error) = &self.error {
            bail!("the client's stream ended: {error}");
        }
        let (gap, place) = self.longest_gap_of_its_own();
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

/// A streaming client on a thread of its own; dropping it closes the device.
#[derive(Debug)]
pub struct Client {
    /// Just before the device is opened, and streams.
    pub started: Instant,
    pub format: Format,
    diary: Arc<Mutex<Diary>>,
    stop: Arc<AtomicBool>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Client {
    pub fn start(device: &Path) -> Result<Self> {
        Self::with_manners(device, Manners::default())
    }

    pub fn with_manners(device: &Path, manners: Manners) -> Result<Self> {
        let started = Instant::now();
        let device = Device::open(device).context("opening the device")?;
        let stream = Stream::start(device, manners.buffers).context("streaming from the device")?;
        let diary = Arc::new(Mutex::new(Diary {
            frames: Vec::new(),
            error: None,
            metronome: manners.careful.then(Metronome::start),
        }));
        let stop = Arc::new(AtomicBool::new(false));
        let format = stream.format;
        let thread = thread::spawn({
            let (diary, stop) = (Arc::clone(&diary), Arc::clone(&stop));
            move || write_down(&stream, manners, &diary, &stop)
        });
        Ok(Self {
            started,
            format,
            diary,
            stop,
            thread: Some(thread),
        })
    }

    pub fn diary(&self) -> MutexGuard<'_, Diary> {
        self.diary.lock().unwrap()
    }

    /// Waits for a frame that came after this call.
    pub fn wait_for(
        &self,
        what: &str,
        patience: Duration,
        wanted: impl Fn(&Seen) -> bool,
    ) -> Result<Seen> {
        let already = self.diary().frames.len();
        let deadline = Instant::now() + patience;
        while Instant::now() < deadline {
            if let Some(seen) = self.diary().frames[already..]
                .iter()
                .find(|seen| wanted(seen))
            {
                return Ok(*seen);
            }
            thread::sleep(Duration::from_millis(10));
        }
        let diary = self.diary();
        bail!(
            "no {what} within {patience:?} ({} frames, error {:?})",
            diary.frames.len(),
            diary.error
        )
    }

    pub fn wait_for_camera(&self, patience: Duration) -> Result<Seen> {
        self.wait_for("camera frame", patience, Seen::is_camera)
    }

    pub fn wait_for_placeholder(&self, patience: Duration) -> Result<Seen> {
        self.wait_for("placeholder", patience, |seen| !seen.is_camera())
    }

    /// Waits until so many different camera frames have come, from the beginning on.
    pub fn wait_for_camera_frames(&self, count: usize, patience: Duration) -> Result<()> {
        let deadline = Instant::now() + patience;
        while self.diary().distinct_camera_frames() < count {
            let seen = self.diary().distinct_camera_frames();
            ensure!(
                Instant::now() < deadline,
                "{seen} camera frames of {count} within {patience:?}"
            );
            thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Closes the device and hands the diary over.
    pub fn stop(mut self) -> Diary {
        self.join();
        std::mem::take(&mut *self.diary())
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

fn write_down(stream: &Stream, manners: Manners, diary: &Mutex<Diary>, stop: &AtomicBool) {
    let fail = |why: String| diary.lock().unwrap().error = Some(why);
    while !stop.load(Ordering::Relaxed) {
        match stream.next(Duration::from_millis(50), |picture| {
            Seen::look(picture, manners)
        }) {
            Ok(Some(seen)) => diary.lock().unwrap().frames.push(seen),
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
