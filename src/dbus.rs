//! The applet on the session bus: what it is doing, and what it can be told to do.
//!
//! The interface is written down once, in `data/`: that file is what gets exported, so it can't say
//! anything else than the program does. The service owns no state. It asks for a [`Report`] when a
//! property is read, passes requests on, and hands out previews; its closures run on the thread that
//! exported it.

mod changes;

use std::cell::RefCell;
use std::os::fd::OwnedFd;
use std::rc::Rc;

use gio::prelude::*;
use gio::{
    DBusCallFlags, DBusConnection, DBusError, DBusMethodInvocation, DBusNodeInfo, RegistrationId,
    UnixFDList,
};
use glib::Variant;
use glib::variant::Handle;

use crate::name_watch::{BUS, BUS_PATH};
use crate::report::Report;

/// The applet's name on the session bus.
pub const NAME: &str = "io.github.lenscap.Lenscap";
/// Where its object is.
pub const PATH: &str = "/io/github/lenscap/Lenscap";
/// The interface that the object has.
pub const INTERFACE: &str = "io.github.lenscap.Lenscap1";
/// The interface of every D-Bus object that has properties.
pub const PROPERTIES: &str = "org.freedesktop.DBus.Properties";

/// The method that returns a preview's descriptor, which is no request: it has an answer.
pub const OPEN_PREVIEW: &str = "OpenPreview";

/// How long the bus may take for an answer of its own, in milliseconds. It has nobody to ask.
pub const ANSWER_MS: i32 = 5000;

/// The interface as it is documented, and as it is exported.
const INTROSPECTION: &str = include_str!("../data/io.github.lenscap.Lenscap1.xml");

/// Something that a caller wants done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Request {
    /// Cover the camera.
    Pause,
    /// Allow the camera again.
    Resume,
    /// End the applet.
    Quit,
    /// Open the preferences window.
    ShowPreferences,
}

impl Request {
    const ALL: [Self; 4] = [Self::Pause, Self::Resume, Self::Quit, Self::ShowPreferences];

    /// The method that makes the request.
    pub fn method(self) -> &'static str {
        match self {
            Self::Pause => "Pause",
            Self::Resume => "Resume",
            Self::Quit => "Quit",
            Self::ShowPreferences => "ShowPreferences",
        }
    }

    /// The request behind a method's name.
    fn from_method(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|request| request.method() == name)
    }

    /// The request behind a new value of the property `Paused`.
    fn from_paused(paused: bool) -> Self {
        if paused { Self::Pause } else { Self::Resume }
    }
}

/// The object on the bus. It leaves the bus when dropped.
pub struct Service {
    connection: DBusConnection,
    registration: Option<RegistrationId>,
    last: RefCell<Option<Report>>,
}

impl Service {
    /// Puts the object on the bus. `report` is asked whenever a property is read, with statistics or
    /// without; `open_preview` is told the caller's process. An `Err` of either is a line for the caller.
    pub fn export(
        connection: &DBusConnection,
        report: impl Fn(bool) -> Report + 'static,
        request: impl Fn(Request) -> Result<(), String> + 'static,
        open_preview: impl Fn(u32) -> Result<OwnedFd, String> + 'static,
    ) -> Result<Self, glib::Error> {
        let open_preview = Rc::new(open_preview);
        let node = DBusNodeInfo::for_xml(INTROSPECTION)?;
        let interface = node.lookup_interface(INTERFACE).ok_or_else(|| {
            glib::Error::new(
                DBusError::UnknownInterface,
                "the introspection XML lacks it",
            )
        })?;
        // No `set_property`: GLib then hands a checked `Properties.Set` to the method handler, which
        // can answer with an error's text and not only with "failed".
        let registration = connection
            .register_object(PATH, &interface)
            .property(move |_, _, _, _, name| property(&report, name))
            .method_call(move |bus, sender, _, _, method, parameters, invocation| {
                if method == OPEN_PREVIEW {
                    let (caller, open) = (process(bus, sender), open_preview.clone());
                    glib::spawn_future_local(async move {
                        hand_out(invocation, caller.await.and_then(|pid| open(pid)));
                    });
                } else {
                    answer(invocation, requested(method, &parameters), &request);
                }
            })
            .build()?;
        Ok(Self {
            connection: connection.clone(),
            registration: Some(registration),
            last: RefCell::default(),
        })
    }

    /// Signals what differs from the last report given.
    pub fn changed(&self, report: &Report) {
        let report = report.without_stats();
        let changes = changes::between(self.last.borrow().as_ref(), &report);
        self.last.replace(Some(report));
        if changes.is_empty() {
            return;
        }
        let parameters = (INTERFACE, changes, Vec::<String>::new()).to_variant();
        let signal = "PropertiesChanged";
        let sent = self
            .connection
            .emit_signal(None, PATH, PROPERTIES, signal, Some(&parameters));
        if let Err(error) = sent {
            tracing::debug!("nobody hears of the change: {error}");
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if let Some(registration) = self.registration.take() {
            // Fails only where the connection has dropped it already.
            let _ = self.connection.unregister_object(registration);
        }
    }
}

/// A property's value. GLib has checked that the interface has it. Statistics cost the relay a look
/// at its counters, so only `Status` asks for them.
fn property(report: &impl Fn(bool) -> Report, name: &str) -> Variant {
    let report = report(name == "Status");
    changes::value(&report, name).unwrap_or_else(|| ().to_variant())
}

/// What a method call asks for. GLib has checked the call against the interface.
fn requested(method: &str, parameters: &Variant) -> Option<Request> {
    match parameters.get::<(String, String, Variant)>() {
        Some((_, _, value)) if method == "Set" => value.get().map(Request::from_paused),
        _ => Request::from_method(method),
    }
}

fn answer(
    invocation: DBusMethodInvocation,
    requested: Option<Request>,
    request: &impl Fn(Request) -> Result<(), String>,
) {
    match requested.map(request) {
        Some(Ok(())) => invocation.return_result(Ok(None)),
        Some(Err(text)) => invocation.return_error(DBusError::Failed, &text),
        None => invocation.return_error(DBusError::UnknownMethod, "no such method"),
    }
}

/// The process behind a name on the bus, by the bus's own word. An error is a line for the caller.
fn process(
    bus: DBusConnection,
    name: Option<&str>,
) -> impl Future<Output = Result<u32, String>> + use<> {
    let name = (name.unwrap_or_default(),).to_variant();
    async move {
        let answer = bus.call_future(
            Some(BUS),
            BUS_PATH,
            BUS,
            "GetConnectionUnixProcessID",
            Some(&name),
            None,
            DBusCallFlags::NONE,
            ANSWER_MS,
        );
        let answer = answer.await.map_err(|error| error.to_string())?;
        let pid = answer.get().map(|(pid,)| pid);
        pid.ok_or_else(|| "the bus tells no process".to_owned())
    }
}

/// Answers with a descriptor. The message gets a copy, so ours is closed when it is out.
fn hand_out(invocation: DBusMethodInvocation, opened: Result<OwnedFd, String>) {
    let list = UnixFDList::new();
    let added = opened.and_then(|fd| list.append(fd).map_err(|error| error.to_string()));
    match added {
        Ok(index) => {
            let answer = (Handle(index),).to_variant();
            invocation.return_value_with_unix_fd_list(Some(&answer), Some(&list));
        }
        Err(text) => invocation.return_error(DBusError::Failed, &text),
    }
}
