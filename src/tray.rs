//! The tray icon: shows whether the camera is on and which applications use it; a click covers it.
//!
//! [`Model`] is the content as plain data, made from a report. ksni serves it to the tray host by the
//! `StatusNotifierItem` protocol, on a D-Bus connection and thread of its own; models and clicks pass
//! through channels. The item exists only while there is a host: ksni's own handling of hosts misses
//! one that restarts quickly.

mod item;
mod model;
mod symbol;
mod theme;

use async_channel::{Receiver, Sender};
use gio::DBusConnection;
use ksni::{Handle, TrayMethods};

use crate::name_watch::NameWatch;
use crate::program;

use item::Item;

use model::MenuEntry;
pub use model::{Click, Model};
pub use symbol::Symbol;

/// Owned by every tray host.
const WATCHER: &str = "org.kde.StatusNotifierWatcher";

enum TrayEvent {
    HostAppeared,
    HostVanished,
    Show(Model),
}

/// A tray icon, removed on drop.
pub struct Tray {
    events: Sender<TrayEvent>,
    _hosts: NameWatch,
}

impl Tray {
    /// Adds the icon as soon as there is a tray host on this session bus. On this thread's main loop,
    /// `clicked` is called for every click, and `shown` when a host starts or stops showing the icon;
    /// until the first call, none shows it.
    pub fn new(
        bus: &DBusConnection,
        model: Model,
        clicked: impl Fn(Click) + 'static,
        shown: impl Fn(bool) + 'static,
    ) -> Self {
        let (events, receiver) = async_channel::unbounded();
        let (clicks, clicks_received) = async_channel::unbounded();
        let changes = events.clone();
        let hosts = NameWatch::new(bus, WATCHER, move |owner| {
            // Sending fails only after the icon was dropped.
            let event = if owner.is_some() {
                TrayEvent::HostAppeared
            } else {
                TrayEvent::HostVanished
            };
            let _ = changes.try_send(event);
        });
        glib::spawn_future_local(run(model, receiver, clicks, shown));
        glib::spawn_future_local(async move {
            while let Ok(click) = clicks_received.recv().await {
                clicked(click);
            }
        });
        Self {
            events,
            _hosts: hosts,
        }
    }

    /// Replaces the content.
    pub fn show(&self, model: Model) {
        let _ = self.events.try_send(TrayEvent::Show(model));
    }
}

impl Drop for Tray {
    fn drop(&mut self) {
        self.events.close();
    }
}

/// Keeps the icon in the current host's tray until the channel closes.
async fn run(
    mut model: Model,
    events: Receiver<TrayEvent>,
    clicks: Sender<Click>,
    shown: impl Fn(bool),
) {
    let shown = |is_shown| {
        // Not after the drop: the owner knows.
        if !events.is_closed() {
            shown(is_shown);
        }
    };
    let mut tray = None;
    while let Ok(event) = events.recv().await {
        match event {
            TrayEvent::HostAppeared => {
                tray = spawn_item(&model, &clicks).await;
                shown(tray.is_some());
            }
            TrayEvent::HostVanished => {
                shown(false);
                shut_down(tray.take()).await;
            }
            TrayEvent::Show(newer) => {
                model = newer.clone();
                if let Some(tray) = &tray {
                    tray.update(|item: &mut Item| item.show(newer)).await;
                }
            }
        }
    }
    shut_down(tray).await;
}

async fn spawn_item(model: &Model, clicks: &Sender<Click>) -> Option<Handle<Item>> {
    let tray = Item::new(model.clone(), clicks.clone())
        // In a sandbox, the application may own its own name only.
        .disable_dbus_name(program::is_flatpak())
        // Don't fail if the host has vanished again.
        .assume_sni_available(true)
        .spawn()
        .await;
    if let Err(error) = &tray {
        tracing::warn!("no tray icon until the panel starts again: {error}");
    }
    tray.ok()
}

async fn shut_down(tray: Option<Handle<Item>>) {
    if let Some(tray) = tray {
        tray.shutdown().await;
    }
}
