//! An application that looks at the camera, in a process of its own, and what it sees.

use std::fs;
use std::io::Read;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use lenscap::settings::{Geometry, PixelFormat};
use rustix::process::Signal;

use lenscap_support::session::{Process, Session, WAIT_TIMEOUT};

/// Small frames: a pipe carries them.
pub const GEOMETRY: Geometry = Geometry {
    format: PixelFormat::Yuy2,
    width: 160,
    height: 120,
};

/// Four pixels of the ball's middle.
const WHITE: [u8; 8] = [235, 128, 235, 128, 235, 128, 235, 128];

/// What a frame shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Picture {
    /// The placeholder.
    Black,
    /// Something else.
    Camera(Vec<u8>),
}

/// An application that streams.
pub struct Consumer {
    process: Process,
    pictures: mpsc::Receiver<(Instant, Picture)>,
    /// The picture that came first.
    first: Option<(Instant, Picture)>,
}

impl Consumer {
    /// Starts to look at our camera.
    pub fn new(session: &Session) -> Self {
        Self::start(|| look(session, &["fdsink", "fd=1", "sync=false"]))
    }

    /// Starts an application of V4L2's, to which PipeWire's cameras are made to look like devices.
    pub fn with_v4l2(session: &Session) -> Self {
        Self::start(|| {
            let mut command = session.command("pw-v4l2");
            command
                .args(["ffmpeg", "-v", "error", "-f", "v4l2", "-i", "/dev/video0"])
                .args(["-fps_mode", "passthrough", "-f", "rawvideo", "pipe:1"]);
            spawn(command)
        })
    }

    /// A consumer that the session manager doesn't link, because it is still starting itself, ends and
    /// is started again.
    fn start(start: impl Fn() -> Child) -> Self {
        let deadline = Instant::now() + WAIT_TIMEOUT;
        loop {
            let mut consumer = Self::read(start());
            consumer.first = consumer.next_within(WAIT_TIMEOUT / 3);
            if consumer.first.is_some() {
                return consumer;
            }
            assert!(Instant::now() < deadline, "the camera gives no picture");
        }
    }

    fn read(mut child: Child) -> Self {
        let (sender, pictures) = mpsc::channel();
        let stdout = child.stdout.take().unwrap();
        thread::spawn(move || read(stdout, &sender));
        Self {
            process: Process(child),
            pictures,
            first: None,
        }
    }

    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    pub fn signal(&self, signal: Signal) {
        self.process.signal(signal);
    }

    fn next_within(&mut self, limit: Duration) -> Option<(Instant, Picture)> {
        let first = self.first.take();
        first.or_else(|| self.pictures.recv_timeout(limit).ok())
    }

    pub fn next(&mut self) -> Picture {
        self.next_at().1
    }

    /// The next picture, and when it came.
    pub fn next_at(&mut self) -> (Instant, Picture) {
        self.next_within(WAIT_TIMEOUT).expect("a picture comes")
    }

    /// Drops what has come so far.
    pub fn forget(&mut self) {
        self.first = None;
        while self.pictures.try_recv().is_ok() {}
    }

    /// Whether the ball is anywhere in the memory that PipeWire gave it.
    pub fn holds_ball(&self) -> bool {
        let name = "/memfd:pipewire-memfd";
        let is_shared =
            |fd: &PathBuf| fs::read_link(fd).is_ok_and(|to| to.to_string_lossy().starts_with(name));
        let fds = fs::read_dir(format!("/proc/{}/fd", self.pid())).unwrap();
        let mut shared = fds.map(|fd| fd.unwrap().path()).filter(is_shared);
        shared.any(|fd| {
            let bytes = fs::read(fd).unwrap();
            bytes.windows(WHITE.len()).any(|bytes| bytes == WHITE)
        })
    }

    /// Waits until this many different camera frames have come; answers with how many placeholders
    /// came before the first one, and how many after it.
    pub fn see_camera(&mut self, wanted: usize) -> (usize, usize) {
        let (mut before, mut after) = (0, 0);
        let mut seen: Vec<Vec<u8>> = Vec::new();
        while seen.len() < wanted {
            match self.next() {
                Picture::Black if seen.is_empty() => before += 1,
                Picture::Black => after += 1,
                Picture::Camera(frame) if seen.contains(&frame) => {}
                Picture::Camera(frame) => seen.push(frame),
            }
            assert!(before + after < 1000, "the camera never comes");
        }
        (before, after)
    }
}

/// The times that frames carry, in nanoseconds, from the first one that another consumer gets.
pub fn times(session: &Session, count: usize) -> Vec<u64> {
    let count = format!("num-buffers={count}");
    let child = session
        .command("gst-launch-1.0")
        .args(["-v", "pipewiresrc", "target-object=lenscap", &count])
        .args([
            "!",
            "video/x-raw",
            "!",
            "identity",
            "silent=false",
            "!",
            "fakesink",
        ])
        .output();
    let stdout = child
        .expect("gst-launch-1.0 is needed for this test")
        .stdout;
    let stdout = String::from_utf8(stdout).unwrap();
    stdout.lines().filter_map(time).collect()
}

/// The time in a line such as `identity0: last-message = chain … pts: 0:00:01.033333333, …`.
fn time(line: &str) -> Option<u64> {
    let (_, time) = line.split_once(" pts: ")?;
    let (time, _) = time.split_once(',')?;
    let (minutes, nanoseconds) = time.rsplit_once('.')?;
    let seconds = minutes
        .split(':')
        .try_fold(0, |sum, part| Some(sum * 60 + part.parse::<u64>().ok()?))?;
    Some(seconds * 1_000_000_000 + nanoseconds.parse::<u64>().ok()?)
}

/// Starts something that looks and keeps every frame to itself.
pub fn hoard(session: &Session) -> Process {
    let minute = "sleep-time=60000000";
    Process(look(session, &["identity", minute, "!", "fakesink"]))
}

fn look(session: &Session, sink: &[&str]) -> Child {
    let mut command = session.command("gst-launch-1.0");
    command
        .args(["-q", "pipewiresrc", "target-object=lenscap"])
        .args(["!", "video/x-raw", "!"])
        .args(sink);
    spawn(command)
}

fn spawn(mut command: Command) -> Child {
    let child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
    child.unwrap_or_else(|error| panic!("this test needs {command:?}: {error}"))
}

fn read(mut stdout: ChildStdout, sender: &mpsc::Sender<(Instant, Picture)>) {
    let mut black = vec![0; GEOMETRY.frame_len()];
    GEOMETRY.fill_black(&mut black);
    let mut frame = black.clone();
    while stdout.read_exact(&mut frame).is_ok() {
        let picture = if frame == black {
            Picture::Black
        } else {
            Picture::Camera(frame.clone())
        };
        if sender.send((Instant::now(), picture)).is_err() {
            return;
        }
    }
}
