//! logind, over the system bus.

use gio::prelude::*;
use gio::{
    BusType, DBusCallFlags, DBusConnection, DBusSignalFlags, SignalSubscription, UnixFDList,
};
use glib::Variant;

use crate::name_watch::NameWatch;

/// Its name on the bus.
const NAME: &str = "org.freedesktop.login1";
/// Its manager's object, and that one's interface.
const MANAGER_PATH: &str = "/org/freedesktop/login1";
const MANAGER: &str = "org.freedesktop.login1.Manager";
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";

/// How long it may take for an answer. It never needs more than milliseconds.
const ANSWER_MS: i32 = 5000;

/// The way to logind, whether it is there or not.
#[derive(Clone)]
pub struct Logind(DBusConnection);

impl Logind {
    /// Goes to the system bus.
    pub async fn connect() -> Result<Self, glib::Error> {
        let bus = gio::bus_get_future(BusType::System).await?;
        // GIO would end us together with the bus.
        bus.set_exit_on_close(false);
        Ok(Self(bus))
    }

    /// Calls `changed` with whether logind is there: soon, and whenever that changes.
    pub fn watch(&self, changed: impl Fn(bool) + 'static) -> NameWatch {
        NameWatch::new(&self.0, NAME, move |owner| changed(owner.is_some()))
    }

    /// Calls `heard` with the parameters of a signal of the manager.
    pub fn hear(&self, signal: &str, heard: impl Fn(&Variant) + 'static) -> SignalSubscription {
        self.subscribe(MANAGER, signal, MANAGER_PATH, None, heard)
    }

    /// Calls `heard` with those properties of an object's interface that have changed.
    pub fn follow(
        &self,
        path: &str,
        interface: &str,
        heard: impl Fn(&Variant) + 'static,
    ) -> SignalSubscription {
        let signal = "PropertiesChanged";
        self.subscribe(PROPERTIES, signal, path, Some(interface), move |signal| {
            heard(&signal.child_value(1));
        })
    }

    fn subscribe(
        &self,
        interface: &str,
        signal: &str,
        path: &str,
        about: Option<&str>,
        heard: impl Fn(&Variant) + 'static,
    ) -> SignalSubscription {
        self.0.subscribe_to_signal(
            Some(NAME),
            Some(interface),
            Some(signal),
            Some(path),
            about,
            DBusSignalFlags::NONE,
            move |signal| heard(signal.parameters),
        )
    }

    /// All properties of an object's interface.
    pub async fn properties(&self, path: &str, interface: &str) -> Option<Variant> {
        let parameters = (interface,).to_variant();
        let reply = self.call(path, PROPERTIES, "GetAll", &parameters).await;
        Some(reply.ok()?.0.child_value(0))
    }

    /// A property of the manager.
    pub async fn property(&self, name: &str) -> Option<Variant> {
        let parameters = (MANAGER, name).to_variant();
        let reply = self.call(MANAGER_PATH, PROPERTIES, "Get", &parameters);
        reply.await.ok()?.0.child_value(0).as_variant()
    }

    /// The object that a method of the manager answers with.
    pub async fn object(&self, method: &str, parameters: &Variant) -> Option<String> {
        let (reply, _) = self.ask(method, parameters).await.ok()?;
        reply.child_value(0).str().map(str::to_owned)
    }

    /// What a method of the manager answers.
    pub async fn ask(&self, method: &str, parameters: &Variant) -> Result<Answer, glib::Error> {
        self.call(MANAGER_PATH, MANAGER, method, parameters).await
    }

    async fn call(
        &self,
        path: &str,
        interface: &str,
        method: &str,
        parameters: &Variant,
    ) -> Result<Answer, glib::Error> {
        // Where logind doesn't run, it is not for us to start it.
        let flags = DBusCallFlags::NO_AUTO_START;
        let reply = self.0.call_with_unix_fd_list_future(
            Some(NAME),
            path,
            interface,
            method,
            Some(parameters),
            None,
            flags,
            ANSWER_MS,
            None::<&UnixFDList>,
        );
        let answer = reply.await;
        answer.inspect_err(|error| tracing::debug!("logind: {method}: {error}"))
    }
}

/// What logind answers, and the descriptors that come with it.
pub type Answer = (Variant, Option<UnixFDList>);
