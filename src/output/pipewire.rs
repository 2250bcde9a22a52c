//! A camera of the user's PipeWire: a stream that applications find and link to.
//!
//! The stream's own state shows whether a client streams. PipeWire runs it from the first consumer that
//! plays to the last one, whether that ends or is killed; while it is paused nothing is sent and
//! no process wakes up. We are the graph's driver: a frame that we queue starts a cycle in which every
//! consumer is given the same buffer. The buffer comes back at the next cycle, and consumers may
//! still be reading it then, so we rotate over several.
//!
//! Frames carry the time at which they were captured, which keeps sound and picture together.
//!
//! There is one format, fixed, in memory that consumers map (memfd). Browsers take it as it is: they
//! list the formats of a camera and request one of those. Chromium (seen with 156) and Firefox share
//! WebRTC's code for that, which leaves out every format with anything open, and knows I420, NV12,
//! YUY2, UYVY, some kinds of RGB, and MJPEG, in rows without padding; it maps one block a buffer,
//! memfd or none, and wants a header with each. All four of ours are among them.
//!
//! The main loop handles what PipeWire sends; the frame pump queues frames. Each holds the lock of the
//! [`Stream`] for as long, because libpipewire lets one thread at a time invoke its data loop (before
//! 1.2). Nothing is created or dropped from within a callback. (The library has a thread of its own
//! that wakes consumers; it sleeps while there are none.)

mod buffers;
mod connection;
mod params;
mod queue;
mod socket;
mod stream;
mod viewers;
mod wait;

use std::cell::Cell;
use std::io;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use glib::{ControlFlow, IOCondition};

use self::stream::Stream;
use self::viewers::Viewers;
use super::guarded::{Handle, Owned};
use super::{
    Backend, FoundOutput, Frame, Notify, Output, OutputEvent, OutputInfo, Shown, Sink, Streams,
    is_gone,
};
use crate::descriptor::{self, Watched};
use crate::placeholder::Pictures;
use crate::relay::{Card, Fault, FaultKind, Watch};
use crate::settings::{OutputKind, OutputSpec, Settings, n_};

pub use socket::{START, Socket};

/// `node.name`: what scripts call the camera.
pub const NODE: &str = "lenscap";
/// `node.description`: the name that applications list.
pub const DESCRIPTION: &str = "Lenscap";

/// The backend.
#[derive(Default)]
pub struct Server {
    /// Attempts in a row that failed while the server seemed to be there.
    failures: Rc<Cell<u32>>,
}

impl Backend for Server {
    fn kind(&self) -> OutputKind {
        OutputKind::Pipewire
    }

    fn open(
        &self,
        _: Option<&Path>,
        settings: &Settings,
        notify: Notify,
    ) -> Result<Box<dyn Output>, Fault> {
        let output =
            socket::check().and_then(|()| Pipewire::open(settings, notify, &self.failures));
        let output = output.map_err(|error| Fault::new(FaultKind::NoOutput, &error))?;
        Ok(Box::new(output))
    }

    fn can_open(&self, _: &Settings) -> bool {
        socket::check().is_ok()
    }

    fn find(&self) -> Vec<FoundOutput> {
        let problem = socket::check().err();
        let problem = problem.map(|error| Fault::new(FaultKind::NoOutput, &error));
        vec![FoundOutput {
            name: DESCRIPTION.to_owned(),
            ..FoundOutput::new(OutputKind::Pipewire, problem)
        }]
    }

    fn wait(&self, spec: &OutputSpec, _: &Settings, retry: Rc<dyn Fn()>) -> Vec<Watched> {
        wait::wait(spec, &self.failures, &retry)
    }
}

/// A camera of PipeWire.
struct Pipewire {
    // Goes before the stream that it dispatches for.
    _dispatch: Watched,
    stream: Owned<Stream>,
    info: OutputInfo,
}

impl Pipewire {
    /// Makes PipeWire list a camera with frames of this kind.
    fn open(settings: &Settings, notify: Notify, failures: &Rc<Cell<u32>>) -> io::Result<Self> {
        let (geometry, framerate) = (settings.geometry(), settings.camera.framerate);
        let stream = Owned::new(Stream::connect(geometry, framerate)?);
        let health = wait::Health::new(failures.clone());
        let handle = stream.handle();
        let mut viewers = None;
        let ready = move || match handle.with(|stream| dispatch(stream, &mut viewers)) {
            Some(Ok(events)) => {
                for event in events {
                    notify(event);
                }
                ControlFlow::Continue
            }
            Some(Err(error)) => {
                viewers = None; // before the connection that it hangs on
                health.lost();
                notify(OutputEvent::Lost(lost(&error)));
                ControlFlow::Break
            }
            None => ControlFlow::Break,
        };
        let dispatch =
            stream.with(|stream| descriptor::watch_borrowed(stream, IOCondition::IN, ready));
        Ok(Self {
            _dispatch: dispatch,
            stream,
            info: OutputInfo {
                kind: OutputKind::Pipewire,
                watch: Watch::Pipewire,
                node: None,
                name: DESCRIPTION.to_owned(),
                geometry,
                framerate,
            },
        })
    }
}

impl Output for Pipewire {
    fn info(&self) -> &OutputInfo {
        &self.info
    }

    fn pictures(&self) -> Arc<Pictures> {
        self.stream.with(|stream| stream.pictures())
    }

    fn set_pictures(&mut self, pictures: Arc<Pictures>) -> io::Result<()> {
        self.stream.with(|stream| stream.set_pictures(pictures))
    }

    fn show(&mut self, card: Card) -> io::Result<Streams> {
        self.stream.with(|stream| stream.show(card)).map(|()| None)
    }

    fn repeat(&mut self) -> io::Result<Streams> {
        self.stream.with(Stream::repeat).map(|()| None)
    }

    fn sustain(&mut self, on: bool) -> io::Result<()> {
        self.stream.with(|stream| stream.sustain(on))
    }

    fn sink(&self) -> Arc<dyn Sink> {
        Arc::new(self.stream.handle())
    }

    fn lost(&self, error: &io::Error) -> Fault {
        lost(error)
    }
}

impl Sink for Handle<Stream> {
    /// At the cost of one copy: covering must not depend on a worker whose memory it would be.
    fn show(&self, frame: &Frame<'_>) -> io::Result<Shown> {
        let accepted = self.with(|stream| stream.submit(frame));
        Ok(Shown {
            accepted: accepted.unwrap_or_else(|| Err(is_gone()))?,
            streams: None,
        })
    }
}

/// Handles what PipeWire has sent. Who streams is watched as long as a client does.
fn dispatch(stream: &mut Stream, viewers: &mut Option<Viewers>) -> io::Result<Vec<OutputEvent>> {
    let mut events = Vec::new();
    let streams = stream.dispatch()?;
    if let Some(streams) = streams {
        *viewers = None;
        if streams {
            *viewers = Some(Viewers::new(stream.core(), stream.node_id())?);
        } else {
            events.push(OutputEvent::Holders(Vec::new()));
        }
    }
    let holders = viewers.as_ref().and_then(Viewers::changed);
    events.extend(holders.map(OutputEvent::Holders));
    events.extend(streams.map(|streams| OutputEvent::Streams(streams.into())));
    Ok(events)
}

fn lost(error: &io::Error) -> Fault {
    let reason = n_("PipeWire is gone: {error}; start it with: {command}");
    Fault::new(FaultKind::NoOutput, reason)
        .with("command", START)
        .with_message("error", error)
}
