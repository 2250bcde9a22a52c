//! The running applet, as a program with a main loop sees it over the session bus. Nothing here ever
//! starts one.

use std::os::fd::{FromRawFd, OwnedFd};

use gio::prelude::*;
use gio::{BusType, DBusCallFlags, DBusError, DBusProxy, DBusProxyFlags, UnixFDList};
use glib::Variant;
use glib::variant::Handle;

use super::{CALL_TIMEOUT_MS, INTERFACE, NAME, OPEN_PREVIEW, PATH};

/// A connection to the applet, whether it runs or not.
#[derive(Clone, Debug)]
pub struct Client(DBusProxy);

impl Client {
    /// Connects to the session bus. Fails without one.
    pub async fn connect() -> Result<Self, glib::Error> {
        let flags =
            DBusProxyFlags::DO_NOT_AUTO_START | DBusProxyFlags::DO_NOT_AUTO_START_AT_CONSTRUCTION;
        let proxy =
            DBusProxy::for_bus_future(BusType::Session, flags, None, NAME, PATH, INTERFACE).await?;
        Ok(Self(proxy))
    }

    /// Calls `changed` whenever the applet starts, ends, or has another status, as long as the client
    /// lives.
    pub fn on_change(&self, changed: impl Fn(&Self) + Clone + 'static) {
        let again = changed.clone();
        self.0
            .connect_local("g-properties-changed", false, move |values| {
                if let Some(Ok(proxy)) = values.first().map(glib::Value::get) {
                    again(&Self(proxy));
                }
                None
            });
        self.0
            .connect_notify_local(Some("g-name-owner"), move |proxy, _| {
                changed(&Self(proxy.clone()));
            });
    }

    /// Whether an applet runs.
    pub fn is_running(&self) -> bool {
        self.0.name_owner().is_some()
    }

    /// The newest status, as JSON. GIO keeps it up to date, and forgets it with its owner.
    pub fn status(&self) -> Option<String> {
        self.0.cached_property("Status")?.get()
    }

    /// Covers the camera, or allows it. An error is one line.
    pub async fn set_paused(&self, paused: bool) -> Result<(), String> {
        let parameters = (INTERFACE, "Paused", paused.to_variant()).to_variant();
        let call = self.0.call_future(
            "org.freedesktop.DBus.Properties.Set",
            Some(&parameters),
            DBusCallFlags::NO_AUTO_START,
            CALL_TIMEOUT_MS,
        );
        call.await.map(drop).map_err(one_line)
    }

    /// Opens a preview: its socket, or `None` where another version answers. An error is one line.
    pub async fn open_preview(&self) -> Result<Option<OwnedFd>, String> {
        let call = self.0.call_with_unix_fd_list_future(
            OPEN_PREVIEW,
            None,
            DBusCallFlags::NO_AUTO_START,
            CALL_TIMEOUT_MS,
            None::<&UnixFDList>,
        );
        let (answer, fds) = call.await.map_err(one_line)?;
        Ok(descriptor_in(&answer, fds.as_ref()))
    }
}

fn descriptor_in(answer: &Variant, fds: Option<&UnixFDList>) -> Option<OwnedFd> {
    let (Handle(index),) = answer.get()?;
    // SAFETY: stealing makes every descriptor ours.
    let own = |fd| unsafe { OwnedFd::from_raw_fd(fd) };
    let mut fds: Vec<_> = fds?.steal_fds().into_iter().map(own).collect();
    let index = usize::try_from(index).ok()?;
    (index < fds.len()).then(|| fds.swap_remove(index))
}

/// The message of an error that came over the bus.
pub fn one_line(mut error: glib::Error) -> String {
    DBusError::strip_remote_error(&mut error);
    error.message().replace('\n', " ")
}
