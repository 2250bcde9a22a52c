//! Watches the owner of a bus name. GIO's Rust binding of its own watch panics when the bus ends: it
//! expects a connection, and GIO reports that the name vanished without one.

use std::cell::RefCell;
use std::rc::Rc;

use gio::prelude::*;
use gio::{DBusCallFlags, DBusConnection, DBusSignalFlags, SignalSubscription};
use glib::SignalHandlerId;
use glib::thread_guard::ThreadGuard;

/// Name and interface of the bus itself.
pub const BUS: &str = "org.freedesktop.DBus";
pub const BUS_PATH: &str = "/org/freedesktop/DBus";

/// The bus replies within milliseconds.
const CALL_TIMEOUT_MS: i32 = 5000;

/// Watches until dropped.
pub struct NameWatch {
    bus: DBusConnection,
    closed: Option<SignalHandlerId>,
    _owners: SignalSubscription,
}

impl NameWatch {
    /// Calls `changed` with the owner's unique name or `None`: soon, and whenever it changes. Between
    /// two owners it is `None`, and so it is when the bus ends.
    pub fn new(bus: &DBusConnection, name: &str, changed: impl Fn(Option<&str>) + 'static) -> Self {
        let known = RefCell::new(None);
        let report = Rc::new(move |owner: Option<&str>| {
            let current = Some(owner.map(str::to_owned));
            if *known.borrow() != current {
                known.replace(current);
                changed(owner);
            }
        });
        let end = ThreadGuard::new(report.clone());
        let closed = bus.connect_closed(move |_, _, _| end.get_ref()(None));
        let on_change = report.clone();
        let owners = bus.subscribe_to_signal(
            Some(BUS),
            Some(BUS),
            Some("NameOwnerChanged"),
            Some(BUS_PATH),
            Some(name),
            DBusSignalFlags::NONE,
            move |signal| {
                let [before, after] = [1, 2].map(|index| signal.parameters.child_value(index));
                if before.str() != Some("") {
                    on_change(None);
                }
                on_change(after.str().filter(|owner| !owner.is_empty()));
            },
        );
        let query = bus.call_future(
            Some(BUS),
            BUS_PATH,
            BUS,
            "GetNameOwner",
            Some(&(name,).to_variant()),
            None,
            DBusCallFlags::NONE,
            CALL_TIMEOUT_MS,
        );
        glib::spawn_future_local(async move {
            let reply = query.await.ok(); // an error if there is no owner
            report(
                reply
                    .as_ref()
                    .and_then(|reply| reply.try_child_value(0)?.str().map(str::to_owned))
                    .as_deref(),
            );
        });
        Self {
            bus: bus.clone(),
            closed: Some(closed),
            _owners: owners,
        }
    }
}

impl Drop for NameWatch {
    fn drop(&mut self) {
        // The connection may be freed on GIO's own thread, but the closure must not.
        if let Some(closed) = self.closed.take() {
            self.bus.disconnect(closed);
        }
    }
}
