//! A device of the v4l2loopback kernel module, as its writer. How it is fed is its [`Ring`]'s business.

mod follower;
mod ring;

use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use self::follower::{Followed, Follower};
use self::ring::Ring;
use super::Device;
use crate::placeholder::Pictures;
use crate::relay::Card;
use crate::settings::Geometry;

/// `CID_SUSTAIN_FRAMERATE` of v4l2loopback: repeat the last frame at the nominal rate.
const SUSTAIN_FRAMERATE: u32 = 0x0098_f901;

/// An open v4l2loopback device that shows a picture.
#[derive(Debug)]
pub struct V4l2loopback {
    device: Arc<Device>,
    path: PathBuf,
    name: String,
    geometry: Geometry,
    framerate: u32,
    pictures: Rc<Pictures>,
    ring: Arc<Mutex<Ring>>,
}

impl V4l2loopback {
    /// Makes a v4l2loopback device show black frames of this geometry.
    pub fn new(
        device: Device,
        path: &Path,
        geometry: Geometry,
        framerate: u32,
    ) -> io::Result<Self> {
        let identity = device.identity()?;
        device.set_format(geometry)?;
        let framerate = device.set_framerate(framerate)?;
        let device = Arc::new(device);
        let ring = Ring::new(device.clone(), path, geometry, framerate)?;
        let mut output = Self {
            device,
            path: path.to_owned(),
            name: identity.card,
            geometry,
            framerate,
            pictures: Rc::new(Pictures::black(geometry)),
            ring: Arc::new(Mutex::new(ring)),
        };
        // Somebody may have left it on.
        output.device.set_control(SUSTAIN_FRAMERATE, 0)?;
        output.device.stream_on()?;
        output.show(Card::Off)?;
        Ok(output)
    }

    /// The open device, to watch its clients.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The device node.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The name that applications list.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The frames that clients see.
    pub fn geometry(&self) -> Geometry {
        self.geometry
    }

    /// The nominal frame rate, as the driver took it.
    pub fn framerate(&self) -> u32 {
        self.framerate
    }

    /// The placeholder pictures.
    pub fn pictures(&self) -> &Pictures {
        &self.pictures
    }

    /// Takes other placeholder pictures, for the next [`show`](Self::show).
    pub fn set_pictures(&mut self, pictures: Rc<Pictures>) {
        self.pictures = pictures;
        self.ring().outdate_cards();
    }

    /// Shows a camera frame, at the cost of one copy. False if it came so soon after the last one
    /// that a reader may still be at the buffer it would go to: then it is left out.
    pub fn submit(&mut self, frame: &[u8]) -> io::Result<bool> {
        self.ring().submit(frame)
    }

    /// Shows a placeholder, anew if it is shown already. When it takes the place of camera frames,
    /// no buffer holds any of them afterwards.
    pub fn show(&mut self, card: Card) -> io::Result<()> {
        self.ring().show(card, &self.pictures)
    }

    /// Shows what is up once more, in the next buffer: a camera frame at the cost of a copy.
    pub fn repeat(&mut self) -> io::Result<()> {
        self.ring().repeat(&self.pictures)
    }

    /// The first client streams, or the last is gone.
    pub fn sustain(&mut self, on: bool) {
        self.ring().sustain(on);
    }

    /// A hand for a thread that shows frames, where a frame is up and the driver has nothing to tell.
    pub fn follower(&self) -> Option<Follower> {
        let is_steady = self.ring().shows_frame() && !self.device.has_event();
        is_steady.then(|| Follower {
            ring: Arc::downgrade(&self.ring),
        })
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        lock(&self.ring)
    }
}

fn lock(ring: &Mutex<Ring>) -> MutexGuard<'_, Ring> {
    // Nothing in there panics half-way.
    ring.lock().unwrap_or_else(PoisonError::into_inner)
}
