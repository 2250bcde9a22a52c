//! The outputs together: all are set up by the same settings and show the same picture.

mod managed;
mod repeat;

use std::cell::Ref;
use std::io;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

use self::managed::ManagedOutput;
use super::Events;
use crate::output::{Backend, Output, Sink};
use crate::placeholder::Pictures;
use crate::relay::{Card, Fault, OutputId, OutputSet, Watch};
use crate::settings::{Geometry, Settings};

/// What outputs are opened with.
pub type Backends = Rc<[Box<dyn Backend>]>;

/// An output that failed, and why.
pub type Lost = (OutputId, Fault);

/// What came of opening an output.
pub type Opened = (OutputId, Result<Watch, Fault>);

/// Every output that the settings list.
pub struct Outputs {
    list: Vec<ManagedOutput>,
    /// What those that are open were set up by: one that comes later must have the same shape.
    settings: Settings,
    backends: Backends,
    events: Events,
    retry: Rc<dyn Fn()>,
}

impl Outputs {
    /// No output yet. `retry` is called when one that could not be opened may be there.
    pub fn new(backends: Backends, events: Events, retry: impl Fn() + 'static) -> Self {
        Self {
            list: Vec::new(),
            settings: Settings::default(),
            backends,
            events,
            retry: Rc::new(retry),
        }
    }

    /// The outputs that are open.
    pub fn open(&self) -> impl Iterator<Item = Ref<'_, Box<dyn Output>>> {
        self.list.iter().filter_map(ManagedOutput::output)
    }

    /// The settings that the open outputs were set up by; `None` if there is none.
    pub fn settings(&self) -> Option<Settings> {
        self.open().next().map(|_| self.settings.clone())
    }

    /// Every output that is wanted.
    pub fn ids(&self) -> Vec<OutputId> {
        self.list.iter().map(ManagedOutput::id).collect()
    }

    /// Whether an output is wanted that isn't there.
    pub fn are_incomplete(&self) -> bool {
        self.list.is_empty() || self.list.iter().any(|output| output.output().is_none())
    }

    /// Whether a fallback could be replaced by something better now.
    pub fn have_better(&mut self) -> bool {
        let mut list = self.list.iter_mut();
        list.any(|output| output.has_better(&self.settings))
    }

    /// How many are open, and how many of them are no fallback: the more, the better.
    pub fn rank(&self) -> (usize, usize) {
        let open = self.open().count();
        let fallbacks = self.list.iter().filter(|output| output.is_fallback());
        (open, open - fallbacks.count())
    }

    /// The shape and rate of the frames that clients see.
    pub fn shape(&self) -> Option<(Geometry, u32)> {
        let output = self.open().next()?;
        Some((output.info().geometry, output.info().framerate))
    }

    /// The placeholder pictures that clients see.
    pub fn pictures(&self) -> Option<Arc<Pictures>> {
        Some(self.open().next()?.pictures())
    }

    /// The device node of an output that has one.
    pub fn node(&self, id: OutputId) -> Option<PathBuf> {
        let output = self.get(id)?.output()?;
        output.info().node.clone()
    }

    /// Slots that a worker has to do without at most, because outputs keep them.
    pub fn kept_slots(&self) -> u32 {
        self.open().map(|output| output.kept_slots()).sum()
    }

    /// What shows the camera's frames on these outputs.
    pub fn sinks(&self, route: OutputSet) -> Vec<(OutputId, Arc<dyn Sink>)> {
        let chosen = self
            .list
            .iter()
            .filter(|output| route.contains(output.id()));
        chosen
            .filter_map(|output| Some((output.id(), output.sink()?)))
            .collect()
    }

    /// Why an output is gone, and what to do.
    pub fn lost(&self, id: OutputId, error: &io::Error) -> Option<Fault> {
        self.get(id)?.lost(error)
    }

    fn get(&self, id: OutputId) -> Option<&ManagedOutput> {
        self.list.iter().find(|output| output.id() == id)
    }

    /// Opens every output that the settings list, in place of those that are open.
    pub fn set_up(&mut self, settings: &Settings) -> Vec<Opened> {
        self.settings = settings.clone();
        self.list.clear();
        let specs = settings.output.specs.iter().cloned();
        for (id, spec) in (0..).map(OutputId).zip(specs) {
            self.list.push(ManagedOutput::new(
                id,
                spec,
                self.backends.clone(),
                self.events.clone(),
                self.retry.clone(),
            ));
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
        let list = self.list.iter_mut();
        let missing = list.filter(|output| output.output().is_none());
        missing
            .map(|output| (output.id(), output.connect(&self.settings)))
            .collect()
    }

    /// Logs what is there, and why the rest isn't, where that is news.
    pub fn log(&mut self) {
        self.list.iter_mut().for_each(ManagedOutput::log);
    }

    /// Shows a placeholder on an output.
    pub fn show(&mut self, id: OutputId, card: Card) -> Vec<Lost> {
        self.each(|output| output.id() == id, |output| output.show(card))
    }

    /// Keeps frames coming to the clients of an output, or stops it.
    pub fn sustain(&mut self, id: OutputId, on: bool) -> Vec<Lost> {
        self.each(|output| output.id() == id, |output| output.sustain(on))
    }

    /// Takes other placeholder pictures of this shape.
    pub fn set_pictures(&mut self, geometry: Geometry, pictures: &Arc<Pictures>) -> Vec<Lost> {
        let fits = |managed: &ManagedOutput| {
            let output = managed.output();
            output.is_some_and(|output| output.info().geometry == geometry)
        };
        self.each(fits, |output| output.set_pictures(pictures))
    }

    /// Device nodes have come, gone, or changed.
    pub fn nodes_changed(&mut self) -> Vec<Lost> {
        self.each(|_| true, ManagedOutput::nodes_changed)
    }

    /// Covers every output and gives it back.
    pub fn close(&mut self) {
        for output in &mut self.list {
            if let Err(fault) = output.show(Card::Off) {
                tracing::debug!("{fault}");
            }
            output.disconnect();
        }
    }

    /// Drops an output that is gone.
    pub fn forget(&mut self, id: OutputId) {
        let mut list = self.list.iter_mut();
        if let Some(output) = list.find(|output| output.id() == id) {
            output.forget(&self.settings);
        }
    }

    fn each(
        &mut self,
        chosen: impl Fn(&ManagedOutput) -> bool,
        act: impl Fn(&mut ManagedOutput) -> Result<(), Fault>,
    ) -> Vec<Lost> {
        let outputs = self.list.iter_mut().filter(|output| chosen(output));
        let done = outputs.map(|output| (output.id(), act(output)));
        done.filter_map(|(id, done)| Some((id, done.err()?)))
            .collect()
    }
}
