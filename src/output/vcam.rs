//! A camera of the vcam kernel driver, which shows frames where they lie.
//!
//! A frame is a DMA-BUF over a memfd, and the driver copies it to the client when both are there:
//! the worker's slot goes to the driver as it is, and comes back when it was shown. Placeholders lie
//! in memory of their own, which no worker ever sees. What was learned by running the driver's first
//! revision, and is worked around here and in the files below:
//! - closing frees the camera twice, so it is opened once and never closed, and keeps its shape;
//! - the driver's calls may wait for a client: they are made on a thread ([`feeder`]);
//! - it repeats nothing: whoever has a client keeps frames coming;
//! - while it is off it lists any size: it is turned on whenever nobody has it open;
//! - when a client leaves, its frames come back by STREAMOFF without a word, by close with one.
//!
//! One thing is the driver's own to mend: a client that stops just when a frame is copied to it has the
//! kernel warn of a buffer that wasn't given back (`__vb2_queue_cancel`).

mod feeder;
mod find;
mod memory;
mod uapi;

use std::ffi::CString;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use feeder::{Camera, Feeder, Freed, PLACES, Picture};
use memory::Memory;
use rustix::io::Errno;

pub use feeder::KEPT_SLOTS;
pub use find::{find, is_there, open};
pub use memory::UDMABUF;
pub use uapi::{Control, PATH as CONTROL};

use crate::placeholder::Pictures;
use crate::relay::{Card, Generation};
use crate::settings::Geometry;

/// Two placeholders: one is shown while the other is painted.
const CARDS: usize = 2;

/// A camera frame in the memory that a worker fills.
#[derive(Clone, Copy, Debug)]
pub struct Slot<'a> {
    /// Whose slot it is.
    pub generation: Generation,
    /// Its number.
    pub slot: u32,
    /// The memory of all slots, which can't shrink.
    pub memory: &'a File,
    /// Bytes from one slot to the next; whole pages.
    pub stride: usize,
}

/// An open camera of the vcam driver that shows a picture.
#[derive(Debug)]
pub struct Vcam {
    control: Arc<Control>,
    feeder: Feeder,
    path: PathBuf,
    name: String,
    geometry: Geometry,
    framerate: u32,
    pictures: Rc<Pictures>,
    cards: Arc<Memory>,
    /// What each of them shows.
    painted: [Option<Card>; CARDS],
    /// The one that is up, or was last.
    card: usize,
    /// Whether the camera's picture is up.
    live: bool,
    slots: Option<Slots>,
    freed: Freed,
}

/// The slots of one worker that the driver may have.
#[derive(Debug)]
struct Slots {
    generation: Generation,
    /// Where they lie; not kept longer than the camera's picture is up.
    memory: Option<Arc<Memory>>,
    /// Those that are the driver's, or on the way; a bit each.
    kept: u64,
}

impl Vcam {
    /// Makes a camera that shows black.
    pub fn new(name: &str, geometry: Geometry, framerate: u32) -> io::Result<Self> {
        let control = Arc::new(Control::open()?);
        let cards = Arc::new(Memory::new(CARDS, geometry.frame_len())?);
        // Before there is a camera: it can't be taken back.
        cards.buffer(0)?;
        let label = CString::new(name)?;
        let number = control.create(&label, geometry, PLACES)?;
        let path = PathBuf::from(format!("/dev/video{number}"));
        let mut output = Self {
            feeder: Feeder::start(Camera(control.clone(), path.clone()), framerate)?,
            control,
            path,
            name: name.to_owned(),
            geometry,
            framerate,
            pictures: Rc::new(Pictures::black(geometry)),
            cards,
            painted: [None; CARDS],
            card: 0,
            live: false,
            slots: None,
            freed: Freed::default(),
        };
        output.show(Card::Off)?;
        Ok(output)
    }

    /// The driver, to watch its clients.
    pub fn control(&self) -> &Arc<Control> {
        &self.control
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

    /// The frame rate at which placeholders are shown.
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
        self.painted = [None; CARDS];
    }

