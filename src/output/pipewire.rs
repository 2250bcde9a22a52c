//! A camera of the user's PipeWire: a stream that applications find and link to.
//!
//! The stream's own state tells whether anybody looks. PipeWire runs it from the first consumer that
//! plays to the last one, whether that ends or is killed; while it is paused nothing is sent and
//! nobody wakes up. We are the graph's driver: a frame that we queue starts a cycle in which every
//! consumer is given the same buffer. The buffer comes back at the next cycle, and consumers may
//! still be at it then, so we rotate over several.
//!
//! Frames carry the time at which they were captured, which keeps sound and picture together.
//!
//! There is one format, fixed, in memory that consumers map (memfd). Browsers take it as it is: they
//! list the formats of a camera and ask for one of those. Chromium (seen with 156) and Firefox share
//! WebRTC's code for that, which leaves out every format with anything open, and knows I420, NV12,
//! YUY2, UYVY, some kinds of RGB, and MJPEG, in rows without padding; it maps one block a buffer,
//! memfd or none, and wants a header with each. All four of ours are among them.
//!
//! All of it runs on our main loop: its callbacks take notes, which [`Pipewire::dispatch`] hands out.
//! Nothing is created or dropped from within a callback. (The library has a thread of its own that
//! wakes consumers; it sleeps while there are none.)

mod buffers;
mod connection;
mod params;
mod socket;

use std::cell::{Cell, RefCell};
use std::fmt;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::rc::Rc;

use ::pipewire as pw;
use pw::core::CoreRc;
use pw::properties::properties;
use pw::spa::param::ParamType;
use pw::spa::utils::Direction;
use pw::stream::{Stream, StreamFlags, StreamListener, StreamRc, StreamState};

use super::Frame;
use crate::i18n::gettext;
use crate::placeholder::Pictures;
use crate::relay::Card;
use crate::settings::{Geometry, Settings};
use buffers::{Buffers, Held};
use connection::Connection;

pub use socket::{START, Socket, check};

/// `node.name`: what scripts call the camera.
pub const NODE: &str = "lenscap";
/// `node.description`: the name that applications list.
pub const DESCRIPTION: &str = "Lenscap";
/// Ranks the camera above those that the session manager finds (1000 and less): where those work they
/// are the same camera, and where it is a MIPI camera they don't.
const PRIORITY: &str = "2000";

/// Ranks us above every consumer that could drive the graph itself (GStreamer's has 0, and would
/// stall it), and below sound cards, which must keep their own time (1000 and more).
const DRIVER_PRIORITY: &str = "100";

/// A camera of PipeWire.
pub struct Pipewire {
    // Dropped in this order: what hangs on the connection goes before it.
    _listener: StreamListener<()>,
    stream: StreamRc,
    connection: Connection,
    notes: Rc<Notes>,
    geometry: Geometry,
    framerate: u32,
    pictures: Rc<Pictures>,
    /// The placeholder that is up; `None` while the camera's picture is.
    card: Option<Card>,
}

/// What the callbacks saw.
#[derive(Default)]
struct Notes {
    /// Whether PipeWire runs the stream, when it last said so.
    streams: Cell<bool>,
    /// Whether it said so since the last look.
    changed: Cell<bool>,
    failed: RefCell<Option<String>>,
    buffers: RefCell<Buffers>,
}

impl Pipewire {
    /// Makes PipeWire list a camera with frames of this kind.
    pub fn connect(settings: &Settings) -> io::Result<Self> {
        let (geometry, framerate) = (settings.geometry(), settings.camera.framerate);
        let connection = Connection::new()?;
        let stream = StreamRc::new(connection.core().clone(), NODE, describe());
        let stream = stream.map_err(io::Error::other)?;
        let notes = Rc::<Notes>::default();
        let listener = listen(&stream, &notes, geometry).map_err(io::Error::other)?;
        let format = params::format(geometry, framerate)?;
        let flags = StreamFlags::DRIVER | StreamFlags::MAP_BUFFERS;
        stream
            .connect(Direction::Output, None, flags, &mut [params::pod(&format)?])
            .map_err(io::Error::other)?;
        Ok(Self {
            _listener: listener,
            stream,
            connection,
            notes,
            geometry,
            framerate,
            pictures: Rc::new(Pictures::black(geometry)),
            card: Some(Card::Off),
        })
    }

    /// The frames that clients see.
    pub fn geometry(&self) -> Geometry {
        self.geometry
    }

    /// The nominal frame rate.
    pub fn framerate(&self) -> u32 {
        self.framerate
    }

    /// The connection, to watch who links to the camera.
    pub fn core(&self) -> &CoreRc {
        self.connection.core()
    }

    /// The number by which others link to the camera.
    pub fn node_id(&self) -> u32 {
        self.stream.node_id()
    }

