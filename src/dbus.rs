//! The applet's interface on the session bus: status, requests and previews.
//!
//! The exported introspection data is the documented XML file in `data/`. The service has no state of
//! its own: it calls back for a [`Report`] when a property is read, for requests and for previews, on
//! the thread that exported it.

mod changes;
mod client;
mod limit;

use std::cell::RefCell;
use std::os::fd::OwnedFd;
use std::rc::Rc;

use gio::prelude::*;
use gio::{
    DBusCallFlags, DBusConnection, DBusError, DBusMethodInvocation, DBusNodeInfo, FilterId,
    RegistrationId, UnixFDList,
};
use glib::Variant;
use glib::variant::Handle;

use crate::name_watch::{BUS, BUS_PATH};
use crate::report::Report;

pub use client::{Client, one_line};

/// The applet's name on the session bus.
pub const NAME: &str = "io.github.lenscap.Lenscap";
/// The path of its object.
pub const PATH: &str = "/io/github/lenscap/Lenscap";
/// The object's interface.
pub const INTERFACE: &str = "io.github.lenscap.Lenscap1";
/// The interface of every D-Bus object that has properties.
pub const PROPERTIES: &str = "org.freedesktop.DBus.Properties";

/// The method that returns a preview's descriptor. Not a [`Request`], as it has a reply.
pub const OPEN_PREVIEW: &str = "OpenPreview";

/// Neither the bus nor the applet's main loop ever blocks, but for a disk that stores a pause: a slower
/// reply means that it hangs.
pub const CALL_TIMEOUT_MS: i32 = 5000;

const INTROSPECTION: &str = include_str!("../data/io.github.lenscap.Lenscap1.xml");

/// A request to the applet.
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

/// The object on the bus, unregistered on drop.
pub struct Service {
    connection: DBusConnection,
    registration: Option<RegistrationId>,
    limit: Option<FilterId>,
    last: RefCell<Option<Report>>,
}

impl Service {
    /// Registers the object. `report` is called whenever a property is read, with whether statistics
    /// are needed; `open_preview` gets the caller's process id. Errors are lines for the caller.
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
        // Without `set_property`, GLib passes a checked `Properties.Set` to the method handler, which
        // can return an error message.
        let registration = connection
            .register_object(PATH, &interface)
            .property(move |_, _, _, _, name| property(&report, name))
            .method_call(move |bus, sender, _, _, method, parameters, invocation| {
                if method == OPEN_PREVIEW {
                    let (caller, open) = (caller_pid(bus, sender), open_preview.clone());
                    glib::spawn_future_local(async move {
                        reply_with_fd(invocation, caller.await.and_then(|pid| open(pid)));
                    });
                } else {
                    reply_to(invocation, request_of(method, &parameters), &request);
                }
            })
            .build()?;
        Ok(Self {
            connection: connection.clone(),
            registration: Some(registration),
            limit: Some(limit::apply(connection)),
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
            tracing::debug!("cannot signal a change: {error}");
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if let Some(limit) = self.limit.take() {
            self.connection.remove_filter(limit);
        }
        if let Some(registration) = self.registration.take() {
            // Fails only if the connection has dropped it already.
            let _ = self.connection.unregister_object(registration);
        }
    }
}

/// A property's value. GLib has checked that the interface has it. Only `Status` contains statistics.
fn property(report: &impl Fn(bool) -> Report, name: &str) -> Variant {
    let report = report(name == "Status");
    changes::value(&report, name).unwrap_or_else(|| ().to_variant())
}

/// The request of a method call. GLib has checked the call against the interface.
fn request_of(method: &str, parameters: &Variant) -> Option<Request> {
    match parameters.get::<(String, String, Variant)>() {
        Some((_, _, value)) if method == "Set" => value.get().map(Request::from_paused),
        _ => Request::from_method(method),
    }
}

fn reply_to(
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

/// The process id of a name's owner, from the bus. An error is a line for the caller.
fn caller_pid(
    bus: DBusConnection,
    name: Option<&str>,
) -> impl Future<Output = Result<u32, String>> + use<> {
    let name = (name.unwrap_or_default(),).to_variant();
    async move {
        let reply = bus.call_future(
            Some(BUS),
            BUS_PATH,
            BUS,
            "GetConnectionUnixProcessID",
            Some(&name),
            None,
            DBusCallFlags::NONE,
            CALL_TIMEOUT_MS,
        );
        let reply = reply.await.map_err(|error| error.to_string())?;
        let pid = reply.get().map(|(pid,)| pid);
        pid.ok_or_else(|| "the bus returned no process id".to_owned())
    }
}

/// The list owns the descriptor and closes it after sending.
fn reply_with_fd(invocation: DBusMethodInvocation, opened: Result<OwnedFd, String>) {
    let list = UnixFDList::new();
    let added = opened.and_then(|fd| list.append(fd).map_err(|error| error.to_string()));
    match added {
        Ok(index) => {
            let reply = (Handle(index),).to_variant();
            invocation.return_value_with_unix_fd_list(Some(&reply), Some(&list));
        }
        Err(text) => invocation.return_error(DBusError::Failed, &text),
    }
}
