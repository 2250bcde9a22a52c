//! The tray icon: whether the camera is on, who uses it, and a click to cover it.
//!
//! [`Model`] is what there is to see and to click, as plain data made from a report. The rest carries
//! it to whichever host shows it: ksni speaks the `StatusNotifierItem` protocol on a D-Bus connection
//! and a thread of its own, so models go there and clicks come back over channels. A host may come
//! late, die and return, or never be there. ksni is there as long as it is: what ksni itself does about
//! hosts that return misses one that is quick, and without a host it is only in the way.

mod item;
mod model;
mod symbol;
mod theme;

use std::path::Path;

use async_channel::{Receiver, Sender};
use gio::DBusConnection;
use ksni::{Handle, TrayMethods};

use crate::name_watch::NameWatch;

use item::Item;

pub use model::{Click, Entry, Model};
pub use symbol::Symbol;

/// What every tray host has on the bus.
const WATCHER: &str = "org.kde.StatusNotifierWatcher";

/// What happens to a tray icon.
enum Event {
    HostCame,
    HostWent,
    Show(Model),
}

/// A tray icon. It is gone when this is dropped.
pub struct Tray {
    events: Sender<Event>,
    _hosts: NameWatch,
}

impl Tray {
    /// Puts an icon into the tray as soon as there is one on this session bus. On this thread's main
    /// loop, `clicked` is called for every click, and `shown` when a host shows the icon or no longer
    /// does; until the first call, none does.
    pub fn new(
        bus: &DBusConnection,
        model: Model,
        clicked: impl Fn(Click) + 'static,
        shown: impl Fn(bool) + 'static,
    ) -> Self {
        let (events, happened) = async_channel::unbounded();
        let (clicks, made) = async_channel::unbounded();
        let changes = events.clone();
        let hosts = NameWatch::new(bus, WATCHER, move |owner| {
            // Sending fails only when the icon is gone.
            let event = if owner.is_some() {
                Event::HostCame
            } else {
                Event::HostWent
            };
            let _ = changes.try_send(event);
        });
        glib::spawn_future_local(run(model, happened, clicks, shown));
        glib::spawn_future_local(async move {
            while let Ok(click) = made.recv().await {
                clicked(click);
            }
        });
        Self {
            events,
            _hosts: hosts,
        }
    }

    /// Shows something else.
    pub fn show(&self, model: Model) {
        let _ = self.events.try_send(Event::Show(model));
    }
}

impl Drop for Tray {
    fn drop(&mut self) {
        self.events.close();
    }
}

/// Keeps the icon in whatever tray there is, until its end.
async fn run(
    mut model: Model,
    events: Receiver<Event>,
    clicks: Sender<Click>,
    shown: impl Fn(bool),
) {
    let shown = |is_shown| {
        // Whoever gave the icon up knows that it is gone.
        if !events.is_closed() {
            shown(is_shown);
        }
    };
    let mut tray = None;
    while let Ok(event) = events.recv().await {
        match event {
            Event::HostCame => {
                tray = join(&model, &clicks).await;
                shown(tray.is_some());
            }
            Event::HostWent => {
                shown(false);
                leave(tray.take()).await;
            }
            Event::Show(newer) => {
                model = newer.clone();
                if let Some(tray) = &tray {
                    tray.update(|item: &mut Item| item.show(newer)).await;
                }
            }
        }
    }
    leave(tray).await;
}

async fn join(model: &Model, clicks: &Sender<Click>) -> Option<Handle<Item>> {
    let tray = Item::new(model.clone(), clicks.clone())
        // A sandbox may own no names but its application's.
        .disable_dbus_name(Path::new("/.flatpak-info").exists())
        // The host may be gone again.
        .assume_sni_available(true)
        .spawn()
        .await;
    if let Err(error) = &tray {
        tracing::warn!("no tray icon until the panel starts again: {error}");
    }
    tray.ok()
}

async fn leave(tray: Option<Handle<Item>>) {
    if let Some(tray) = tray {
        tray.shutdown().await;
    }
}
