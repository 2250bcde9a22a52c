//! The machine's sleep: logind announces it, and waits while this process holds an inhibitor.
//!
//! It waits for 5 s at most by default; stopping a worker never takes longer.

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

/// Our name in logind's list of inhibitors.
const INHIBITOR: &str = "Lenscap";

/// Watches the machine's sleep until dropped.
pub struct Sleep {
    state: Rc<SleepState>,
}

struct SleepState {
    /// Whether the machine is asleep or about to sleep.
    asleep: Cell<bool>,
    changed: Box<dyn Fn(bool)>,
    /// Sleep is delayed while this inhibitor is open.
    delay: RefCell<Option<OwnedFd>>,
    /// Counts inhibitors requested and released, to drop one that arrives after its release.
    latest_request: Cell<u64>,
    /// Counts signals, to discard replies to queries sent before the latest one.
    signals_received: Cell<u64>,
    logind: RefCell<Option<Logind>>,
    signal: RefCell<Option<SignalSubscription>>,
    watch: RefCell<Option<NameWatch>>,
}

impl Sleep {
    /// Calls `changed` from the main loop when the machine is about to sleep, which then waits for
    /// [`allow`](Self::allow), and when it is awake again.
    pub fn watch(changed: impl Fn(bool) + 'static) -> Self {
        let state = Rc::new(SleepState {
            asleep: Cell::new(false),
            changed: Box::new(changed),
            delay: RefCell::default(),
            latest_request: Cell::new(0),
            signals_received: Cell::new(0),
            logind: RefCell::default(),
            signal: RefCell::default(),
            watch: RefCell::default(),
        });
        let this = Rc::downgrade(&state);
        glib::spawn_future_local(async move {
            let logind = Logind::connect().await;
            let Some(state) = this.upgrade() else { return };
            match logind {
                Ok(logind) => state.start(logind),
                Err(error) => log_missing(&error),
            }
        });
        Self { state }
    }

    /// Lets the machine sleep.
    pub fn allow(&self) {
        self.state.release();
    }
}

impl SleepState {
    fn start(self: &Rc<Self>, logind: Logind) {
        let this = Rc::downgrade(self);
        let signal = logind.on_signal("PrepareForSleep", move |parameters| {
            if let (Some(state), Some((asleep,))) = (this.upgrade(), parameters.get()) {
                state.signals_received.set(state.signals_received.get() + 1);
                state.set(asleep);
            }
        });
        self.signal.replace(Some(signal));
        let this = Rc::downgrade(self);
        let watch = logind.watch(move |is_there| match this.upgrade() {
            Some(state) if is_there => state.on_logind_appeared(),
            // A restarted logind remembers the inhibitors.
            Some(state) if state.latest_request.get() == 0 => log_missing(&"logind is not running"),
            _ => {}
        });
        self.logind.replace(Some(logind));
        self.watch.replace(Some(watch));
    }

    /// After a restart of logind, its last signal may be out of date.
    fn on_logind_appeared(self: &Rc<Self>) {
        if !self.asleep.get() {
            self.delay_sleep();
        }
        let Some(logind) = self.logind.borrow().clone() else {
            return;
        };
        let (this, signals_received) = (Rc::downgrade(self), self.signals_received.get());
        glib::spawn_future_local(async move {
            let asleep = logind.property("PreparingForSleep").await;
            let state = this
                .upgrade()
                .filter(|state| state.signals_received.get() == signals_received);
            if let (Some(state), Some(asleep)) = (state, asleep.and_then(|value| value.get())) {
                state.set(asleep);
            }
        });
    }

    fn set(self: &Rc<Self>, asleep: bool) {
        if self.asleep.replace(asleep) == asleep {
            return;
        }
        if !asleep {
            self.delay_sleep();
        }
        (self.changed)(asleep);
    }

    /// Delays the next sleep.
    fn delay_sleep(self: &Rc<Self>) {
        let Some(logind) = self.logind.borrow().clone() else {
            return;
        };
        let request = self.next_request();
        let this = Rc::downgrade(self);
        glib::spawn_future_local(async move {
            let delay = inhibit(&logind).await;
            let state = this.upgrade();
            if let Some(state) = state.filter(|state| state.latest_request.get() == request) {
                state.delay.replace(delay);
            }
        });
    }

    fn release(&self) {
        self.next_request();
        self.delay.take();
    }

    fn next_request(&self) -> u64 {
        let request = self.latest_request.get() + 1;
        self.latest_request.set(request);
        request
    }
}

/// Requests a descriptor that delays sleep until it is closed.
async fn inhibit(logind: &Logind) -> Option<OwnedFd> {
    // Translators: why the computer waits a moment before it sleeps.
    let why = gettext("The camera is turned off first");
    let parameters = ("sleep", INHIBITOR, why, "delay").to_variant();
    let reply = logind.call_manager("Inhibit", &parameters).await;
    let delay = match reply {
        Ok((reply, fds)) => descriptor_in(&reply, fds.as_ref()).ok_or("no descriptor".to_owned()),
        Err(error) => Err(error.to_string()),
    };
    delay
        .inspect_err(|error| tracing::warn!("cannot delay sleep until the camera is off: {error}"))
        .ok()
}

fn descriptor_in(reply: &Variant, fds: Option<&UnixFDList>) -> Option<OwnedFd> {
    let (Handle(index),) = reply.get()?;
    // GIO doesn't check the index.
    let fds = fds.filter(|fds| (0..fds.length()).contains(&index))?;
    fds.get(index).ok()
}

fn log_missing(reason: &dyn std::fmt::Display) {
    tracing::info!("sleep and screen lock are not watched: {reason}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invalid_descriptor_index_is_rejected() {
        let fds = UnixFDList::new();
        fds.append(std::io::stderr()).unwrap();
        for (index, fds, wanted) in [
            (0, Some(&fds), true),
            (1, Some(&fds), false),
            (-1, Some(&fds), false),
            (0, None, false),
        ] {
            let reply = (Handle(index),).to_variant();
            let received = descriptor_in(&reply, fds);
            assert_eq!(received.is_some(), wanted, "{index}");
        }
        assert!(descriptor_in(&("text",).to_variant(), Some(&fds)).is_none());
    }
}
