//! One output, as the applet holds it: open or waited for, and watched for clients.

mod loopback;
mod pipewire;
mod pulse;
mod vcam;

use std::cell::{Cell, Ref, RefCell};
use std::io;
use std::rc::Rc;
use std::time::Instant;

use glib::ControlFlow;

use self::pulse::Pulse;
pub use self::pulse::patience;
use super::Events;
use crate::clients::UsageEvent;
use crate::descriptor::Watched;
use crate::output::{self, Frame, Output, Submitted, Vcam};
use crate::placeholder::Pictures;
use crate::relay::{Card, Event, Fault, FaultKind, Generation, OutputId, Watch};
use crate::settings::{OutputKind, OutputSpec, Settings};

/// A virtual camera, or the wait for one.
pub struct Outlet {
    id: OutputId,
    spec: OutputSpec,
    open: Option<Open>,
    /// Watches over what could not be opened, while there is no output.
    waiting: Vec<Watched>,
    /// Why it could not be opened the last time.
    fault: Option<Fault>,
    /// Whether what came of the last attempt was logged.
    told: bool,
    /// How often in a row PipeWire went or did not answer.
    failures: Rc<Cell<u32>>,
    events: Events,
    /// Called when what could not be opened may be there.
    retry: Rc<dyn Fn()>,
}

struct Open {
    output: Rc<RefCell<Output>>,
    watch: Watch,
    since: Instant,
    /// The placeholder that is up; `None` while the camera's picture is.
    card: Option<Card>,
    /// Only while a client streams.
    pulse: Option<Pulse>,
    /// The driver's word on its clients, where it has one.
    usage: Option<UsageEvent>,
    /// Hears it, but not while a thread shows frames here: every frame would wake us up.
    listener: Option<Watched>,
    _sources: Vec<Watched>,
}

/// How an output's clients are noticed.
struct Signs {
    watch: Watch,
    /// The driver's word, where it has one.
    usage: Option<UsageEvent>,
    sources: Vec<Watched>,
}

impl Signs {
    /// Signs without a word of v4l2loopback.
    fn new(watch: Watch, sources: Vec<Watched>) -> Self {
        Self {
            watch,
            usage: None,
            sources,
        }
    }
}

impl Outlet {
    /// An outlet without an output.
    pub fn new(id: OutputId, spec: OutputSpec, events: Events, retry: Rc<dyn Fn()>) -> Self {
        Self {
            id,
            spec,
            open: None,
            waiting: Vec::new(),
            fault: None,
            told: false,
            failures: Rc::default(),
            events,
            retry,
        }
    }

    /// Which output it is.
    pub fn id(&self) -> OutputId {
        self.id
    }

