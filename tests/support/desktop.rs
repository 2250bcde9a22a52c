//! The desktop on the session bus: calls, names and signals.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use gio::prelude::*;
use gio::{DBusCallFlags, DBusConnection, DBusSignalFlags, DBusSignalRef, SignalSubscription};
use glib::{MainContext, Variant};

/// Timeout on a busy machine.
const WAIT_TIMEOUT: Duration = Duration::from_secs(20);

/// The desktop's bus connection.
pub struct Desktop {
    pub bus: DBusConnection,
    /// Wakes the main loop on name changes, so that waiting tests check again.
    _owners: SignalSubscription,
}

impl Desktop {
    pub fn new(bus: DBusConnection) -> Self {
        let owners = bus.subscribe_to_signal(
            Some("org.freedesktop.DBus"),
            None,
            Some("NameOwnerChanged"),
            None,
            None,
            DBusSignalFlags::NONE,
            stir,
        );
        Self {
            bus,
            _owners: owners,
        }
    }

    /// Calls a method while running the main loop, which the callee may need.
    pub fn call(
        &self,
        name: &str,
        path: &str,
        interface: &str,
        method: &str,
        parameters: Option<&Variant>,
    ) -> Result<Variant, glib::Error> {
        let reply = self.bus.call_future(
            Some(name),
            path,
            interface,
            method,
            parameters,
            None,
            DBusCallFlags::NO_AUTO_START,
            20_000,
        );
        MainContext::default().block_on(reply)
    }

    /// A property's value.
    pub fn get(
        &self,
        name: &str,
        path: &str,
        interface: &str,
        property: &str,
    ) -> Result<Variant, glib::Error> {
        let parameters = (interface, property).to_variant();
        let properties = "org.freedesktop.DBus.Properties";
        let reply = self.call(name, path, properties, "Get", Some(&parameters))?;
        Ok(reply.child_value(0).as_variant().unwrap())
    }

    pub fn has_owner(&self, name: &str) -> bool {
        let bus = "org.freedesktop.DBus";
        let parameters = (name,).to_variant();
        let reply = self.call(
            bus,
            "/org/freedesktop/DBus",
            bus,
            "NameHasOwner",
            Some(&parameters),
        );
        reply.unwrap().child_value(0).get().unwrap()
    }

    /// Acquires or releases a name.
    pub fn take_name(&self, name: &str) {
        let parameters = (name, 0_u32).to_variant();
        self.tell_bus("RequestName", &parameters);
    }

    pub fn drop_name(&self, name: &str) {
        self.tell_bus("ReleaseName", &(name,).to_variant());
    }

    fn tell_bus(&self, method: &str, parameters: &Variant) {
        let bus = "org.freedesktop.DBus";
        let reply = self.call(bus, "/org/freedesktop/DBus", bus, method, Some(parameters));
        assert_eq!(reply.unwrap().child_value(0).get(), Some(1_u32));
    }
}

thread_local! {
    /// The number of signals received.
    static SIGNALS: Cell<u32> = const { Cell::new(0) };
}

/// Makes a waiting test check again.
pub fn stir(_: DBusSignalRef<'_>) {
    SIGNALS.set(SIGNALS.get() + 1);
}

/// Runs the main loop until a condition is true.
pub fn wait<T>(what: &str, mut check: impl FnMut() -> Option<T>) -> T {
    let is_late = Rc::new(Cell::new(false));
    let late = is_late.clone();
    let alarm = glib::timeout_add_local_once(WAIT_TIMEOUT, move || late.set(true));
    loop {
        let before = SIGNALS.get();
        if let Some(value) = check() {
            if !is_late.get() {
                alarm.remove();
            }
            return value;
        }
        assert!(!is_late.get(), "waited in vain for {what}");
        // The check itself may have run the main loop and handled the awaited event.
        if SIGNALS.get() == before {
            MainContext::default().iteration(true);
        }
    }
}
