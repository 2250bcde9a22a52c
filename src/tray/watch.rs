//! A watch for the owner of a name on the bus. GIO has one, but its Rust binding panics when the bus
//! ends.

use std::cell::Cell;
use std::rc::Rc;

use gio::prelude::*;
use gio::{DBusCallFlags, DBusConnection, DBusSignalFlags, SignalSubscription};
use glib::SignalHandlerId;
use glib::thread_guard::ThreadGuard;

const BUS: &str = "org.freedesktop.DBus";
const BUS_PATH: &str = "/org/freedesktop/DBus";

/// How long the bus may take for an answer. It never needs more than milliseconds.
const ANSWER_MS: i32 = 5000;

/// A watch that ends when dropped.
pub struct Watch {
    bus: DBusConnection,
    closed: Option<SignalHandlerId>,
    _owners: SignalSubscription,
}

impl Watch {
    /// Calls `changed` with whether the name has an owner: soon, and whenever that changes. One owner
    /// after another is two changes, and the end of the bus is the end of each.
    pub fn new(bus: &DBusConnection, name: &str, changed: impl Fn(bool) + 'static) -> Self {
        let known = Cell::new(None);
        let tell = Rc::new(move |is_owned| {
            if known.replace(Some(is_owned)) != Some(is_owned) {
                changed(is_owned);
            }
        });
        let end = ThreadGuard::new(tell.clone());
        let closed = bus.connect_closed(move |_, _, _| end.get_ref()(false));
        let told = tell.clone();
        let owners = bus.subscribe_to_signal(
            Some(BUS),
            Some(BUS),
            Some("NameOwnerChanged"),
            Some(BUS_PATH),
            Some(name),
            DBusSignalFlags::NONE,
            move |signal| {
                let is_empty = |index| signal.parameters.child_value(index).str() == Some("");
                if !is_empty(1) {
                    told(false);
                }
                if !is_empty(2) {
                    told(true);
                }
            },
        );
        let asked = bus.call_future(
            Some(BUS),
            BUS_PATH,
            BUS,
            "NameHasOwner",
            Some(&(name,).to_variant()),
            None,
            DBusCallFlags::NONE,
            ANSWER_MS,
        );
        glib::spawn_future_local(async move {
            let answer = asked.await.ok();
            tell(answer.and_then(|answer| answer.child_value(0).get()) == Some(true));
        });
        Self {
            bus: bus.clone(),
            closed: Some(closed),
            _owners: owners,
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some(closed) = self.closed.take() {
            self.bus.disconnect(closed);
        }
    }
}
