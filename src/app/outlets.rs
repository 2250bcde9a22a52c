//! The outputs together: all are set up by the same settings and show the same picture.

use std::cell::{Cell, Ref};
use std::path::PathBuf;
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::Events;
use super::outlet::{Outlet, patience};
use crate::output::{Follower, Frame, KEPT_SLOTS, Output, Vcam};
use crate::placeholder::Pictures;
use crate::relay::{Card, Fault, Generation, OutputId, OutputSet, Watch};
use crate::settings::{Geometry, Settings};

/// An output that failed, and why.
pub type Lost = (OutputId, Fault);

/// What came of opening an output.
pub type Opened = (OutputId, Result<Watch, Fault>);

/// Every output that the settings ask for.
pub struct Outlets {
    list: Vec<Outlet>,
    /// What those that are open were set up by: one that comes later must have the same shape.
    settings: Settings,
    /// A camera of vcam that no output shows now: it can't be closed and made anew.
    kept: Option<Vcam>,
    events: Events,
    retry: Rc<dyn Fn()>,
}

impl Outlets {
    /// No output yet. `retry` is called when one that could not be opened may be there.
    pub fn new(events: Events, retry: impl Fn() + 'static) -> Self {
        Self {
            list: Vec::new(),
            settings: Settings::default(),
            kept: None,
            events,
            retry: Rc::new(retry),
        }
    }

    /// The outputs that are open.
    pub fn open(&self) -> impl Iterator<Item = (Ref<'_, Output>, Watch)> {
        self.list.iter().filter_map(Outlet::open)
    }

    /// The settings that the open outputs were set up by; `None` if there is none.
    pub fn settings(&self) -> Option<Settings> {
        self.open().next().map(|_| self.settings.clone())
    }

    /// Every output that is wanted.
    pub fn ids(&self) -> Vec<OutputId> {
        self.list.iter().map(Outlet::id).collect()
    }

    /// Whether an output is wanted that isn't there.
    pub fn are_incomplete(&self) -> bool {
        self.list.is_empty() || self.list.iter().any(|outlet| outlet.output().is_none())
    }

    /// Whether what PipeWire stands in for is there now.
    pub fn are_outdone(&mut self) -> bool {
        let mut list = self.list.iter_mut();
        list.any(|outlet| outlet.is_outdone(&self.settings))
    }

    /// How many are open, and how many of them are no stand-ins: the more, the better.
    pub fn worth(&self) -> (usize, usize) {
        let open = self.open().count();
        let stand_ins = self.list.iter().filter(|outlet| outlet.stands_in());
        (open, open - stand_ins.count())
    }

    /// The shape and rate of the frames that clients see.
    pub fn shape(&self) -> Option<(Geometry, u32)> {
        let (output, _) = self.open().next()?;
        Some((output.geometry(), output.framerate()))
    }

    /// How long to wait for a camera's next frame.
    pub fn patience(&self) -> Option<Duration> {
        let (_, framerate) = self.shape()?;
        Some(patience(Duration::from_secs(1) / framerate))
    }

    /// The device node of an output that has one.
    pub fn node(&self, id: OutputId) -> Option<PathBuf> {
        let outlet = self.list.iter().find(|outlet| outlet.id() == id)?;
        let output = outlet.output()?;
        output.node().map(PathBuf::from)
    }

    /// Opens every output that the settings ask for, in place of those that are open.
    pub fn set_up(&mut self, settings: &Settings) -> Vec<Opened> {
        self.settings = settings.clone();
        let vcam = self.list.iter_mut().find_map(Outlet::take_vcam);
        self.kept = vcam.or(self.kept.take());
        self.list.clear();
        let specs = settings.output.specs.iter().cloned();
        for (id, spec) in (0..).map(OutputId).zip(specs) {
            let (events, retry) = (self.events.clone(), self.retry.clone());
            self.list.push(Outlet::new(id, spec, events, retry));
        }
        self.connect()
    }

    /// Opens the outputs that are missing; by `settings` if none is open.
    pub fn complete(&mut self, settings: &Settings) -> Vec<Opened> {
        if self.settings().is_none() && (self.list.is_empty() || self.settings != *settings) {
            return self.set_up(settings);
        }
        self.connect()
    }

    fn connect(&mut self) -> Vec<Opened> {
        let missing = self
            .list
            .iter_mut()
            .filter(|outlet| outlet.output().is_none());
        missing
            .map(|outlet| (outlet.id(), outlet.connect(&self.settings, &mut self.kept)))
            .collect()
    }

