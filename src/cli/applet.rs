//! Client of the running applet on the session bus.

use std::cell::Cell;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use gio::IOErrorEnum;
use gio::prelude::*;
use gio::{BusType, Cancellable, DBusCallFlags, DBusConnection, DBusError};
use gio::{DBusSignalFlags, SignalSubscription};
use glib::thread_guard::ThreadGuard;
use glib::{SignalHandlerId, Variant};

use crate::dbus::{CALL_TIMEOUT_MS, INTERFACE, NAME, PATH, PROPERTIES, Request, one_line};
use crate::i18n::{gettext, gettext_f};
use crate::instance;
use crate::name_watch::{BUS, BUS_PATH};
use crate::report::Report;

/// How long the applet may take to end: its worker has 5 s to close the camera, and the outputs are
/// closed after that.
const END: Duration = Duration::from_secs(10);

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// No applet is running.
    #[error("{}", gettext("not running; start it with 'lenscap'"))]
    NotRunning,
    /// It is running, but isn't on this bus.
    #[error("{}", gettext_f("running as process {pid}, but can't be reached over this session bus; run 'lenscap doctor'", &[("pid", &.0.to_string())]))]
    Unreachable(u32),
    /// There is no session bus.
    #[error(
        "{}",
        gettext("no session bus to reach the applet over; run this inside the desktop session")
    )]
    NoBus,
    /// It is running, but doesn't answer.
    #[error(
        "{}",
        gettext("the applet does not respond; end its process and start it again")
    )]
    Silent,
    /// It ended during the call.
    #[error("{}", gettext("the applet has ended"))]
    Ended,
    /// It didn't end in time.
    #[error("{}", gettext("the applet has not ended yet; its log shows why"))]
    StillThere,
    /// The status can't be printed.
    #[error("{}", gettext_f("cannot write the status: {error}", &[("error", &.0.to_string())]))]
    Output(#[from] io::Error),
    /// The status can't be parsed.
    #[error("{}", gettext_f("the running applet has another version; restart it ({error})", &[("error", &.0.to_string())]))]
    Strange(#[from] serde_json::Error),
    /// Any other error message.
    #[error("{0}")]
    Other(String),
}

impl From<glib::Error> for Failure {
    fn from(error: glib::Error) -> Self {
        if error.matches(DBusError::ServiceUnknown) || error.matches(DBusError::NameHasNoOwner) {
            instance::holder().map_or(Self::NotRunning, Self::Unreachable)
        } else if error.matches(IOErrorEnum::TimedOut) {
            Self::Silent
        } else if error.matches(DBusError::NoReply) || error.matches(IOErrorEnum::Closed) {
            Self::Ended
        } else {
            Self::Other(one_line(error))
        }
    }
}

pub struct Applet(DBusConnection);

impl Applet {
    /// Connects to the session bus.
    pub fn find() -> Result<Self, Failure> {
        let bus = gio::bus_get_sync(BusType::Session, Cancellable::NONE);
        let connection = bus.map_err(|_| Failure::NoBus)?;
        // Otherwise GIO would kill this process when the bus ends, before it prints an error.
        connection.set_exit_on_close(false);
        Ok(Self(connection))
    }

    pub fn connection(&self) -> &DBusConnection {
        &self.0
    }

    /// Its status, with statistics.
    pub fn status(&self) -> Result<Report, Failure> {
        read(&self.call(PROPERTIES, "Get", Some(&parameters()))?)
    }

    /// Its status, asynchronously: the reply arrives in order with the applet's signals.
    pub fn ask_status(&self, answer: impl FnOnce(Result<Report, Failure>) + 'static) {
        self.0.call(
            Some(NAME),
            PATH,
            PROPERTIES,
            "Get",
            Some(&parameters()),
            None,
            DBusCallFlags::NO_AUTO_START,
            CALL_TIMEOUT_MS,
            Cancellable::NONE,
            |reply| answer(reply.map_err(Failure::from).and_then(|reply| read(&reply))),
        );
    }

    pub fn request(&self, request: Request) -> Result<(), Failure> {
        self.call(INTERFACE, request.method(), None).map(drop)
    }

    fn call(
        &self,
        interface: &str,
        method: &str,
        parameters: Option<&Variant>,
    ) -> Result<Variant, Failure> {
        self.send(NAME, PATH, interface, method, parameters)
    }

    fn send(
        &self,
        name: &str,
        path: &str,
        interface: &str,
        method: &str,
        parameters: Option<&Variant>,
    ) -> Result<Variant, Failure> {
        let reply = self.0.call_sync(
            Some(name),
            path,
            interface,
            method,
            parameters,
            None,
            DBusCallFlags::NO_AUTO_START,
            CALL_TIMEOUT_MS,
            Cancellable::NONE,
        );
        Ok(reply?)
    }

    /// Calls `ended` when its name leaves the bus, or the bus ends, for as long as the watch lives.
    ///
    /// GIO has a watch for names of its own, but its Rust binding panics when the bus ends.
    pub fn on_end(&self, ended: impl Fn() + 'static) -> EndWatch {
        let ended = Rc::new(ended);
        let closed = ThreadGuard::new(ended.clone());
        let closed = self.0.connect_closed(move |_, _, _| closed.get_ref()());
        let name = self.0.subscribe_to_signal(
            Some(BUS),
            Some(BUS),
            Some("NameOwnerChanged"),
            Some(BUS_PATH),
            Some(NAME),
            DBusSignalFlags::NONE,
            move |signal| {
                if signal.parameters.child_value(2).str() == Some("") {
                    ended();
                }
            },
        );
        EndWatch {
            connection: self.0.clone(),
            closed: Some(closed),
            _name: name,
        }
    }

    /// Waits until its name leaves the bus.
    pub fn wait_for_end(&self) -> Result<(), Failure> {
        let main_loop = glib::MainLoop::new(None, false);
        let is_gone = Rc::new(Cell::new(false));
        let (quit, gone) = (main_loop.clone(), is_gone.clone());
        let _watch = self.on_end(move || {
            gone.set(true);
            quit.quit();
        });
        if !self.is_there()? {
            return Ok(());
        }
        let quit = main_loop.clone();
        glib::timeout_add_local_once(END, move || quit.quit());
        main_loop.run();
        is_gone.get().then_some(()).ok_or(Failure::StillThere)
    }

    fn is_there(&self) -> Result<bool, Failure> {
        let name = (NAME,).to_variant();
        let reply = self.send(BUS, BUS_PATH, BUS, "NameHasOwner", Some(&name))?;
        Ok(reply.child_value(0).get().unwrap_or(false))
    }
}

/// See [`Applet::on_end`].
pub struct EndWatch {
    connection: DBusConnection,
    closed: Option<SignalHandlerId>,
    _name: SignalSubscription,
}

impl Drop for EndWatch {
    fn drop(&mut self) {
        // The connection may be freed on GIO's own thread, where the closure must not be.
        if let Some(closed) = self.closed.take() {
            self.connection.disconnect(closed);
        }
    }
}

/// The parameters of `Properties.Get` for the status.
fn parameters() -> Variant {
    (INTERFACE, "Status").to_variant()
}

/// The status in a reply of `Properties.Get`.
fn read(reply: &Variant) -> Result<Report, Failure> {
    let status: Option<String> = reply.get().and_then(|(value,): (Variant,)| value.get());
    Ok(Report::from_json(&status.unwrap_or_default())?)
}
