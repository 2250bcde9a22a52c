//! An application that looks at the camera, in a process of its own, and what it sees.

use std::io::Read;
use std::process::{ChildStdout, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use lenscap::settings::{Geometry, PixelFormat};
use rustix::process::Signal;

use crate::session::{PATIENCE, Process, Session};

/// Small frames: a pipe carries them.
pub const GEOMETRY: Geometry = Geometry {
    format: PixelFormat::Yuy2,
    width: 160,
    height: 120,
};

/// What a frame shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Picture {
    /// The placeholder.
    Black,
    /// Something else.
    Camera(Vec<u8>),
}

/// A `pipewiresrc`.
pub struct Consumer {
    process: Process,
    pictures: mpsc::Receiver<Picture>,
    /// The picture that came first.
    first: Option<Picture>,
}

impl Consumer {
    /// Starts to look at our camera. A consumer that the session manager doesn't link, because it is
    /// still starting itself, ends and is started again.
    pub fn new(session: &Session) -> Self {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let mut consumer = Self::start(session, "video/x-raw");
            consumer.first = consumer.next_within(PATIENCE / 3);
            if consumer.first.is_some() {
                return consumer;
            }
            assert!(Instant::now() < deadline, "the camera gives no picture");
        }
    }

    /// Starts to look, if it is given these caps.
    pub fn start(session: &Session, caps: &str) -> Self {
        let mut command = session.command("gst-launch-1.0");
        command
            .args(["-q", "pipewiresrc", "target-object=lenscap", "!", caps])
            .args(["!", "fdsink", "fd=1", "sync=false"]);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let mut child = child.expect("gst-launch-1.0 is needed for this test");
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

    fn next_within(&mut self, limit: Duration) -> Option<Picture> {
        let first = self.first.take();
        first.or_else(|| self.pictures.recv_timeout(limit).ok())
    }

    pub fn next(&mut self) -> Picture {
        self.next_within(PATIENCE).expect("a picture comes")
    }

    /// Drops what has come so far.
    pub fn forget(&mut self) {
        self.first = None;
        while self.pictures.try_recv().is_ok() {}
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

fn read(mut stdout: ChildStdout, sender: &mpsc::Sender<Picture>) {
    let mut black = vec![0; GEOMETRY.frame_len()];
    GEOMETRY.fill_black(&mut black);
    let mut frame = black.clone();
    while stdout.read_exact(&mut frame).is_ok() {
        let picture = if frame == black {
            Picture::Black
        } else {
            Picture::Camera(frame.clone())
        };
        if sender.send(picture).is_err() {
            return;
        }
    }
}
