//! The stream: what PipeWire reports of it, and what it shows.

use std::cell::{Cell, RefCell};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::rc::Rc;
use std::sync::Arc;

use ::pipewire as pw;
use pw::core::CoreRc;
use pw::properties::properties;
use pw::spa::param::ParamType;
use pw::spa::utils::Direction;
use pw::stream::{StreamFlags, StreamListener, StreamRc, StreamState};

use super::buffers::Buffers;
use super::connection::Connection;
use super::{DESCRIPTION, NODE, params};
use crate::output::Frame;
use crate::placeholder::Pictures;
use crate::relay::Card;
use crate::settings::{Geometry, Message, n_};

/// Ranks the camera above those that the session manager finds (1000 and less): where those work they
/// are the same camera, and where it is a MIPI camera they don't.
const PRIORITY: &str = "2000";

/// Ranks us above every consumer that could drive the graph itself (GStreamer's has 0, and would
/// stall it), and below sound cards, which must keep their own time (1000 and more).
const DRIVER_PRIORITY: &str = "100";

/// A stream that is connected.
pub struct Stream {
    // Dropped in this order: what hangs on the connection goes before it.
    _listener: StreamListener<()>,
    inner: StreamRc,
    connection: Connection,
    notes: Rc<Notes>,
    pictures: Arc<Pictures>,
    /// The placeholder that is up; `None` while the camera's picture is.
    card: Option<Card>,
}

// SAFETY: it is only ever used under the lock that owns it (`Owned`), by one thread at a time, which
// is what libpipewire requires of callers (see `pw_thread_loop_lock`); its reference counts are changed
// within these methods and by `drop`, which runs on the main loop's thread.
unsafe impl Send for Stream {}

/// What the callbacks noted.
#[derive(Default)]
struct Notes {
    /// Whether PipeWire runs the stream, by its newest report.
    streams: Cell<bool>,
    /// Whether that has changed since it was last read.
    changed: Cell<bool>,
    failed: RefCell<Option<Message>>,
    buffers: RefCell<Buffers>,
}

impl Stream {
    /// Makes PipeWire list a camera with frames of this kind.
    pub fn connect(geometry: Geometry, framerate: u32) -> io::Result<Self> {
        let connection = Connection::new()?;
        let stream = StreamRc::new(connection.core().clone(), NODE, describe());
        let stream = stream.map_err(io::Error::other)?;
        let notes = Rc::<Notes>::default();
        let listener = listen(&stream, &notes, geometry).map_err(io::Error::other)?;
        let format = params::format(geometry, framerate)?;
        // Without `RT_PROCESS` every frame would wake the main loop to call back for the next one.
        let flags = StreamFlags::DRIVER | StreamFlags::MAP_BUFFERS | StreamFlags::RT_PROCESS;
        stream
            .connect(Direction::Output, None, flags, &mut [params::pod(&format)?])
            .map_err(io::Error::other)?;
        Ok(Self {
            _listener: listener,
            inner: stream,
            connection,
            notes,
            pictures: Arc::new(Pictures::black(geometry)),
            card: Some(Card::Off),
        })
    }

    /// The connection, to watch who links to the camera.
    pub fn core(&self) -> &CoreRc {
        self.connection.core()
    }

    /// The number by which others link to the camera.
    pub fn node_id(&self) -> u32 {
        self.inner.node_id()
    }

    /// Handles what PipeWire has sent, which is when the descriptor is readable. Answers with whether a
    /// client streams, if that changed.
    pub fn dispatch(&mut self) -> io::Result<Option<bool>> {
        self.connection.dispatch()?;
        match self.notes.failed.take() {
            Some(message) => Err(io::Error::other(message)),
            None => Ok(self.notes.changed.take().then(|| self.notes.streams.get())),
        }
    }

    /// The placeholder pictures.
    pub fn pictures(&self) -> Arc<Pictures> {
        self.pictures.clone()
    }

    /// Takes other placeholder pictures, and shows the new one if a placeholder is up.
    pub fn set_pictures(&mut self, pictures: Arc<Pictures>) -> io::Result<()> {
        self.pictures = pictures;
        self.notes.buffers.borrow_mut().forget_cards();
        self.repeat()
    }

    /// Shows a camera frame, at the cost of one copy. False if PipeWire has no buffer to spare.
    pub fn submit(&mut self, frame: &Frame<'_>) -> io::Result<bool> {
        self.card = None;
        if !self.notes.streams.get() {
            return Ok(true); // no client would see it
        }
        let mut buffers = self.notes.buffers.borrow_mut();
        let sent = buffers.submit(&*self.inner, frame.pixels(), frame.captured)?;
        drop(buffers);
        self.process(sent).map(|()| sent)
    }

    /// Shows a placeholder. When it takes the place of camera frames, no buffer holds any of them
    /// afterwards: consumers keep them mapped.
    pub fn show(&mut self, card: Card) -> io::Result<()> {
        self.card = Some(card);
        let queue = self.notes.streams.get().then_some(&*self.inner);
        let mut buffers = self.notes.buffers.borrow_mut();
        let sent = buffers.show(queue, card, &self.pictures)?;
        drop(buffers);
        self.process(sent)
    }

    /// Shows a placeholder once more. A camera frame stays with the consumers until the next.
    pub fn repeat(&mut self) -> io::Result<()> {
        self.card.map_or(Ok(()), |card| self.show(card))
    }

    /// A client streams, and is shown at once what is up; or none any more, and the buffers' memory is
    /// freed.
    pub fn sustain(&mut self, on: bool) -> io::Result<()> {
        if on {
            return self.repeat();
        }
        if !self.notes.streams.get() && self.card.is_some() {
            self.notes.buffers.borrow_mut().free_memory();
        }
        Ok(())
    }

    /// Has every consumer read what was sent, if anything was.
    fn process(&self, sent: bool) -> io::Result<()> {
        if sent {
            self.inner.trigger_process().map_err(io::Error::other)?;
        }
        Ok(())
    }
}

impl AsFd for Stream {
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
    stream: &pw::stream::Stream,
    notes: &Rc<Notes>,
    geometry: Geometry,
) -> Result<StreamListener<()>, pw::Error> {
    let (state, added, removed) = (notes.clone(), notes.clone(), notes.clone());
    let failed = notes.clone();
    stream
        .add_local_listener()
        .state_changed(move |_, (), _, new| state.note_state(new))
        .param_changed(move |stream, (), id, param| {
            if id == ParamType::Format.as_raw()
                && param.is_some()
                && let Err(error) = params::answer(stream, geometry)
            {
                failed.failed.replace(Some(Message::from(&error)));
            }
        })
        .add_buffer(move |_, (), buffer| added.buffers.borrow_mut().add(buffer, geometry))
        .remove_buffer(move |_, (), buffer| removed.buffers.borrow_mut().remove(buffer))
        .register()
}

impl Notes {
    fn note_state(&self, state: StreamState) {
        let streams = match state {
            StreamState::Streaming => true,
            StreamState::Paused | StreamState::Connecting => false,
            StreamState::Unconnected => {
                let reason = n_("the connection ended");
                self.failed.replace(Some(reason.into()));
                false
            }
            StreamState::Error(message) => {
                self.failed.replace(Some(Message::verbatim(message)));
                false
            }
        };
        if self.streams.replace(streams) != streams {
            self.changed.set(true);
        }
    }
}
