//! The one queue into the relay.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::{Rc, Weak};

use super::Applet;
use crate::relay::Event;

/// A sender into the queue. Whoever holds one can tell the relay something, and nothing else.
#[derive(Clone)]
pub struct Events {
    queue: Rc<Queue>,
}

struct Queue {
    applet: Weak<Applet>,
    events: RefCell<VecDeque<Event>>,
    pumping: Cell<bool>,
}

impl Events {
    /// A queue into this applet's relay.
    pub fn new(applet: Weak<Applet>) -> Self {
        Self {
            queue: Rc::new(Queue {
                applet,
                events: RefCell::default(),
                pumping: Cell::new(false),
            }),
        }
    }

    /// Handles an event, at once or after those that are being handled.
    pub fn send(&self, event: Event) {
        self.queue.events.borrow_mut().push_back(event);
        if self.queue.pumping.replace(true) {
            return;
        }
        if let Some(applet) = self.queue.applet.upgrade() {
            let mut changed = false;
            while let Some(event) = self.next() {
                changed |= applet.handle(event);
            }
            if changed {
                applet.settled();
            }
        }
        self.queue.pumping.set(false);
    }

    fn next(&self) -> Option<Event> {
        self.queue.events.borrow_mut().pop_front()
    }
}
