//! The tray icon: whether the camera is on, who uses it, and a click to cover it.
//!
//! [`Model`] is what there is to see and to click, as plain data made from a report. The rest carries
//! it to whichever host shows it: ksni speaks the `StatusNotifierItem` protocol on a D-Bus connection
//! and a thread of its own, so models go there and clicks come back over channels. A host may come
//! late, die and return, or never be there; the applet notices nothing of that.

mod item;
mod model;
mod symbol;

use std::path::Path;

use async_channel::{Receiver, Sender};
use ksni::TrayMethods;

use item::Item;

pub use model::{Click, Entry, Model};
pub use symbol::Symbol;

/// A tray icon. It is gone when this is dropped.
pub struct Tray {
    models: Sender<Model>,
}

impl Tray {
    /// Puts an icon into the tray; `clicked` is called on this thread's main loop.
    pub fn new(model: Model, clicked: impl Fn(Click) + 'static) -> Self {
        let (models, shown) = async_channel::unbounded();
        let (clicks, made) = async_channel::unbounded();
        glib::spawn_future_local(run(Item::new(model, clicks), shown));
        glib::spawn_future_local(async move {
            while let Ok(click) = made.recv().await {
                clicked(click);
            }
        });
        Self { models }
    }

    /// Shows something else.
    pub fn show(&self, model: Model) {
        // Fails only where there is no session bus any more.
        let _ = self.models.try_send(model);
    }
}

/// Keeps the icon in the tray until nobody sends models any more.
async fn run(item: Item, models: Receiver<Model>) {
    let tray = item
        // A sandbox may own no names but its application's.
        .disable_dbus_name(Path::new("/.flatpak-info").exists())
        .assume_sni_available(true);
    let tray = match tray.spawn().await {
        Ok(tray) => tray,
        Err(error) => return tracing::warn!("no tray icon: {error}"),
    };
    while let Ok(mut model) = models.recv().await {
        // While the host was busy, only the last one counts.
        while let Ok(newer) = models.try_recv() {
            model = newer;
        }
        tray.update(|item| item.show(model)).await;
    }
    tray.shutdown().await;
}
