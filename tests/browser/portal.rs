//! The desktop portal with a dialog that always grants access.

use std::collections::HashMap;
use std::fs;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use gio::{Cancellable, DBusCallFlags, DBusConnection, DBusConnectionFlags};
use glib::prelude::*;
use glib::{Variant, VariantTy};

use lenscap_support::session::{Process, Session, until};
use lenscap_support::standin::{Call, Object, StandIn};

/// The interface of a portal backend, as documented.
const XML: &str = "<node>
  <interface name='org.freedesktop.impl.portal.Access'>
    <method name='AccessDialog'>
      <arg type='o' direction='in'/><arg type='s' direction='in'/><arg type='s' direction='in'/>
      <arg type='s' direction='in'/><arg type='s' direction='in'/><arg type='s' direction='in'/>
      <arg type='a{sv}' direction='in'/>
      <arg type='u' direction='out'/><arg type='a{sv}' direction='out'/>
    </method>
  </interface>
  <interface name='org.freedesktop.impl.portal.Lockdown'>
    <property name='disable-camera' type='b' access='read'/>
  </interface>
</node>";
const DESKTOP: &str = "org.freedesktop.impl.portal.desktop.lenscap";
/// Configures the portal to use this backend.
const FILE: &str = "[portal]
DBusName=org.freedesktop.impl.portal.desktop.lenscap
Interfaces=org.freedesktop.impl.portal.Access;org.freedesktop.impl.portal.Lockdown
UseIn=lenscap
";

/// A portal in a session of the test's own.
pub struct Portal {
    // Dropped in this order.
    _frontend: Process,
    _store: Process,
    _desktop: StandIn,
    dialogs: Arc<AtomicUsize>,
}

impl Portal {
    pub fn new(session: &Session) -> Self {
        let bus = connect(session);
        let dialogs = Arc::<AtomicUsize>::default();
        let shown = dialogs.clone();
        let objects = vec![Object {
            path: "/org/freedesktop/portal/desktop",
            xml: XML,
        }];
        let desktop = StandIn::new(connect(session), DESKTOP, objects, move |call| {
            answer(call, &shown)
        });
        fs::write(session.dir().join("lenscap.portal"), FILE).unwrap();
        let store = start(session, "xdg-permission-store");
        await_name(&bus, "org.freedesktop.impl.portal.PermissionStore");
        let frontend = start(session, "xdg-desktop-portal");
        // It checks PipeWire before it reports cameras.
        until("the portal sees a PipeWire to look at", || {
            version_of_camera(&bus).is_some()
        });
        Self {
            _frontend: frontend,
            _store: store,
            _desktop: desktop,
            dialogs,
        }
    }

    /// The number of dialogs.
    pub fn dialogs(&self) -> usize {
        self.dialogs.load(Ordering::Relaxed)
    }
}

fn connect(session: &Session) -> DBusConnection {
    let flags =
        DBusConnectionFlags::AUTHENTICATION_CLIENT | DBusConnectionFlags::MESSAGE_BUS_CONNECTION;
    DBusConnection::for_address_sync(&session.bus_address, flags, None, Cancellable::NONE).unwrap()
}

fn start(session: &Session, program: &str) -> Process {
    let mut command = session.command(format!("/usr/libexec/{program}"));
    command
        .env("XDG_CURRENT_DESKTOP", "lenscap")
        .env("XDG_DESKTOP_PORTAL_DIR", session.dir())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let child = command.spawn();
    Process(child.unwrap_or_else(|error| panic!("{program} is needed for this test: {error}")))
}

fn answer(call: &Call, dialogs: &AtomicUsize) -> Option<Variant> {
    match call.name {
        "disable-camera" => Some(false.to_variant()),
        "AccessDialog" => {
            dialogs.fetch_add(1, Ordering::Relaxed);
            Some((0_u32, HashMap::<String, Variant>::new()).to_variant())
        }
        _ => None,
    }
}

fn await_name(bus: &DBusConnection, name: &str) {
    let daemon = "org.freedesktop.DBus";
    until(name, || {
        let path = "/org/freedesktop/DBus";
        let answer = call(
            bus,
            daemon,
            path,
            (daemon, "NameHasOwner"),
            &(name,).to_variant(),
        );
        answer.is_some_and(|answer| answer.child_value(0).get() == Some(true))
    });
}

fn version_of_camera(bus: &DBusConnection) -> Option<Variant> {
    let parameters = ("org.freedesktop.portal.Camera", "version").to_variant();
    let method = ("org.freedesktop.DBus.Properties", "Get");
    let path = "/org/freedesktop/portal/desktop";
    call(
        bus,
        "org.freedesktop.portal.Desktop",
        path,
        method,
        &parameters,
    )
}

fn call(
    bus: &DBusConnection,
    name: &str,
    path: &str,
    (interface, method): (&str, &str),
    parameters: &Variant,
) -> Option<Variant> {
    bus.call_sync(
        Some(name),
        path,
        interface,
        method,
        Some(parameters),
        None::<&VariantTy>,
        DBusCallFlags::NO_AUTO_START,
        5000,
        Cancellable::NONE,
    )
    .ok()
}
