//! Everybody who looks at a preview.

use std::cell::{Cell, RefCell};
use std::io;
use std::os::fd::OwnedFd;
use std::rc::{Rc, Weak};

use glib::{ControlFlow, IOCondition};

use super::writer::Writer;
use crate::descriptor::{self, Watched};
use crate::placeholder::Pictures;
use crate::relay::Card;
use crate::settings::Geometry;

/// All open previews, and what they show. Must be used on the main thread.
pub struct Audience {
    inner: Rc<Inner>,
}

struct Inner {
    previews: RefCell<Vec<Preview>>,
    /// The placeholder that is up, for those who come later.
    card: Cell<Option<Card>>,
    /// How many previews there have been.
    opened: Cell<u64>,
    left: Box<dyn Fn(Vec<u32>)>,
}

struct Preview {
    number: u64,
    /// The process that looks.
    reader: u32,
    /// Goes before the descriptor that it watches.
    _watched: Watched,
    writer: Writer,
}

impl Audience {
    /// Nobody. `left` is called whenever a reader has gone, with the processes of those who stay.
    pub fn new(left: impl Fn(Vec<u32>) + 'static) -> Self {
        Self {
            inner: Rc::new(Inner {
                previews: RefCell::default(),
                card: Cell::default(),
                opened: Cell::default(),
                left: Box::new(left),
            }),
        }
    }

    /// Opens a preview for a process: the end that its reader gets. A card that is up is there at
    /// once. The frames have the placeholders' shape.
    pub fn open(&self, reader: u32, pictures: &Pictures) -> io::Result<OwnedFd> {
        let (mut writer, theirs) = Writer::new(pictures.geometry())?;
        if let Some(card) = self.inner.card.get() {
            writer.show(card, pictures);
        }
        let number = self.inner.opened.get() + 1;
        self.inner.opened.set(number);
        let inner = Rc::downgrade(&self.inner);
        let ready = move || take_back(&inner, number);
        let watched = descriptor::watch(&writer, IOCondition::IN | IOCondition::HUP, ready);
        self.inner.previews.borrow_mut().push(Preview {
            number,
            reader,
            _watched: watched,
            writer,
        });
        Ok(theirs)
    }

    /// Whether nobody looks.
    pub fn is_empty(&self) -> bool {
        self.inner.previews.borrow().is_empty()
    }

    /// The process of every preview's reader.
    pub fn readers(&self) -> Vec<u32> {
        self.inner.readers()
    }

    /// The shape of their frames; `None` if nobody looks.
    pub fn geometry(&self) -> Option<Geometry> {
        let previews = self.inner.previews.borrow();
        previews.first().map(|preview| preview.writer.geometry())
    }

    /// Shows a camera frame.
    pub fn submit(&self, frame: &[u8]) {
        self.inner.card.set(None);
        for preview in &mut *self.inner.previews.borrow_mut() {
            preview.writer.submit(frame);
        }
    }

    /// Shows a placeholder; no preview holds any camera frame afterwards.
    pub fn show(&self, card: Card, pictures: &Pictures) {
        self.inner.card.set(Some(card));
        self.repaint(pictures);
    }

    /// Shows the placeholder again, which may look different now, if one is up.
    pub fn repaint(&self, pictures: &Pictures) {
        if let Some(card) = self.inner.card.get() {
            for preview in &mut *self.inner.previews.borrow_mut() {
                preview.writer.show(card, pictures);
            }
        }
    }

    /// Ends every preview.
    pub fn close(&self) {
        self.inner.previews.take();
    }
}

impl Inner {
    fn readers(&self) -> Vec<u32> {
        let previews = self.previews.borrow();
        previews.iter().map(|preview| preview.reader).collect()
    }
}

/// Hears a reader, and drops it when it is gone.
fn take_back(inner: &Weak<Inner>, number: u64) -> ControlFlow {
    let Some(inner) = inner.upgrade() else {
        return ControlFlow::Break;
    };
    let mut previews = inner.previews.borrow_mut();
    let found = previews.iter().position(|one| one.number == number);
    let Some(index) = found else {
        return ControlFlow::Break;
    };
    if previews[index].writer.take_back() {
        return ControlFlow::Continue;
    }
    drop(previews.swap_remove(index));
    drop(previews);
    (inner.left)(inner.readers());
    ControlFlow::Break
}
