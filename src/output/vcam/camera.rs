//! A camera of the driver, and what it shows.

use std::ffi::CString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};

use super::feeder::{Feeder, Node, PLACES, Picture};
use super::memory::Memory;
use super::uapi::Control;
use crate::output::{Lease, Slots};
use crate::placeholder::Pictures;
use crate::relay::Card;
use crate::settings::Geometry;

/// Two placeholders: one is shown while the other is painted.
const CARDS: usize = 2;

/// An open camera that shows a picture.
pub struct Camera {
    control: Arc<Control>,
    feeder: Feeder,
    path: PathBuf,
    name: String,
    geometry: Geometry,
    framerate: u32,
    pictures: Arc<Pictures>,
    cards: Arc<Memory>,
    /// What each of them shows.
    painted: [Option<Card>; CARDS],
    /// The one that is up, or was last.
    card: usize,
    /// The frames that the driver may have while the camera's picture is up.
    live: Option<Live>,
}

/// A worker's slots, as the driver may have them.
struct Live {
    slots: Arc<dyn Slots>,
    memory: Arc<Memory>,
    /// Those that the driver has, or had.
    leases: Vec<Weak<Lease>>,
}

impl Camera {
    /// Makes a camera that shows black.
    pub fn new(name: &str, geometry: Geometry, framerate: u32) -> io::Result<Self> {
        let control = Arc::new(Control::open()?);
        let cards = Arc::new(Memory::new(CARDS, geometry.frame_len())?);
        // Before there is a camera: it can't be undone.
        cards.buffer(0)?;
        let label = CString::new(name)?;
        let number = control.create(&label, geometry, PLACES)?;
        let path = PathBuf::from(format!("/dev/video{number}"));
        let mut camera = Self {
            feeder: Feeder::start(Node(control.clone(), path.clone()), framerate)?,
            control,
            path,
            name: name.to_owned(),
            geometry,
            framerate,
            pictures: Arc::new(Pictures::black(geometry)),
            cards,
            painted: [None; CARDS],
            card: 0,
            live: None,
        };
        camera.show(Card::Off)?;
        Ok(camera)
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
    pub fn pictures(&self) -> Arc<Pictures> {
        self.pictures.clone()
    }

    /// Takes other placeholder pictures, and shows the new one if a placeholder is up.
    pub fn set_pictures(&mut self, pictures: Arc<Pictures>) -> io::Result<()> {
        let shown = self.shown_card();
        self.pictures = pictures;
        self.painted = [None; CARDS];
        shown.map_or(Ok(()), |card| self.show(card))
    }

    fn shown_card(&self) -> Option<Card> {
        self.painted[self.card].filter(|_| self.live.is_none())
    }

    /// Shows a camera frame where it lies. False if it was left out, because the last one is still on
    /// its way.
    pub fn submit(&mut self, lease: &Arc<Lease>) -> io::Result<bool> {
        if self.feeder.is_busy() {
            return Ok(false);
        }
        let memory = self.keep(lease)?;
        self.feeder.feed(Picture {
            memory,
            index: lease.slot() as usize,
            lease: Some(lease.clone()),
        })?;
        Ok(true)
    }

    /// Shows a placeholder, anew if it is shown already. When it takes the place of camera frames,
    /// none of those that the driver may have is in memory afterwards.
    pub fn show(&mut self, card: Card) -> io::Result<()> {
        if let Some(live) = self.live.take() {
            self.cover(&live, card)?;
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
        self.shown_card().map_or(Ok(()), |card| self.show(card))
    }

    /// Keeps frames coming while it is set.
    pub fn sustain_handle(&self) -> impl Fn(bool) + Send + use<> {
        self.feeder.sustain_handle()
    }

    /// Checks the driver: a program has closed the camera, or it may be opened now.
    pub fn check(&self) -> io::Result<()> {
        self.feeder.check()
    }

    /// Paints a placeholder that is not up; while no client streams, the one that the driver has.
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

    /// Overwrites the camera frames that the driver may have, where they lie: it has no call
    /// to drop them.
    fn cover(&self, live: &Live, card: Card) -> io::Result<()> {
        let leases = live.leases.iter().filter_map(Weak::upgrade);
        leases.into_iter().try_for_each(|lease| {
            let slot = lease.slot() as usize;
            live.memory
                .write(slot, |frame| self.pictures.paint(card, frame))
        })
    }

    /// Notes that the driver gets a slot; answers with its memory.
    fn keep(&mut self, lease: &Arc<Lease>) -> io::Result<Arc<Memory>> {
        let slots = lease.slots();
        let same = |live: &Live| Arc::ptr_eq(&live.slots, slots);
        let live = match self.live.take().filter(same) {
            Some(live) => live,
            None => Live {
                memory: Arc::new(Memory::share(&**slots, self.geometry.frame_len())?),
                slots: slots.clone(),
                leases: Vec::new(),
            },
        };
        let live = self.live.insert(live);
        live.leases.retain(|lease| lease.strong_count() > 0);
        live.leases.push(Arc::downgrade(lease));
        Ok(live.memory.clone())
    }
}
