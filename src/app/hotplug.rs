//! Devices that come and go: events on `/dev`, no polling.

use std::io;

use glib::{ControlFlow, IOCondition};
use inotify::{Event, Inotify, WatchMask};

use crate::descriptor::{self, Watched};

/// Device nodes that matter: V4L2 devices, what makes them, what libcamera puts together, and the
/// processing units of Intel's camera stack.
const NODES: [&str; 6] = ["video", "vcam", "udmabuf", "media", "ipu", "v4l-subdev"];

/// Calls back when a node of interest came, went, or got other permissions (udev sets them a moment
/// after the node appears).
pub fn watch(changed: impl Fn() + 'static) -> io::Result<Watched> {
    let inotify = Inotify::init()?;
    let mask = WatchMask::CREATE | WatchMask::DELETE | WatchMask::ATTRIB;
    inotify.watches().add("/dev", mask)?;
    let ready = move |inotify: &mut Inotify| {
        let mut buffer = [0; 4096];
        match inotify.read_events(&mut buffer) {
            Ok(mut events) => {
                if events.any(|event| concerns_us(&event)) {
                    changed();
                }
                ControlFlow::Continue
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => ControlFlow::Continue,
            Err(error) => {
                tracing::error!("watching /dev: {error}");
                ControlFlow::Break
            }
        }
    };
    Ok(descriptor::watch(inotify, IOCondition::IN, ready))
}

fn concerns_us(event: &Event<&std::ffi::OsStr>) -> bool {
    let name = event.name.unwrap_or_default().to_string_lossy();
    NODES.iter().any(|prefix| name.starts_with(prefix))
}
