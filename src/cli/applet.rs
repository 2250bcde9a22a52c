//! The running applet, as other processes see it: a name on the session bus.

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

use crate::dbus::{INTERFACE, NAME, PATH, PROPERTIES, Request};
use crate::i18n::{gettext, gettext_f};
use crate::instance;
use crate::name_watch::{BUS, BUS_PATH};
use crate::report::Report;

/// How long an answer may take. The applet's main loop never blocks, so a slow one is stuck.
const ANSWER_MS: i32 = 5000;

/// How long the applet may take to end: its worker has 5 s to close the camera, and the picture is
/// taken away after that.
const END: Duration = Duration::from_secs(10);

/// Why a command came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// There is no applet.
    #[error("{}", gettext("not running; start it with 'lenscap'"))]
    NotRunning,
    /// There is one, and it isn't on this bus.
    #[error("{}", gettext_f("running as process {pid}, and out of reach over this session bus; 'lenscap doctor' says what helps", &[("pid", &.0.to_string())]))]
    Unreachable(u32),
    /// There is nothing to ask it over.
    #[error(
        "{}",
        gettext("no session bus to reach the applet over; run this inside the desktop session")
    )]
    NoBus,
    /// There is one, and it doesn't answer.
    #[error(
        "{}",
        gettext("the applet does not answer; end its process and start it again")
    )]
    Silent,
    /// It went away.
    #[error("{}", gettext("the applet has ended"))]
    Ended,
    /// It was told to end, and is still there.
    #[error(
        "{}",
        gettext("the applet has not ended yet; look for the reason in its log")
    )]
    StillThere,
    /// What it told can't be printed.
    #[error("{}", gettext_f("cannot write the status: {error}", &[("error", &.0.to_string())]))]
    Output(#[from] io::Error),
    /// What it told can't be read.
    #[error("{}", gettext_f("the applet is of another version; start it again ({error})", &[("error", &.0.to_string())]))]
    Strange(#[from] serde_json::Error),
    /// Anything else, in the words of who said so.
    #[error("{0}")]
    Other(String),
}

impl From<glib::Error> for Failure {
    fn from(mut error: glib::Error) -> Self {
        if error.matches(DBusError::ServiceUnknown) || error.matches(DBusError::NameHasNoOwner) {
            instance::holder().map_or(Self::NotRunning, Self::Unreachable)
        } else if error.matches(IOErrorEnum::TimedOut) {
            Self::Silent
        } else if error.matches(DBusError::NoReply) || error.matches(IOErrorEnum::Closed) {
            Self::Ended
        } else {
            DBusError::strip_remote_error(&mut error);
            Self::Other(error.message().replace('\n', " "))
        }
    }
}

/// The running applet, as seen from outside.
pub struct Applet(DBusConnection);

impl Applet {
    /// Connects to the bus that it would be on.
    pub fn find() -> Result<Self, Failure> {
        let bus = gio::bus_get_sync(BusType::Session, Cancellable::NONE);
        let connection = bus.map_err(|_| Failure::NoBus)?;
        // GIO would send us SIGTERM when the bus ends, and there would be no line about it.
        connection.set_exit_on_close(false);
        Ok(Self(connection))
    }

    /// The bus that it is on.
    pub fn connection(&self) -> &DBusConnection {
        &self.0
    }

    /// Its status, with statistics.
    pub fn status(&self) -> Result<Report, Failure> {
        read(&self.call(PROPERTIES, "Get", Some(&parameters()))?)
    }

    /// Its status, by way of the main loop: the answer comes in order with the applet's signals.
    pub fn ask_status(&self, answer: impl FnOnce(Result<Report, Failure>) + 'static) {
        self.0.call(
            Some(NAME),
            PATH,
            PROPERTIES,
            "Get",
            Some(&parameters()),
            None,
            DBusCallFlags::NO_AUTO_START,
            ANSWER_MS,
            Cancellable::NONE,
            |reply| answer(reply.map_err(Failure::from).and_then(|reply| read(&reply))),
        );
    }

    /// Has it do something.
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
            ANSWER_MS,
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

    /// Waits until its name is gone from the bus.
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

/// What `Properties.Get` takes to answer with the status.
fn parameters() -> Variant {
    (INTERFACE, "Status").to_variant()
}

/// The status in an answer of `Properties.Get`.
fn read(reply: &Variant) -> Result<Report, Failure> {
    let status: Option<String> = reply.get().and_then(|(value,): (Variant,)| value.get());
    Ok(Report::from_json(&status.unwrap_or_default())?)
}