    /// The open output.
    pub fn output(&self) -> Option<Ref<'_, Output>> {
        Some(self.open.as_ref()?.output.borrow())
    }

    /// The open output, and how its clients are noticed.
    pub fn open(&self) -> Option<(Ref<'_, Output>, Watch)> {
        Some((self.output()?, self.open.as_ref()?.watch))
    }

    /// Whether it is PipeWire because nothing else was there.
    pub fn stands_in(&self) -> bool {
        let open = self.open.as_ref().map(|open| open.watch);
        self.spec.kind == OutputKind::Auto && open == Some(Watch::Pipewire)
    }

    /// Opens the output. While that fails, everything that may change it is watched.
    pub fn connect(
        &mut self,
        settings: &Settings,
        kept: &mut Option<Vcam>,
    ) -> Result<Watch, Fault> {
        self.disconnect();
        let mut nodes = self.watch_nodes();
        let open = || output::open(&self.spec, settings, kept);
        let result = loopback::attempt(&mut nodes, open, Result::is_ok);
        let adopted = result.and_then(|output| self.adopt(output));
        if adopted.is_err() || self.stands_in() {
            self.wait_for(nodes);
        }
        if adopted.is_err() {
            self.wait_for_pipewire();
        }
        let fault = adopted.as_ref().err();
        self.told &= fault.is_some() && self.fault.as_ref() == fault;
        self.fault = fault.cloned();
        adopted
    }

    /// Whether what PipeWire stands in for is there now. While it isn't, everything that may change it is
    /// watched.
    pub fn is_outdone(&mut self, settings: &Settings) -> bool {
        if !self.stands_in() {
            return false;
        }
        let mut nodes = self.watch_nodes();
        let look = || output::has_better(settings);
        let is_outdone = loopback::attempt(&mut nodes, look, |found| *found);
        self.waiting.clear();
        if !is_outdone {
            self.wait_for(nodes);
        }
        is_outdone
    }

    /// Says what is there, or why nothing is, once.
    pub fn log(&mut self) {
        if std::mem::replace(&mut self.told, true) {
            return;
        }
        if let Some(fault) = &self.fault {
            tracing::warn!("no output {}: {fault}", self.spec);
        } else if let Some((output, watch)) = self.open() {
            let (name, place, watch) = (output.name(), output.place(), watch.name());
            tracing::info!("virtual camera: {name} ({place}), watched by {watch}");
        }
    }

    fn adopt(&mut self, output: Output) -> Result<Watch, Fault> {
        let output = Rc::new(RefCell::new(output));
        let signs = match self.watch_stream(&output) {
            Some(stream) => Ok(Signs::new(Watch::Pipewire, vec![stream])),
            None if output.borrow().vcam().is_some() => self.watch_vcam(&output),
            None => self.watch_device(&output),
        };
        let signs = signs.map_err(|error| lost(&output.borrow(), &error))?;
        let watch = signs.watch;
        self.open = Some(Open {
            listener: self.listen(signs.usage, &output),
            usage: signs.usage,
            output,
            watch,
            since: Instant::now(),
            card: Some(Card::Off),
            pulse: None,
            _sources: signs.sources,
        });
        Ok(watch)
    }

    /// Shows a camera frame, unless it came too soon after the last one; whether the slot is kept.
    pub fn submit(&mut self, frame: &Frame<'_>) -> Result<bool, Fault> {
        let mut kept = false;
        self.with_open(|open| {
            open.card = None;
            if let Some(pulse) = &open.pulse {
                pulse.after_frame();
            }
            let submitted = open.output.borrow_mut().submit(frame)?;
            if submitted == Submitted::LeftOut {
                tracing::debug!("a frame came too soon after the last one");
            }
            kept = submitted == Submitted::Kept;
            Ok(())
        })?;
        Ok(kept)
    }

    /// The slots that were kept and are free again, since the last call.
    pub fn freed(&self) -> Vec<(Generation, u32)> {
        let open = self.open.as_ref();
        open.map_or(Vec::new(), |open| open.output.borrow_mut().freed())
    }

    /// Shows a placeholder.
    pub fn show(&mut self, card: Card) -> Result<(), Fault> {
        self.with_open(|open| {
            open.card = Some(card);
            if let Some(pulse) = &open.pulse {
                pulse.after_card();
            }
            open.output.borrow_mut().show(card)
        })
    }

    /// Keeps frames coming to a client that streams, or stops it.
    pub fn sustain(&mut self, on: bool) -> Result<(), Fault> {
        let (id, events) = (self.id, self.events.clone());
        self.with_open(|open| {
            open.output.borrow_mut().sustain(on)?;
            open.pulse = on.then(|| pulse(&open.output, id, events)).transpose()?;
            Ok(())
        })
    }

    /// Takes other placeholder pictures, and shows the new one if a placeholder is up.
    pub fn set_pictures(&mut self, pictures: &Rc<Pictures>) -> Result<(), Fault> {
        self.with_open(|open| {
            let mut output = open.output.borrow_mut();
            output.set_pictures(pictures.clone());
            open.card.map_or(Ok(()), |card| output.show(card))
        })
    }

    /// Gives the output back, and waits for none.
    pub fn disconnect(&mut self) {
        self.open = None;
        self.waiting.clear();
    }

    /// Drops an output that is gone. A device that comes back is seen by its node, and PipeWire is
    /// waited for.
    pub fn forget(&mut self) {
        let Some(open) = self.open.take() else {
            return;
        };
        if open.watch == Watch::Pipewire {
            if open.since.elapsed() >= pipewire::WELL_AFTER {
                self.failures.set(0);
            }
            self.wait_for_pipewire();
        }
    }

    /// Tries again when the main loop is free: an attempt makes new watches and drops the one that
    /// asked for it, which must not happen within that.
    fn later(&self) -> impl Fn() + 'static {
        let retry = self.retry.clone();
        move || {
            let retry = retry.clone();
            glib::idle_add_local_once(move || retry());
        }
    }

    fn with_open(&mut self, act: impl FnOnce(&mut Open) -> io::Result<()>) -> Result<(), Fault> {
        let Some(open) = &mut self.open else {
            return Ok(());
        };
        act(open).map_err(|error| lost(&open.output.borrow(), &error))
    }
}

/// Shows what is up once more whenever the camera has nothing new.
fn pulse(output: &Rc<RefCell<Output>>, id: OutputId, events: Events) -> io::Result<Pulse> {
    let output = output.clone();
    let framerate = output.borrow().framerate();
    Pulse::new(framerate, move || {
        let repeated = output.borrow_mut().repeat();
        match repeated {
            Ok(()) => ControlFlow::Continue,
            Err(error) => {
                events.send(Event::OutputLost(id, lost(&output.borrow(), &error)));
                ControlFlow::Break
            }
        }
    })
}

fn lost(output: &Output, error: &io::Error) -> Fault {
    Fault::new(FaultKind::NoOutput, output.obituary(error))
}
