//! A preview, as preferences open it.

use std::os::fd::{FromRawFd, OwnedFd};

use gio::prelude::*;
use gio::{DBusCallFlags, DBusConnection, UnixFDList};
use glib::MainContext;
use glib::variant::Handle;
use lenscap::dbus::{INTERFACE, NAME, OPEN_PREVIEW, PATH};

/// Requests one of the applet on this bus; its main loop may be the caller's own.
pub fn request_preview(client: &DBusConnection) -> Result<OwnedFd, glib::Error> {
    let call = client.call_with_unix_fd_list_future(
        Some(NAME),
        PATH,
        INTERFACE,
        OPEN_PREVIEW,
        None,
        None,
        DBusCallFlags::NO_AUTO_START,
        5000,
        None::<&UnixFDList>,
    );
    let (answer, fds) = MainContext::default().block_on(call)?;
    let (Handle(index),) = answer.get().unwrap();
    let fds = fds.unwrap().steal_fds();
    assert_eq!(fds.len(), 1);
    // SAFETY: stealing made the descriptor ours.
    Ok(unsafe { OwnedFd::from_raw_fd(fds[usize::try_from(index).unwrap()]) })
}

/// The same, which must succeed.
pub fn open_preview(client: &DBusConnection) -> OwnedFd {
    request_preview(client).unwrap()
}