    /// Shows a camera frame where it lies, without a copy. True if the slot is kept until
    /// [`freed`](Self::freed) names it; false if the frame was left out, because the last one is
    /// still on its way.
    pub fn submit(&mut self, slot: Slot<'_>) -> io::Result<bool> {
        if self.feeder.is_busy() {
            return Ok(false);
        }
        let memory = self.keep(slot)?;
        self.live = true;
        self.feeder.feed(Picture {
            memory,
            index: slot.slot as usize,
            lease: Some(self.freed.lend(slot.generation, slot.slot)),
        })?;
        Ok(true)
    }

    /// The slots that came back since the last call.
    pub fn freed(&mut self) -> Vec<(Generation, u32)> {
        let freed = self.freed.take();
        if let Some(slots) = &mut self.slots {
            for (_, slot) in freed.iter().filter(|(whose, _)| *whose == slots.generation) {
                slots.kept &= !(1 << slot);
            }
        }
        freed
    }

    /// The slots of a worker that the driver may still have; a bit each.
    pub fn kept(&self, generation: Generation) -> u64 {
        let slots = self.slots.as_ref();
        slots
            .filter(|slots| slots.generation == generation)
            .map_or(0, |slots| slots.kept)
    }

    /// Shows a placeholder, anew if it is shown already. When it takes the place of camera frames,
    /// none of those that the driver may have is in memory afterwards.
    pub fn show(&mut self, card: Card) -> io::Result<()> {
        if std::mem::take(&mut self.live) {
            self.cover(card)?;
        }
        if self.painted[self.card] != Some(card) {
            self.paint(card)?;
        } else if self.feeder.is_busy() {
            return Ok(()); // it is on its way
        }
        self.feeder.feed(Picture {
            memory: self.cards.clone(),
            index: self.card,
            lease: None,
        })
    }

    /// Shows a placeholder once more; camera frames are repeated by the feeder itself.
    pub fn repeat(&mut self) -> io::Result<()> {
        let card = self.painted[self.card].filter(|_| !self.live);
        card.map_or(Ok(()), |card| self.show(card))
    }

    /// Keeps frames coming while it is told that a client streams.
    pub fn pacemaker(&self) -> impl Fn(bool) + Send + use<> {
        self.feeder.pacemaker()
    }

    /// Sees to the driver: somebody has closed the camera, or may open it now.
    pub fn look(&self) -> io::Result<()> {
        self.feeder.look()
    }

    /// Paints a placeholder that is not up; while nobody looks, the one that the driver has.
    fn paint(&mut self, card: Card) -> io::Result<()> {
        if self.control.is_streaming()? {
            self.card = (self.card + 1) % CARDS;
        }
        let pictures = &self.pictures;
        self.cards
            .write(self.card, |frame| pictures.paint(card, frame))?;
        self.painted[self.card] = Some(card);
        Ok(())
    }

    /// Overwrites the camera frames that the driver may have, where they lie: it can't be told to
    /// drop them.
    fn cover(&mut self, card: Card) -> io::Result<()> {
        let Some(slots) = &mut self.slots else {
            return Ok(());
        };
        let Some(memory) = slots.memory.take() else {
            return Ok(());
        };
        (0..u64::BITS as usize)
            .filter(|slot| slots.kept >> slot & 1 == 1)
            .try_for_each(|slot| memory.write(slot, |frame| self.pictures.paint(card, frame)))
    }

    /// Notes that the driver gets a slot; answers with its memory.
    fn keep(&mut self, slot: Slot<'_>) -> io::Result<Arc<Memory>> {
        let bit = 1u64.checked_shl(slot.slot).ok_or(Errno::INVAL)?;
        let slots = match self.slots.take() {
            Some(slots) if slots.generation == slot.generation => slots,
            _ => Slots {
                generation: slot.generation,
                memory: None,
                kept: 0,
            },
        };
        let slots = self.slots.insert(slots);
        let memory = if let Some(memory) = &slots.memory {
            memory.clone()
        } else {
            let len = self.geometry.frame_len();
            let memory = Memory::share(slot.memory, len, slot.stride)?;
            slots.memory.insert(Arc::new(memory)).clone()
        };
        slots.kept |= bit;
        Ok(memory)
    }
}
