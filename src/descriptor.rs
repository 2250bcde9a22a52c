//! Main loop sources for file descriptors.

use std::os::fd::{AsFd, AsRawFd, RawFd};

use glib::{ControlFlow, IOCondition, MainContext, SourceId};

/// Calls back on the main loop whenever `fd` is ready, until the callback breaks. The source owns it.
pub fn watch<T: AsFd + 'static>(
    fd: T,
    condition: IOCondition,
    mut ready: impl FnMut(&mut T) -> ControlFlow + 'static,
) -> Watched {
    let number = fd.as_fd().as_raw_fd();
    let mut fd = fd;
    add(number, condition, move || ready(&mut fd))
}

/// The same for a descriptor that others own and that must live as long as the source.
pub fn watch_borrowed(
    fd: &impl AsFd,
    condition: IOCondition,
    ready: impl FnMut() -> ControlFlow + 'static,
) -> Watched {
    add(fd.as_fd().as_raw_fd(), condition, ready)
}

fn add(
    fd: RawFd,
    condition: IOCondition,
    mut ready: impl FnMut() -> ControlFlow + 'static,
) -> Watched {
    Watched(glib_unix::unix_fd_add_local(fd, condition, move |_, _| {
        ready()
    }))
}

/// A main loop source, removed on drop unless it has ended before.
pub struct Watched(SourceId);

impl Watched {
    /// Takes ownership of a source.
    pub fn new(source: SourceId) -> Self {
        Self(source)
    }

    /// Leaves the source alone: it lasts until its callback breaks.
    pub fn detach(self) {
        std::mem::forget(self);
    }

    /// Runs a future on the main loop until it ends or this is dropped.
    pub fn task(future: impl Future<Output = ()> + 'static) -> Self {
        let task = glib::spawn_future_local(future);
        // A future that was just spawned has its source.
        Self(task.into_source_id().expect("a new task has a source"))
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if let Some(source) = MainContext::default().find_source_by_id(&self.0) {
            source.destroy();
        }
    }
}
