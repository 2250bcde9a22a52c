//! PipeWire as an output: its stream's state and viewers, and the wait for its return.

use std::cell::RefCell;
use std::io;
use std::os::fd::AsRawFd;
use std::rc::Rc;
use std::time::Duration;

use glib::{ControlFlow, IOCondition};
use inotify::{Inotify, WatchMask};

use super::{Outlet, Watched, lost};
use crate::clients::Viewers;
use crate::descriptor;
use crate::output::pipewire::Socket;
use crate::output::{Output, Pipewire};
use crate::relay::{Event, Holder, backoff};
use crate::settings::OutputKind;

/// A connection that has lasted for this long was well: the next attempt counts as the first.
pub(super) const WELL_AFTER: Duration = Duration::from_secs(10);

impl Outlet {
    /// Lets PipeWire speak whenever it has something to say.
    pub(super) fn watch_stream(&self, output: &Rc<RefCell<Output>>) -> Option<Watched> {
        let (id, events) = (self.id, self.events.clone());
        let own = output.clone();
        let mut viewers = None;
        let listen = move || {
            let heard = hear(&own.borrow(), &mut viewers);
            match heard {
                Ok((streams, holders)) => {
                    if let Some(holders) = holders {
                        events.send(Event::Holders(id, Some(holders)));
                    }
                    if let Some(streams) = streams {
                        events.send(Event::Usage(id, streams.into()));
                    }
                    ControlFlow::Continue
                }
                Err(error) => {
                    let fault = lost(&own.borrow(), &error);
                    events.send(Event::OutputLost(id, fault));
                    ControlFlow::Break
                }
            }
        };
        let output = output.borrow();
        let stream = output.pipewire()?;
        Some(descriptor::watch(stream, IOCondition::IN, listen))
    }

    /// Tries again when PipeWire is started, and where it seems to be there, after a while.
    pub(super) fn wait_for_pipewire(&mut self) {
        let is_wanted = match self.spec.kind {
            OutputKind::Pipewire => true,
            OutputKind::Auto => self.spec.device.is_none(),
            OutputKind::V4l2loopback | OutputKind::Vcam => false,
        };
        let Some(socket) = Socket::find().filter(|_| is_wanted) else {
            return;
        };
        match self.watch_socket(&socket) {
            Ok(watch) => self.waiting.push(watch),
            Err(error) => tracing::debug!("watching {}: {error}", socket.dir.display()),
        }
        if socket.path().exists() {
            self.failures.set(self.failures.get() + 1);
            let wait = backoff::wait(self.failures.get());
            let retry = self.later();
            let source = glib::timeout_add_local_once(wait, retry);
            self.waiting.push(Watched::new(source));
        }
    }

    /// Tries again when the socket appears.
    fn watch_socket(&self, socket: &Socket) -> io::Result<Watched> {
        let mut inotify = Inotify::init()?;
        let mask = WatchMask::CREATE | WatchMask::MOVED_TO;
        inotify.watches().add(&socket.dir, mask)?;
        let (name, failures) = (socket.name.clone(), self.failures.clone());
        let retry = self.later();
        let fd = inotify.as_raw_fd();
        let source = glib_unix::unix_fd_add_local(fd, IOCondition::IN, move |_, _| {
            let mut buffer = [0; 4096];
            let appeared = match inotify.read_events(&mut buffer) {
                Ok(mut events) => events.any(|event| event.name == Some(&name)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => false,
                Err(_) => return ControlFlow::Break,
            };
            if appeared {
                failures.set(0);
                retry();
            }
            ControlFlow::Continue
        });
        Ok(Watched::new(source))
    }
}

/// Takes in what PipeWire says: whether somebody looks, and who, where that changed. Who looks is
/// watched as long as somebody does.
fn hear(
    output: &Output,
    viewers: &mut Option<Viewers>,
) -> io::Result<(Option<bool>, Option<Vec<Holder>>)> {
    let Some(stream) = output.pipewire() else {
        return Ok((None, None));
    };
    let streams = stream.dispatch()?;
    if let Some(streams) = streams {
        *viewers = streams.then(|| watch(stream)).transpose()?;
        if !streams {
            return Ok((Some(false), Some(Vec::new())));
        }
    }
    Ok((streams, viewers.as_ref().and_then(Viewers::changed)))
}

fn watch(stream: &Pipewire) -> io::Result<Viewers> {
    Viewers::new(stream.core(), stream.node_id())
}
