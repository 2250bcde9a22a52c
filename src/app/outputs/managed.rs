//! One output, as the applet holds it: open or waited for.

use std::cell::{Ref, RefCell};
use std::io;
use std::rc::Rc;
use std::sync::Arc;

use glib::ControlFlow;

use super::Backends;
use super::repeat::RepeatTimer;
use crate::app::Events;
use crate::descriptor::Watched;
use crate::output::{self, Notify, Output, OutputEvent, Sink, Streams};
use crate::placeholder::Pictures;
use crate::relay::{Card, Event, Fault, OutputId, Watch};
use crate::settings::{OutputKind, OutputSpec, Settings};

/// A virtual camera, or the wait for one.
pub struct ManagedOutput {
    id: OutputId,
    spec: OutputSpec,
    backends: Backends,
    open: Option<Open>,
    /// Watches over what could not be opened, while there is no output.
    waiting: Vec<Watched>,
    /// Why it could not be opened the last time.
    fault: Option<Fault>,
    /// Whether the result of the last attempt was logged.
    is_logged: bool,
    events: Events,
    /// Called when what could not be opened may be there.
    retry: Rc<dyn Fn()>,
}

struct Open {
    output: Shared,
    timer: RepeatTimer,
}

type Shared = Rc<RefCell<Box<dyn Output>>>;

impl ManagedOutput {
    /// An output that is not open.
    pub fn new(
        id: OutputId,
        spec: OutputSpec,
        backends: Backends,
        events: Events,
        retry: Rc<dyn Fn()>,
    ) -> Self {
        Self {
            id,
            spec,
            backends,
            open: None,
            waiting: Vec::new(),
            fault: None,
            is_logged: false,
            events,
            retry,
        }
    }

    /// Which output it is.
    pub fn id(&self) -> OutputId {
        self.id
    }

