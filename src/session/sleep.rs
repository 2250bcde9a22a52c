//! The machine's sleep: logind tells that it is near, and waits for us while we hold a descriptor.
//!
//! It waits for five seconds at most, unless set otherwise; a worker's stop never takes longer.

use std::cell::{Cell, RefCell};
use std::os::fd::OwnedFd;
use std::rc::Rc;

use gio::prelude::*;
use gio::{SignalSubscription, UnixFDList};
use glib::Variant;
use glib::variant::Handle;

use super::logind::Logind;
use crate::i18n::gettext;
use crate::name_watch::NameWatch;

/// What logind lists us as, among those whom it waits for.
const WHO: &str = "Lenscap";

/// A watch over the machine's sleep. It ends when dropped.
pub struct Sleep {
    inner: Rc<Inner>,
}

struct Inner {
    /// Whether the machine sleeps, or is about to.
    asleep: Cell<bool>,
    changed: Box<dyn Fn(bool)>,
    /// While this is open, the machine waits with its sleep.
    delay: RefCell<Option<OwnedFd>>,
    /// Counts delays asked for and let go: one that comes after its time is let go at once.
    newest: Cell<u64>,
    /// Counts what logind told by itself: an answer to an older question is no news.
    heard: Cell<u64>,
    logind: RefCell<Option<Logind>>,
    signal: RefCell<Option<SignalSubscription>>,
    watch: RefCell<Option<NameWatch>>,
}

impl Sleep {
    /// Watches from now on; `changed` is called, from the main loop, when the machine is about to
    /// sleep, which then waits for [`allow`](Self::allow), and when it is awake again.
    pub fn watch(changed: impl Fn(bool) + 'static) -> Self {
        let inner = Rc::new(Inner {
            asleep: Cell::new(false),
            changed: Box::new(changed),
            delay: RefCell::default(),
            newest: Cell::new(0),
            heard: Cell::new(0),
            logind: RefCell::default(),
            signal: RefCell::default(),
            watch: RefCell::default(),
        });
        let this = Rc::downgrade(&inner);
        glib::spawn_future_local(async move {
            let logind = Logind::connect().await;
            let Some(inner) = this.upgrade() else { return };
            match logind {
                Ok(logind) => inner.start(logind),
                Err(error) => tell_missing(&error),
            }
        });
        Self { inner }
    }

    /// Lets the machine sleep.
    pub fn allow(&self) {
        self.inner.let_go();
    }
}

impl Inner {
    fn start(self: &Rc<Self>, logind: Logind) {
        let this = Rc::downgrade(self);
        let signal = logind.hear("PrepareForSleep", move |parameters| {
            if let (Some(inner), Some((asleep,))) = (this.upgrade(), parameters.get()) {
                inner.heard.set(inner.heard.get() + 1);
                inner.set(asleep);
            }
        });
        self.signal.replace(Some(signal));
        let this = Rc::downgrade(self);
        let watch = logind.watch(move |is_there| match this.upgrade() {
            Some(inner) if is_there => inner.meet(),
            // One that was there and is started again remembers who holds what.
            Some(inner) if inner.newest.get() == 0 => tell_missing(&"logind does not run"),
            _ => {}
        });
        self.logind.replace(Some(logind));
        self.watch.replace(Some(watch));
    }

    /// logind is there, or there again: nothing that it told before need be so still.
    fn meet(self: &Rc<Self>) {
        if !self.asleep.get() {
            self.hold();
        }
        let Some(logind) = self.logind.borrow().clone() else {
            return;
        };
        let (this, heard) = (Rc::downgrade(self), self.heard.get());
        glib::spawn_future_local(async move {
            let asleep = logind.property("PreparingForSleep").await;
            let inner = this.upgrade().filter(|inner| inner.heard.get() == heard);
            if let (Some(inner), Some(asleep)) = (inner, asleep.and_then(|value| value.get())) {
                inner.set(asleep);
            }
        });
    }

    fn set(self: &Rc<Self>, asleep: bool) {
        if self.asleep.replace(asleep) == asleep {
            return;
        }
        if !asleep {
            self.hold();
        }
        (self.changed)(asleep);
    }

    /// Has the machine wait with its next sleep.
    fn hold(self: &Rc<Self>) {
        let Some(logind) = self.logind.borrow().clone() else {
            return;
        };
        let number = self.count();
        let this = Rc::downgrade(self);
        glib::spawn_future_local(async move {
            let delay = inhibit(&logind).await;
            let inner = this.upgrade();
            if let Some(inner) = inner.filter(|inner| inner.newest.get() == number) {
                inner.delay.replace(delay);
            }
        });
    }

    fn let_go(&self) {
        self.count();
        self.delay.take();
    }

    fn count(&self) -> u64 {
        let number = self.newest.get() + 1;
        self.newest.set(number);
        number
    }
}

/// Asks for a descriptor that delays sleep until it is closed.
async fn inhibit(logind: &Logind) -> Option<OwnedFd> {
    // Translators: why the computer waits a moment before it sleeps.
    let why = gettext("The camera is turned off first");
    let parameters = ("sleep", WHO, why, "delay").to_variant();
    let answer = logind.ask("Inhibit", &parameters).await;
    let delay = match answer {
        Ok((answer, fds)) => descriptor_in(&answer, fds.as_ref()).ok_or("no descriptor".to_owned()),
        Err(error) => Err(error.to_string()),
    };
    delay
        .inspect_err(|error| tracing::warn!("the machine will not wait for the camera: {error}"))
        .ok()
}

fn descriptor_in(answer: &Variant, fds: Option<&UnixFDList>) -> Option<OwnedFd> {
    let (Handle(index),) = answer.get()?;
    // GIO takes it for granted that there is one.
    let fds = fds.filter(|fds| (0..fds.length()).contains(&index))?;
    fds.get(index).ok()
}

fn tell_missing(reason: &dyn std::fmt::Display) {
    tracing::info!("the machine's sleep is not foreseen, nor its lock seen: {reason}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_descriptor_that_came_is_taken() {
        let fds = UnixFDList::new();
        fds.append(std::io::stderr()).unwrap();
        for (index, fds, wanted) in [
            (0, Some(&fds), true),
            (1, Some(&fds), false),
            (-1, Some(&fds), false),
            (0, None, false),
        ] {
            let answer = (Handle(index),).to_variant();
            let taken = descriptor_in(&answer, fds);
            assert_eq!(taken.is_some(), wanted, "{index}");
        }
        assert!(descriptor_in(&("text",).to_variant(), Some(&fds)).is_none());
    }
}
