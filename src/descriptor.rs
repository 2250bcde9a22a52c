//! Main loop sources for descriptors.

use std::os::fd::{AsFd, AsRawFd};

use glib::translate::{IntoGlib, ToGlibPtr};
use glib::{ControlFlow, IOCondition, MainContext, SourceId};

/// Calls back on the main loop whenever `fd` is ready, until the callback breaks. The descriptor must
/// live as long as the source.
///
/// GLib takes a source that may not recurse out of its poll set while it is dispatched, and wakes
/// itself up for that: three more system calls and one more turn of the loop for every frame. Sources
/// made here may recurse, which no callback of ours does: none runs the main loop.
pub fn watch(
    fd: &impl AsFd,
    condition: IOCondition,
    mut ready: impl FnMut() -> ControlFlow + 'static,
) -> Watched {
    let id = glib_unix::unix_fd_add_local(fd.as_fd().as_raw_fd(), condition, move |_, _| ready());
    if let Some(source) = MainContext::default().find_source_by_id(&id) {
        // SAFETY: the source is alive, and the call only sets a flag of it.
        unsafe {
            glib::ffi::g_source_set_can_recurse(source.to_glib_none().0, true.into_glib());
        }
    }
    Watched(id)
}

/// A main loop source that goes with its owner. It may have removed itself before.
pub struct Watched(SourceId);

impl Watched {
    /// Takes the source over.
    pub fn new(source: SourceId) -> Self {
        Self(source)
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if let Some(source) = MainContext::default().find_source_by_id(&self.0) {
            source.destroy();
        }
    }
}