    /// Lets PipeWire say what it has to, which it has when the descriptor is readable. Answers with
    /// whether somebody looks, if that changed.
    pub fn dispatch(&self) -> io::Result<Option<bool>> {
        self.connection.dispatch()?;
        match self.notes.failed.take() {
            Some(message) => Err(io::Error::other(message)),
            None => Ok(self.notes.changed.take().then(|| self.notes.streams.get())),
        }
    }

    /// The placeholder pictures.
    pub fn pictures(&self) -> &Pictures {
        &self.pictures
    }

    /// Takes other placeholder pictures, for the next [`show`](Self::show).
    pub fn set_pictures(&mut self, pictures: Rc<Pictures>) {
        self.pictures = pictures;
        self.notes.buffers.borrow_mut().forget_cards();
    }

    /// Shows a camera frame, at the cost of one copy.
    pub fn submit(&mut self, frame: &Frame<'_>) -> io::Result<bool> {
        self.card = None;
        self.send(Held::Picture, frame.captured, |pixels| {
            pixels.copy_from_slice(frame.pixels);
            Ok(())
        })
    }

    /// Shows a placeholder. When it takes the place of camera frames, no buffer holds any of them
    /// afterwards: consumers keep them mapped.
    pub fn show(&mut self, card: Card) -> io::Result<()> {
        self.card = Some(card);
        let pictures = self.pictures.clone();
        let paint = |pixels: &mut [u8]| pictures.paint(card, pixels);
        self.notes.buffers.borrow_mut().cover(card, paint)?;
        self.send(Held::Card(card), 0, paint)?;
        Ok(())
    }

    /// Shows a placeholder once more. A camera frame stays with the consumers until the next.
    pub fn repeat(&mut self) -> io::Result<()> {
        self.card.map_or(Ok(()), |card| self.show(card))
    }

    /// A client streams, and is shown at once what is up; or none any more.
    pub fn sustain(&mut self, on: bool) -> io::Result<()> {
        if on { self.repeat() } else { Ok(()) }
    }

    /// Sends a frame to every consumer, painted if its buffer doesn't hold it already. False if
    /// PipeWire has no buffer to spare.
    fn send(
        &self,
        held: Held,
        captured: u64,
        paint: impl FnOnce(&mut [u8]) -> io::Result<()>,
    ) -> io::Result<bool> {
        if !self.notes.streams.get() {
            return Ok(true); // nobody would see it
        }
        let mut buffers = self.notes.buffers.borrow_mut();
        let sent = buffers.send(&self.stream, held, captured, paint)?;
        drop(buffers);
        if sent {
            self.stream.trigger_process().map_err(io::Error::other)?;
        }
        Ok(sent)
    }
}

impl fmt::Debug for Pipewire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pipewire").finish_non_exhaustive()
    }
}

impl AsFd for Pipewire {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.connection.as_fd()
    }
}

fn describe() -> pw::properties::PropertiesBox {
    properties! {
        *pw::keys::MEDIA_TYPE => "Video",
        *pw::keys::MEDIA_CATEGORY => "Capture",
        *pw::keys::MEDIA_ROLE => "Camera",
        *pw::keys::MEDIA_CLASS => "Video/Source",
        *pw::keys::MEDIA_ICON_NAME => "camera-web",
        *pw::keys::NODE_NAME => NODE,
        *pw::keys::NODE_DESCRIPTION => DESCRIPTION,
        *pw::keys::PRIORITY_SESSION => PRIORITY,
        *pw::keys::PRIORITY_DRIVER => DRIVER_PRIORITY,
    }
}

fn listen(
    stream: &Stream,
    notes: &Rc<Notes>,
    geometry: Geometry,
) -> Result<StreamListener<()>, pw::Error> {
    let (stated, added, removed) = (notes.clone(), notes.clone(), notes.clone());
    let failed = notes.clone();
    stream
        .add_local_listener()
        .state_changed(move |_, (), _, state| stated.take_state(state))
        .param_changed(move |stream, (), id, param| {
            if id == ParamType::Format.as_raw()
                && param.is_some()
                && let Err(error) = params::answer(stream, geometry)
            {
                failed.failed.replace(Some(error.to_string()));
            }
        })
        .add_buffer(move |_, (), buffer| added.buffers.borrow_mut().add(buffer, geometry))
        .remove_buffer(move |_, (), buffer| removed.buffers.borrow_mut().remove(buffer))
        .register()
}

impl Notes {
    fn take_state(&self, state: StreamState) {
        let streams = match state {
            StreamState::Streaming => true,
            StreamState::Paused | StreamState::Connecting => false,
            StreamState::Unconnected => {
                self.failed.replace(Some(gettext("the connection ended")));
                false
            }
            StreamState::Error(message) => {
                self.failed.replace(Some(message));
                false
            }
        };
        if self.streams.replace(streams) != streams {
            self.changed.set(true);
        }
    }
}