    /// Says what is there, and why the rest isn't, where that is news.
    pub fn log(&mut self) {
        self.list.iter_mut().for_each(Outlet::log);
    }

    /// Shows a camera frame on some of the outputs; whether one keeps the slot.
    pub fn submit(&mut self, to: OutputSet, frame: &Frame<'_>) -> (bool, Vec<Lost>) {
        let chosen = |outlet: &Outlet| to.contains(outlet.id());
        let kept = Cell::new(false);
        let lost = self.each(chosen, |outlet| {
            kept.set(outlet.submit(frame)? | kept.get());
            Ok(())
        });
        (kept.get(), lost)
    }

    /// A hand on each of these outputs for a thread that shows frames, if there is a way to all.
    pub fn followers(&self, of: OutputSet) -> Option<Vec<Follower>> {
        let chosen = self.list.iter().filter(|outlet| of.contains(outlet.id()));
        chosen.map(Outlet::follower).collect()
    }

    /// Leaves these outputs to that thread.
    pub fn step_back(&mut self, from: OutputSet) {
        let chosen = |outlet: &&mut Outlet| from.contains(outlet.id());
        let outlets = self.list.iter_mut().filter(chosen);
        outlets.for_each(Outlet::step_back);
    }

    /// Takes outputs over again; their last frame was shown then.
    pub fn take_over(&mut self, last: Instant) {
        for outlet in &mut self.list {
            outlet.take_over(last);
        }
    }

    /// The slots that were kept and are free again, since the last call.
    pub fn freed(&self) -> Vec<(Generation, u32)> {
        self.list.iter().flat_map(Outlet::freed).collect()
    }

    /// The slots of a worker that an output keeps; a bit each.
    pub fn kept(&self, generation: Generation) -> u64 {
        let shown = self
            .open()
            .filter_map(|(output, _)| Some(output.vcam()?.kept(generation)));
        // A camera that was given back may still have frames of it on their way.
        let aside = self.kept.iter().map(|vcam| vcam.kept(generation));
        shown.chain(aside).fold(0, |all, kept| all | kept)
    }

    /// Slots that a worker has to do without at most, because outputs keep them.
    pub fn kept_slots(&self) -> u32 {
        let keeps = self.open().any(|(output, _)| output.vcam().is_some());
        if keeps { KEPT_SLOTS } else { 0 }
    }

    /// Shows a placeholder on an output.
    pub fn show(&mut self, id: OutputId, card: Card) -> Vec<Lost> {
        self.each(|outlet| outlet.id() == id, |outlet| outlet.show(card))
    }

    /// Keeps frames coming to the clients of an output, or stops it.
    pub fn sustain(&mut self, id: OutputId, on: bool) -> Vec<Lost> {
        self.each(|outlet| outlet.id() == id, |outlet| outlet.sustain(on))
    }

    /// Takes other placeholder pictures of this shape.
    pub fn set_pictures(&mut self, geometry: Geometry, pictures: &Rc<Pictures>) -> Vec<Lost> {
        let fits = |outlet: &Outlet| {
            let output = outlet.output();
            output.is_some_and(|output| output.geometry() == geometry)
        };
        self.each(fits, |outlet| outlet.set_pictures(pictures))
    }

    /// Sees to outputs that depend on what is in /dev.
    pub fn look(&mut self) -> Vec<Lost> {
        self.each(|_| true, Outlet::look)
    }

    /// Covers every output and gives it back, but for a camera of vcam, which can't be.
    pub fn close(&mut self) {
        for outlet in &mut self.list {
            if let Err(fault) = outlet.show(Card::Off) {
                tracing::debug!("{fault}");
            }
            if let Some(vcam) = outlet.take_vcam() {
                self.kept = Some(vcam);
            }
            outlet.disconnect();
        }
    }

    /// Drops an output that is gone.
    pub fn forget(&mut self, id: OutputId) {
        let mut list = self.list.iter_mut();
        if let Some(outlet) = list.find(|outlet| outlet.id() == id) {
            outlet.forget();
        }
    }

    fn each(
        &mut self,
        chosen: impl Fn(&Outlet) -> bool,
        act: impl Fn(&mut Outlet) -> Result<(), Fault>,
    ) -> Vec<Lost> {
        let outlets = self.list.iter_mut().filter(|outlet| chosen(outlet));
        let done = outlets.map(|outlet| (outlet.id(), act(outlet)));
        done.filter_map(|(id, done)| Some((id, done.err()?)))
            .collect()
    }
}
