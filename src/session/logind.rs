//! Client of logind on the system bus.

use gio::prelude::*;
use gio::{
    BusType, DBusCallFlags, DBusConnection, DBusSignalFlags, SignalSubscription, UnixFDList,
};
use glib::Variant;

use crate::name_watch::NameWatch;

const NAME: &str = "org.freedesktop.login1";
const MANAGER_PATH: &str = "/org/freedesktop/login1";
const MANAGER: &str = "org.freedesktop.login1.Manager";
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";

/// A reply takes milliseconds.
const CALL_TIMEOUT_MS: i32 = 5000;

/// logind, whether it is running or not.
#[derive(Clone)]
pub struct Logind(DBusConnection);

impl Logind {
    pub async fn connect() -> Result<Self, glib::Error> {
        let bus = gio::bus_get_future(BusType::System).await?;
        // GIO would end this process together with the bus.
        bus.set_exit_on_close(false);
        Ok(Self(bus))
    }

    /// Calls `changed` with whether logind is running: soon, and whenever that changes.
    pub fn watch(&self, changed: impl Fn(bool) + 'static) -> NameWatch {
        NameWatch::new(&self.0, NAME, move |owner| changed(owner.is_some()))
    }

    /// Calls `callback` with the parameters of a signal of the manager.
    pub fn on_signal(
        &self,
        signal: &str,
        callback: impl Fn(&Variant) + 'static,
    ) -> SignalSubscription {
        self.subscribe(MANAGER, signal, MANAGER_PATH, None, callback)
    }

    /// Calls `callback` with the changed properties of an object's interface.
    pub fn on_properties_changed(
        &self,
        path: &str,
        interface: &str,
        callback: impl Fn(&Variant) + 'static,
    ) -> SignalSubscription {
        let signal = "PropertiesChanged";
        self.subscribe(PROPERTIES, signal, path, Some(interface), move |signal| {
            callback(&signal.child_value(1));
        })
    }

    fn subscribe(
        &self,
        interface: &str,
        signal: &str,
        path: &str,
        arg0: Option<&str>,
        callback: impl Fn(&Variant) + 'static,
    ) -> SignalSubscription {
        self.0.subscribe_to_signal(
            Some(NAME),
            Some(interface),
            Some(signal),
            Some(path),
            arg0,
            DBusSignalFlags::NONE,
            move |signal| callback(signal.parameters),
        )
    }

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

    /// The object path that a method of the manager returns.
    pub async fn object(&self, method: &str, parameters: &Variant) -> Option<String> {
        let (reply, _) = self.call_manager(method, parameters).await.ok()?;
        reply.child_value(0).str().map(str::to_owned)
    }

    /// Calls a method of the manager.
    pub async fn call_manager(
        &self,
        method: &str,
        parameters: &Variant,
    ) -> Result<Reply, glib::Error> {
        self.call(MANAGER_PATH, MANAGER, method, parameters).await
    }

    async fn call(
        &self,
        path: &str,
        interface: &str,
        method: &str,
        parameters: &Variant,
    ) -> Result<Reply, glib::Error> {
        // Don't start logind on systems that run without it.
        let flags = DBusCallFlags::NO_AUTO_START;
        let reply = self.0.call_with_unix_fd_list_future(
            Some(NAME),
            path,
            interface,
            method,
            Some(parameters),
            None,
            flags,
            CALL_TIMEOUT_MS,
            None::<&UnixFDList>,
        );
        let reply = reply.await;
        reply.inspect_err(|error| tracing::debug!("logind: {method}: {error}"))
    }
}

/// A reply and its file descriptors.
pub type Reply = (Variant, Option<UnixFDList>);
