//! A camera of the driver, and what it shows.

use std::ffi::CString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};

use super::feeder::{Driver, Feeder, Node, PLACES, Picture};
use super::memory::Memory;
use super::uapi::Control;
use crate::output::{Lease, Slots};
use crate::placeholder::Pictures;
use crate::relay::Card;
use crate::settings::Geometry;

/// Two placeholders: one is shown while the other is painted.
const CARDS: usize = 2;

/// An open camera that shows a picture.
pub struct Camera<D = Node> {
    driver: D,
    feeder: Feeder,
    name: String,
    geometry: Geometry,
    framerate: u32,
    pictures: Arc<Pictures>,
    cards: Arc<Memory>,
    /// What each of them shows.
    painted: [Option<Card>; CARDS],
    /// The one that is up, or was last.
    card: usize,
    /// The worker's slots, and their memory, while the camera's picture is up.
    live: Option<(Arc<dyn Slots>, Arc<Memory>)>,
    /// Those that the driver has, or had; some may be an earlier worker's.
    leases: Vec<(Arc<Memory>, Weak<Lease>)>,
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
        let node = Node(control, PathBuf::from(format!("/dev/video{number}")));
        let feeder = Feeder::start(node.clone(), framerate)?;
        let mut camera = Self::on(node, feeder, cards, name, geometry, framerate);
        camera.show(Card::Off)?;
        Ok(camera)
    }

    /// The driver, to watch its clients.
    pub fn control(&self) -> &Arc<Control> {
        &self.driver.0
    }

    /// The device node.
    pub fn path(&self) -> &Path {
        &self.driver.1
    }
}

impl<D: Driver> Camera<D> {
    fn on(
        driver: D,
        feeder: Feeder,
        cards: Arc<Memory>,
        name: &str,
        geometry: Geometry,
        framerate: u32,
    ) -> Self {
        Self {
            driver,
            feeder,
            name: name.to_owned(),
            geometry,
            framerate,
            pictures: Arc::new(Pictures::black(geometry)),
            cards,
            painted: [None; CARDS],
            card: 0,
            live: None,
            leases: Vec::new(),
        }
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
        self.cover(card)?;
        self.live = None;
        self.leases.clear();
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
    pub fn sustain_handle(&self) -> impl Fn(bool) + Send + use<D> {
        self.feeder.sustain_handle()
    }

    /// Checks the driver: a program has closed the camera, or it may be opened now.
    pub fn check(&self) -> io::Result<()> {
        self.feeder.check()
    }

    /// Paints a placeholder that is not up; while no client streams, the one that the driver has.
    fn paint(&mut self, card: Card) -> io::Result<()> {
        if self.driver.is_streaming()? {
            self.card = (self.card + 1) % CARDS;
        }
        let pictures = &self.pictures;
        self.cards
            .write(self.card, |frame| pictures.paint(card, frame))?;
        self.painted[self.card] = Some(card);
        Ok(())
    }

    /// Overwrites the camera frames that the driver may have, where they lie: it has no call
    /// to drop them. Goes on past an error, which leaves its slot black, and reports the first.
    fn cover(&self, card: Card) -> io::Result<()> {
        let leases = self.leases.iter();
        leases
            .filter_map(|(memory, lease)| Some((memory, lease.upgrade()?)))
            .map(|(memory, lease)| {
                let slot = lease.slot() as usize;
                memory.write(slot, |frame| self.pictures.paint(card, frame))
            })
            .fold(Ok(()), io::Result::and)
    }

    /// Notes that the driver gets a slot; answers with its memory.
    fn keep(&mut self, lease: &Arc<Lease>) -> io::Result<Arc<Memory>> {
        let slots = lease.slots();
        let known = self.live.as_ref();
        let memory = match known.filter(|(known, _)| Arc::ptr_eq(known, slots)) {
            Some((_, memory)) => memory.clone(),
            None => Arc::new(Memory::share(&**slots, self.geometry.frame_len())?),
        };
        self.live = Some((slots.clone(), memory.clone()));
        self.leases.retain(|(_, lease)| lease.strong_count() > 0);
        self.leases.push((memory.clone(), Arc::downgrade(lease)));
        Ok(memory)
    }
}

#[cfg(test)]
mod tests;
