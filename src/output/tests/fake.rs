//! A backend without a driver, for the applet's tests: a fourth one, by the same interface.

use std::cell::{Cell, RefCell};
use std::io;
use std::path::Path;
use std::rc::Rc;
use std::sync::{Arc, Mutex};

use crate::descriptor::Watched;
use crate::output::{
    Backend, FoundOutput, Frame, Notify, Output, OutputEvent, OutputInfo, Shown, Sink, Streams,
};
use crate::placeholder::Pictures;
use crate::relay::{Card, Fault, FaultKind, Watch};
use crate::settings::{Message, OutputKind, OutputSpec, Settings};

/// A backend of some kind, whose outputs do as the test says.
#[derive(Clone)]
pub struct Fake {
    kind: OutputKind,
    inner: Rc<Inner>,
}

#[derive(Default)]
struct Inner {
    /// Why opening fails, if it does.
    refuses: RefCell<Option<Fault>>,
    /// The width that a program pins, whatever the settings say.
    pinned: Cell<Option<u32>>,
    /// What every output did, oldest first.
    log: Arc<Mutex<Vec<String>>>,
    notify: RefCell<Option<Notify>>,
    retry: RefCell<Option<Rc<dyn Fn()>>>,
    is_open: Rc<Cell<u32>>,
}

impl Fake {
    /// A backend that stands for this kind.
    pub fn new(kind: OutputKind) -> Self {
        Self {
            kind,
            inner: Rc::default(),
        }
    }

    /// Has every attempt to open fail, or none.
    pub fn refuse(&self, reason: Option<&str>) {
        let fault = reason.map(|text| Fault::new(FaultKind::NoOutput, Message::verbatim(text)));
        self.inner.refuses.replace(fault);
    }

    /// Has attempts to open with another width fail, as where a program pins the format.
    pub fn pin(&self, width: Option<u32>) {
        self.inner.pinned.set(width);
    }

    /// Reports something of the open output.
    pub fn report(&self, event: OutputEvent) {
        let notify = self.inner.notify.borrow().clone();
        notify.expect("an output was opened")(event);
    }

    /// What could not be opened may be there.
    pub fn retry(&self) {
        let retry = self.inner.retry.borrow().clone();
        retry.expect("the applet waits")();
    }

    /// How many outputs are open.
    pub fn open_outputs(&self) -> u32 {
        self.inner.is_open.get()
    }

    /// What the outputs did since the last call.
    pub fn log(&self) -> Vec<String> {
        std::mem::take(&mut *self.inner.log.lock().unwrap())
    }

    fn refusal(&self, settings: &Settings) -> Option<Fault> {
        let pinned = self.inner.pinned.get();
        let is_pinned = pinned.is_some_and(|width| width != settings.camera.width);
        let pinned =
            is_pinned.then(|| Fault::new(FaultKind::NoOutput, Message::verbatim("pinned")));
        self.inner.refuses.borrow().clone().or(pinned)
    }
}

impl Backend for Fake {
    fn kind(&self) -> OutputKind {
        self.kind
    }

    fn open(
        &self,
        _: Option<&Path>,
        settings: &Settings,
        notify: Notify,
    ) -> Result<Box<dyn Output>, Fault> {
        if let Some(fault) = self.refusal(settings) {
            return Err(fault);
        }
        self.inner.notify.replace(Some(notify));
        self.inner.is_open.set(self.inner.is_open.get() + 1);
        Ok(Box::new(FakeOutput {
            info: OutputInfo {
                kind: self.kind,
                watch: Watch::Pipewire,
                node: None,
                name: "Fake".to_owned(),
                geometry: settings.geometry(),
                framerate: settings.camera.framerate,
            },
            pictures: Arc::new(Pictures::black(settings.geometry())),
            log: self.inner.log.clone(),
            is_open: self.inner.is_open.clone(),
        }))
    }

    fn can_open(&self, settings: &Settings) -> bool {
        self.refusal(settings).is_none()
    }

    fn find(&self) -> Vec<FoundOutput> {
        Vec::new()
    }

    fn wait(&self, _: &OutputSpec, _: &Settings, retry: Rc<dyn Fn()>) -> Vec<Watched> {
        self.inner.retry.replace(Some(retry));
        Vec::new()
    }
}

struct FakeOutput {
    info: OutputInfo,
    pictures: Arc<Pictures>,
    log: Arc<Mutex<Vec<String>>>,
    is_open: Rc<Cell<u32>>,
}

impl FakeOutput {
    fn note(&self, what: String) {
        self.log.lock().unwrap().push(what);
    }
}

impl Output for FakeOutput {
    fn info(&self) -> &OutputInfo {
        &self.info
    }

    fn pictures(&self) -> Arc<Pictures> {
        self.pictures.clone()
    }

    fn set_pictures(&mut self, pictures: Arc<Pictures>) -> io::Result<()> {
        self.pictures = pictures;
        Ok(())
    }

    fn show(&mut self, card: Card) -> io::Result<Streams> {
        self.note(format!("{card:?}"));
        Ok(None)
    }

    fn repeat(&mut self) -> io::Result<Streams> {
        Ok(None)
    }

    fn sustain(&mut self, on: bool) -> io::Result<()> {
        self.note(format!("sustain {on}"));
        Ok(())
    }

    fn sink(&self) -> Arc<dyn Sink> {
        Arc::new(FakeSink(self.log.clone()))
    }

    fn lost(&self, error: &io::Error) -> Fault {
        Fault::new(FaultKind::NoOutput, error)
    }
}

impl Drop for FakeOutput {
    fn drop(&mut self) {
        self.is_open.set(self.is_open.get() - 1);
    }
}

struct FakeSink(Arc<Mutex<Vec<String>>>);

impl Sink for FakeSink {
    fn show(&self, _: &Frame<'_>) -> io::Result<Shown> {
        self.0.lock().unwrap().push("frame".to_owned());
        Ok(Shown {
            accepted: true,
            streams: None,
        })
    }
}