    /// The open output.
    pub fn output(&self) -> Option<Ref<'_, Box<dyn Output>>> {
        Some(self.open.as_ref()?.output.borrow())
    }

    /// Whether it is of the last kind that `auto` takes because nothing better was there.
    pub fn is_fallback(&self) -> bool {
        let kind = self.output().map(|output| output.info().kind);
        self.spec.kind == OutputKind::Auto && kind == Some(OutputKind::Pipewire)
    }

    /// Opens the output. While that fails, everything that may change it is watched.
    pub fn connect(&mut self, settings: &Settings) -> Result<Watch, Fault> {
        self.disconnect();
        let notify = self.notify();
        let opened = output::open(&self.backends, &self.spec, settings, &notify);
        let opened = opened.and_then(|output| self.adopt(output));
        if opened.is_err() || self.is_fallback() {
            self.wait_for_better(settings);
        }
        let fault = opened.as_ref().err();
        self.is_logged &= fault.is_some() && self.fault.as_ref() == fault;
        self.fault = fault.cloned();
        opened
    }

    /// Whether there is something better now than the fallback. While there isn't, everything that may
    /// change it is watched.
    pub fn has_better(&mut self, settings: &Settings) -> bool {
        if !self.is_fallback() {
            return false;
        }
        let has_better = output::has_better(&self.backends, OutputKind::Pipewire, settings);
        self.waiting.clear();
        if !has_better {
            self.wait_for_better(settings);
        }
        has_better
    }

    fn wait(&mut self, settings: &Settings, is_wanted: impl Fn(OutputKind) -> bool) {
        let backends = self.backends.iter();
        let wanted = backends.filter(|backend| is_wanted(backend.kind()));
        let waiting =
            wanted.flat_map(|backend| backend.wait(&self.spec, settings, self.retry.clone()));
        self.waiting = waiting.collect();
    }

    /// Waits for whatever is better than the output, if there is one.
    fn wait_for_better(&mut self, settings: &Settings) {
        let kind = self.output().map(|output| output.info().kind);
        self.wait(settings, |other| Some(other) != kind);
    }

    /// Logs what is there, or why nothing is, once.
    pub fn log(&mut self) {
        if std::mem::replace(&mut self.is_logged, true) {
            return;
        }
        if let Some(fault) = &self.fault {
            tracing::warn!("no output {}: {fault}", self.spec);
        } else if let Some(output) = self.output() {
            let info = output.info();
            let (name, place, watch) = (&info.name, info.place(), info.watch.name());
            tracing::info!("virtual camera: {name} ({place}), watched by {watch}");
        }
    }

    fn adopt(&mut self, output: Box<dyn Output>) -> Result<Watch, Fault> {
        let (watch, framerate) = (output.info().watch, output.info().framerate);
        let output: Shared = Rc::new(RefCell::new(output));
        let (weak, id, events) = (Rc::downgrade(&output), self.id, self.events.clone());
        let timer = RepeatTimer::new(framerate, move || {
            let Some(output) = weak.upgrade() else {
                return ControlFlow::Break;
            };
            let repeated = output.borrow_mut().repeat();
            match repeated {
                Ok(streams) => {
                    report(streams, id, &events);
                    ControlFlow::Continue
                }
                Err(error) => {
                    let fault = output.borrow().lost(&error);
                    drop(output);
                    events.send(Event::OutputLost(id, fault));
                    ControlFlow::Break
                }
            }
        });
        let timer = timer.map_err(|error| output.borrow().lost(&error))?;
        self.open = Some(Open { output, timer });
        Ok(watch)
    }

    /// Turns what an output reports into events of the relay.
    fn notify(&self) -> Notify {
        let (id, events) = (self.id, self.events.clone());
        Rc::new(move |event| {
            events.send(match event {
                OutputEvent::Streams(count) => Event::Usage(id, count),
                OutputEvent::Opens(change) => Event::Opens(id, change),
                OutputEvent::Holders(holders) => Event::Holders(id, Some(holders)),
                OutputEvent::Lost(fault) => Event::OutputLost(id, fault),
            });
        })
    }

    /// What shows the camera's frames here.
    pub fn sink(&self) -> Option<Arc<dyn Sink>> {
        let open = self.open.as_ref()?;
        Some(open.timer.wrap(open.output.borrow().sink()))
    }

    /// Shows a placeholder.
    pub fn show(&mut self, card: Card) -> Result<(), Fault> {
        self.with_open(|open| {
            open.timer.after_card();
            open.output.borrow_mut().show(card)
        })
    }

    /// Keeps frames coming to a client that streams, or stops it.
    pub fn sustain(&mut self, on: bool) -> Result<(), Fault> {
        self.with_open(|open| {
            open.output.borrow_mut().sustain(on)?;
            open.timer.set(on);
            Ok(None)
        })
    }

    /// Takes other placeholder pictures, and shows the new one if a placeholder is up.
    pub fn set_pictures(&mut self, pictures: &Arc<Pictures>) -> Result<(), Fault> {
        self.with_open(|open| {
            let mut output = open.output.borrow_mut();
            output.set_pictures(pictures.clone()).map(|()| None)
        })
    }

    /// Device nodes have come, gone, or changed.
    pub fn nodes_changed(&mut self) -> Result<(), Fault> {
        self.with_open(|open| open.output.borrow_mut().nodes_changed().map(|()| None))
    }

    /// Gives the output back, and waits for none.
    pub fn disconnect(&mut self) {
        self.open = None;
        self.waiting.clear();
    }

    /// Drops an output that is gone. A device that comes back is seen by its node; the rest is waited for.
    pub fn forget(&mut self, settings: &Settings) {
        let Some(open) = self.open.take() else {
            return;
        };
        let (kind, has_node) = {
            let output = open.output.borrow();
            (output.info().kind, output.info().node.is_some())
        };
        drop(open);
        if !has_node {
            self.wait(settings, |other| other == kind);
        }
    }

    /// Why it is gone, and what to do.
    pub fn lost(&self, error: &io::Error) -> Option<Fault> {
        Some(self.output()?.lost(error))
    }

    fn with_open(&mut self, act: impl FnOnce(&Open) -> io::Result<Streams>) -> Result<(), Fault> {
        let Some(open) = &self.open else {
            return Ok(());
        };
        let streams = act(open).map_err(|error| open.output.borrow().lost(&error))?;
        report(streams, self.id, &self.events);
        Ok(())
    }
}

/// Reports what a driver reported while a picture was shown, after that.
fn report(streams: Streams, id: OutputId, events: &Events) {
    if let Some(count) = streams {
        events.post(Event::Usage(id, count));
    }
}
