//! A watch for the owner of a name on a bus. GIO has one, but its Rust binding panics when the bus
//! ends: GIO then reports a name that vanished without a connection, and the binding expects one.

use std::cell::RefCell;
use std::rc::Rc;

use gio::prelude::*;
use gio::{DBusCallFlags, DBusConnection, DBusSignalFlags, SignalSubscription};
use glib::SignalHandlerId;
use glib::thread_guard::ThreadGuard;

/// The bus itself: its name, and that of its interface.
pub const BUS: &str = "org.freedesktop.DBus";
/// Its object.
pub const BUS_PATH: &str = "/org/freedesktop/DBus";

/// How long the bus may take for an answer. It never needs more than milliseconds.
const ANSWER_MS: i32 = 5000;

/// A watch that ends when dropped.
pub struct NameWatch {
    bus: DBusConnection,
    closed: Option<SignalHandlerId>,
    _owners: SignalSubscription,
}

impl NameWatch {
    /// Calls `changed` with the unique name of the owner, or `None`: soon, and whenever that changes.
    /// Between one owner and the next there is none, and none is left when the bus ends.
    pub fn new(bus: &DBusConnection, name: &str, changed: impl Fn(Option<&str>) + 'static) -> Self {
        let known = RefCell::new(None);
        let report = Rc::new(move |owner: Option<&str>| {
            let news = Some(owner.map(str::to_owned));
            if *known.borrow() != news {
                known.replace(news);
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
        let asked = bus.call_future(
            Some(BUS),
            BUS_PATH,
            BUS,
            "GetNameOwner",
            Some(&(name,).to_variant()),
            None,
            DBusCallFlags::NONE,
            ANSWER_MS,
        );
        glib::spawn_future_local(async move {
            let answer = asked.await.ok(); // an error where there is none
            report(
                answer
                    .as_ref()
                    .and_then(|answer| answer.try_child_value(0)?.str().map(str::to_owned))
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
        // The connection may be freed on GIO's own thread, where the closure must not be.
        if let Some(closed) = self.closed.take() {
            self.bus.disconnect(closed);
        }
    }
}
