//! All open previews, and what they show.

use std::cell::{Cell, RefCell};
use std::io;
use std::os::fd::OwnedFd;
use std::rc::{Rc, Weak};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use glib::{ControlFlow, IOCondition};

use super::writer::Writer;
use crate::descriptor::{self, Watched};
use crate::output::{Frame, Shown, Sink};
use crate::placeholder::Pictures;
use crate::relay::Card;
use crate::settings::{Geometry, Message, n_};

/// Previews at a time; each has three frames of memory.
const MOST_PREVIEWS: usize = 4;

/// All open previews. Used on the main thread; the frame pump shows frames by its [`sink`](Self::sink).
pub struct Audience {
    inner: Rc<Inner>,
}

struct Inner {
    previews: Arc<Previews>,
    /// Watches over readers, by the numbers of their previews. Each goes before its preview.
    watched: RefCell<Vec<(u64, Watched)>>,
    /// How many previews there have been.
    opened: Cell<u64>,
    left: Box<dyn Fn(Vec<u32>)>,
}

#[derive(Default)]
struct Previews(Mutex<State>);

#[derive(Default)]
struct State {
    list: Vec<Preview>,
    /// The placeholder that is up, for those that come later.
    card: Option<Card>,
}

struct Preview {
    number: u64,
    /// The reader's process.
    reader: u32,
    writer: Writer,
}

impl Audience {
    /// No preview. `left` is called whenever a reader has gone, with the processes that remain.
    pub fn new(left: impl Fn(Vec<u32>) + 'static) -> Self {
        Self {
            inner: Rc::new(Inner {
                previews: Arc::default(),
                watched: RefCell::default(),
                opened: Cell::default(),
                left: Box::new(left),
            }),
        }
    }

    /// Opens a preview for a process: the end that its reader gets. A card that is up is there at
    /// once. The frames have the placeholders' shape. It takes the place of the one that the process
    /// had.
    pub fn open(&self, reader: u32, pictures: &Pictures) -> io::Result<OwnedFd> {
        self.inner.close_where(|preview| preview.reader == reader);
        if self.readers().len() >= MOST_PREVIEWS {
            return Err(io::Error::other(Message::new(n_(
                "there are too many previews already",
            ))));
        }
        let (mut writer, theirs) = Writer::new(pictures.geometry())?;
        let mut state = self.inner.previews.lock();
        if let Some(card) = state.card {
            writer.show(card, pictures);
        }
        let number = self.inner.opened.get() + 1;
        self.inner.opened.set(number);
        let inner = Rc::downgrade(&self.inner);
        let ready = move || read(&inner, number);
        let watched =
            descriptor::watch_borrowed(&writer, IOCondition::IN | IOCondition::HUP, ready);
        self.inner.watched.borrow_mut().push((number, watched));
        state.list.push(Preview {
            number,
            reader,
            writer,
        });
        Ok(theirs)
    }

    /// The process of every preview's reader.
    pub fn readers(&self) -> Vec<u32> {
        self.inner.previews.readers()
    }

    /// The shape of their frames; `None` if there are none.
    pub fn geometry(&self) -> Option<Geometry> {
        let state = self.inner.previews.lock();
        state.list.first().map(|preview| preview.writer.geometry())
    }

    /// Shows camera frames, for the frame pump's thread.
    pub fn sink(&self) -> Arc<dyn Sink> {
        self.inner.previews.clone()
    }

    /// Shows a placeholder; no preview holds any camera frame afterwards.
    pub fn show(&self, card: Card, pictures: &Pictures) {
        let mut state = self.inner.previews.lock();
        state.card = Some(card);
        state.repaint(pictures);
    }

    /// Shows the placeholder again, which may look different now, if one is up.
    pub fn repaint(&self, pictures: &Pictures) {
        self.inner.previews.lock().repaint(pictures);
    }

    /// Ends every preview.
    pub fn close(&self) {
        self.inner.watched.take();
        self.inner.previews.lock().list.clear();
    }
}

impl Inner {
    /// Ends these previews. Their watches go first.
    fn close_where(&self, is_over: impl Fn(&Preview) -> bool) {
        let mut state = self.previews.lock();
        let (over, rest) = state.list.drain(..).partition::<Vec<_>, _>(is_over);
        state.list = rest;
        drop(state);
        let is_over = |number: &u64| over.iter().any(|preview| preview.number == *number);
        let mut watched = self.watched.borrow_mut();
        watched.retain(|(number, _)| !is_over(number));
    }
}

impl Previews {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Each preview is changed as a whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn readers(&self) -> Vec<u32> {
        let state = self.lock();
        state.list.iter().map(|preview| preview.reader).collect()
    }
}

impl State {
    fn repaint(&mut self, pictures: &Pictures) {
        if let Some(card) = self.card {
            for preview in &mut self.list {
                preview.writer.show(card, pictures);
            }
        }
    }
}

impl Sink for Previews {
    fn show(&self, frame: &Frame<'_>) -> io::Result<Shown> {
        let mut state = self.lock();
        state.card = None;
        for preview in &mut state.list {
            preview.writer.submit(frame.pixels());
        }
        Ok(Shown::default())
    }
}

/// Reads what a reader has sent, and drops its preview when it is gone.
fn read(inner: &Weak<Inner>, number: u64) -> ControlFlow {
    let Some(inner) = inner.upgrade() else {
        return ControlFlow::Break;
    };
    let mut state = inner.previews.lock();
    let found = state.list.iter_mut().find(|one| one.number == number);
    let Some(preview) = found else {
        return ControlFlow::Break;
    };
    if preview.writer.reclaim() {
        return ControlFlow::Continue;
    }
    drop(state);
    inner.close_where(|preview| preview.number == number);
    (inner.left)(inner.previews.readers());
    ControlFlow::Break
}
