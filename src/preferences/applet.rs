//! The running applet, over the session bus. Nothing here ever starts one.

use std::rc::Rc;

use adw::{gio, glib};
use gio::prelude::*;
use gio::{BusType, DBusCallFlags, DBusError, DBusProxy, DBusProxyFlags};
use lenscap::dbus::{INTERFACE, NAME, PATH};
use lenscap::report::Report;

use crate::model::Presence;

/// How long an answer may take. The applet's main loop never blocks, so a slow one is stuck.
const ANSWER_MS: i32 = 5000;

/// The applet, as long as somebody cares.
pub struct Applet(DBusProxy);

impl Applet {
    /// Calls `heard` with what the applet tells, now and after every change. Fails without a bus.
    pub async fn follow(heard: impl Fn(Presence) + 'static) -> Result<Self, glib::Error> {
        let flags =
            DBusProxyFlags::DO_NOT_AUTO_START | DBusProxyFlags::DO_NOT_AUTO_START_AT_CONSTRUCTION;
        let proxy =
            DBusProxy::for_bus_future(BusType::Session, flags, None, NAME, PATH, INTERFACE).await?;
        let heard = Rc::new(heard);
        heard(presence(&proxy));
        let again = heard.clone();
        proxy.connect_local("g-properties-changed", false, move |values| {
            if let Some(Ok(proxy)) = values.first().map(glib::Value::get) {
                again(presence(&proxy));
            }
            None
        });
        proxy.connect_notify_local(Some("g-name-owner"), move |proxy, _| {
            heard(presence(proxy));
        });
        Ok(Self(proxy))
    }

    /// Covers the camera, or allows it. An error is one line.
    pub async fn set_paused(&self, paused: bool) -> Result<(), String> {
        let call = self.0.call_future(
            "org.freedesktop.DBus.Properties.Set",
            Some(&(INTERFACE, "Paused", paused.to_variant()).to_variant()),
            DBusCallFlags::NO_AUTO_START,
            ANSWER_MS,
        );
        call.await.map(drop).map_err(|mut error| {
            DBusError::strip_remote_error(&mut error);
            error.message().replace('\n', " ")
        })
    }
}

/// What the applet tells. GIO keeps its properties up to date, and forgets them with their owner.
fn presence(proxy: &DBusProxy) -> Presence {
    if proxy.name_owner().is_none() {
        return Presence::Absent;
    }
    let status = proxy.cached_property("Status");
    match status.as_ref().and_then(glib::Variant::str) {
        None => Presence::Unknown,
        Some(status) => Report::from_json(status).map_or(Presence::Foreign, |report| {
            Presence::Running(Box::new(report))
        }),
    }
}
