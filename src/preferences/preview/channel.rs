//! How a preview is asked for and read, without waiting for anybody.

use std::cell::RefCell;
use std::os::fd::{FromRawFd, OwnedFd};
use std::rc::Rc;

use adw::{gio, glib};
use gio::prelude::*;
use gio::{BusType, DBusCallFlags, DBusError, DBusProxy, DBusProxyFlags, UnixFDList};
use glib::variant::Handle;
use glib::{ControlFlow, IOCondition};
use lenscap::dbus::{INTERFACE, NAME, OPEN_PREVIEW, PATH};
use lenscap::descriptor;
use lenscap::i18n::gettext;
use lenscap::preview::Reader;

/// How long an answer may take. The applet's main loop never blocks, so a slow one is stuck.
const ANSWER_MS: i32 = 5000;

/// The applet on the session bus, as far as previews go.
pub struct Channel {
    proxy: DBusProxy,
    changes: async_channel::Receiver<()>,
}

impl Channel {
    /// Watches for the applet, and never starts one. Fails without a bus.
    pub async fn new() -> Result<Self, glib::Error> {
        let flags =
            DBusProxyFlags::DO_NOT_AUTO_START | DBusProxyFlags::DO_NOT_AUTO_START_AT_CONSTRUCTION;
        let proxy =
            DBusProxy::for_bus_future(BusType::Session, flags, None, NAME, PATH, INTERFACE).await?;
        // One that is not heard yet stands for all that follow.
        let (tell, changes) = async_channel::bounded(1);
        let told = tell.clone();
        proxy.connect_local("g-properties-changed", false, move |_| {
            let _ = told.try_send(());
            None
        });
        proxy.connect_notify_local(Some("g-name-owner"), move |_, _| {
            let _ = tell.try_send(());
        });
        Ok(Self { proxy, changes })
    }

    /// Waits until the applet comes, goes, or does something else than before.
    pub async fn change(&self) {
        // The proxy holds the senders.
        let _ = self.changes.recv().await;
    }

    /// Opens a preview; an error is a line for the user.
    pub async fn open(&self) -> Result<Reader, String> {
        if self.proxy.name_owner().is_none() {
            return Err(gettext("Lenscap is not running"));
        }
        let answer = self.proxy.call_with_unix_fd_list_future(
            OPEN_PREVIEW,
            None,
            DBusCallFlags::NO_AUTO_START,
            ANSWER_MS,
            None::<&UnixFDList>,
        );
        let (answer, fds) = answer.await.map_err(|mut error| {
            DBusError::strip_remote_error(&mut error);
            error.message().replace('\n', " ")
        })?;
        let foreign = || gettext("Lenscap was updated; start it again to see its picture");
        let socket = descriptor_in(&answer, fds.as_ref()).ok_or_else(foreign)?;
        Reader::new(socket).map_err(|_| foreign())
    }
}

fn descriptor_in(answer: &glib::Variant, fds: Option<&UnixFDList>) -> Option<OwnedFd> {
    let (Handle(index),) = answer.get()?;
    // SAFETY: stealing makes every descriptor ours.
    let own = |fd| unsafe { OwnedFd::from_raw_fd(fd) };
    let mut fds: Vec<_> = fds?.steal_fds().into_iter().map(own).collect();
    let index = usize::try_from(index).ok()?;
    (index < fds.len()).then(|| fds.swap_remove(index))
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
