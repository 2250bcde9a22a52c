//! How a preview is asked for and read, without waiting for anybody.

use std::cell::RefCell;
use std::rc::Rc;

use adw::glib;
use glib::{ControlFlow, IOCondition};
use lenscap::dbus::Client;
use lenscap::descriptor;
use lenscap::i18n::gettext;
use lenscap::preview::Reader;

/// The applet on the session bus, as far as previews go.
pub struct Channel {
    client: Client,
    changes: async_channel::Receiver<()>,
}

impl Channel {
    /// Watches for the applet. Fails without a bus.
    pub async fn new() -> Result<Self, glib::Error> {
        let client = Client::connect().await?;
        // One that is not received yet stands for all that follow.
        let (sender, changes) = async_channel::bounded(1);
        client.on_change(move |_| {
            let _ = sender.try_send(());
        });
        Ok(Self { client, changes })
    }

    /// Waits until the applet starts, ends, or has another status.
    pub async fn change(&self) {
        // The client holds the senders.
        let _ = self.changes.recv().await;
    }

    /// Opens a preview; an error is a line for the user.
    pub async fn open(&self) -> Result<Reader, String> {
        if !self.client.is_running() {
            return Err(gettext("Lenscap is not running"));
        }
        let foreign = || gettext("Lenscap was updated; start it again to see its picture");
        let socket = self.client.open_preview().await?.ok_or_else(foreign)?;
        Reader::new(socket).map_err(|_| foreign())
    }
}

/// Has `look` called whenever there is something to read, until it breaks.
pub async fn read(reader: Reader, mut look: impl FnMut(&mut Reader) -> ControlFlow + 'static) {
    let reader = Rc::new(RefCell::new(reader));
    let (going_on, end) = async_channel::bounded::<()>(1);
    let (read, ready) = (reader.clone(), IOCondition::IN | IOCondition::HUP);
    // Goes before the reader, also when the future is dropped.
    let _watched = descriptor::watch_borrowed(&*reader.borrow(), ready, move || {
        let _until_it_breaks = &going_on;
        look(&mut read.borrow_mut())
    });
    let _ = end.recv().await;
}
