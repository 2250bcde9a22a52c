//! The one queue into the relay.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::{Rc, Weak};

use crate::relay::Event;

/// What handles the events.
pub trait Handler {
    /// Handles one event.
    fn handle(self: Rc<Self>, event: Event);
    /// Every event that was queued is handled.
    fn settle(self: Rc<Self>);
}

/// A sender into the queue. It can send the relay events, and nothing else.
#[derive(Clone)]
pub struct Events {
    queue: Rc<Queue>,
}

struct Queue {
    handler: Weak<dyn Handler>,
    events: RefCell<VecDeque<Event>>,
    is_running: Cell<bool>,
}

impl Events {
    /// A queue into this handler's relay.
    pub fn new(handler: Weak<dyn Handler>) -> Self {
        Self {
            queue: Rc::new(Queue {
                handler,
                events: RefCell::default(),
                is_running: Cell::new(false),
            }),
        }
    }

    /// Handles an event, at once or after those that are being handled.
    pub fn send(&self, event: Event) {
        self.queue.events.borrow_mut().push_back(event);
        self.queue.run();
    }

    /// Handles an event after the call that is going on, which may be one of an output.
    pub fn post(&self, event: Event) {
        self.queue.events.borrow_mut().push_back(event);
        if !self.queue.is_running.get() {
            let queue = self.queue.clone();
            glib::idle_add_local_once(move || queue.run());
        }
    }
}

impl Queue {
    fn run(&self) {
        if self.is_running.replace(true) {
            return;
        }
        if let Some(handler) = self.handler.upgrade() {
            let mut has_run = false;
            while let Some(event) = self.next() {
                handler.clone().handle(event);
                has_run = true;
            }
            if has_run {
                handler.settle();
            }
        }
        self.is_running.set(false);
    }

    fn next(&self) -> Option<Event> {
        self.events.borrow_mut().pop_front()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends two events from within the first, and records what it handles.
    struct Recorder {
        events: Events,
        seen: RefCell<Vec<String>>,
    }

    impl Handler for Recorder {
        fn handle(self: Rc<Self>, event: Event) {
            if event == Event::Pause {
                self.events.send(Event::Lock);
                self.events.post(Event::Unlock);
            }
            self.seen.borrow_mut().push(format!("{event:?}"));
        }

        fn settle(self: Rc<Self>) {
            self.seen.borrow_mut().push("settled".to_owned());
        }
    }

    #[test]
    fn an_event_from_within_another_waits_its_turn() {
        let recorder = Rc::new_cyclic(|recorder: &Weak<Recorder>| Recorder {
            events: Events::new(recorder.clone()),
            seen: RefCell::default(),
        });
        recorder.events.send(Event::Pause);
        assert_eq!(
            *recorder.seen.borrow(),
            ["Pause", "Lock", "Unlock", "settled"]
        );
    }
}
