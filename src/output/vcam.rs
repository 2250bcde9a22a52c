//! The vcam kernel driver, which shows frames where they lie.
//!
//! A frame is a DMA-BUF over a memfd, and the driver copies it to the client when both are there:
//! the worker's slot goes to the driver as it is, and is released when it was shown. Placeholders lie
//! in memory of their own, which no worker ever sees. What was learned by running the driver's first
//! revision, and is worked around here and in the files below:
//! - closing frees the camera twice, so it is opened once and never closed, and keeps its shape;
//! - the driver's calls may wait for a client: they are made on a thread ([`feeder`]);
//! - it repeats nothing: the feeder keeps frames coming to a client;
//! - while it is off it lists any size: it is turned on whenever no program has it open;
//! - when a client leaves, STREAMOFF returns its frames without an event, close with one.
//!
//! One thing is the driver's own to mend: a client that stops just when a frame is copied to it has the
//! kernel warn of a buffer that wasn't returned (`__vb2_queue_cancel`).

mod camera;
mod feeder;
mod find;
mod memory;
mod uapi;
mod wait;

use std::io;
use std::path::Path;
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use glib::{ControlFlow, IOCondition};

use self::camera::Camera;
use super::guarded::{Handle, Owned};
use super::node_watch::NodeWatch;
use super::{
    Backend, FoundOutput, Frame, Notify, Output, OutputEvent, OutputInfo, Shown, Sink, Streams,
    is_gone,
};
use crate::descriptor::{self, Watched};
use crate::placeholder::Pictures;
use crate::relay::{Card, Fault, FaultKind, Watch};
use crate::settings::{OutputKind, OutputSpec, Settings, n_};

pub use memory::UDMABUF;
pub use uapi::PATH as CONTROL;

/// A camera that no output shows now: it can't be closed and made anew, in the whole process.
static UNUSED: Mutex<Option<Camera>> = Mutex::new(None);

fn unused() -> MutexGuard<'static, Option<Camera>> {
    // It is replaced as a whole.
    UNUSED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The backend.
pub struct Driver;

impl Backend for Driver {
    fn kind(&self) -> OutputKind {
        OutputKind::Vcam
    }

    fn forbids_fallback(&self) -> bool {
        unused().is_some()
    }

    /// The driver is a patch that no distribution ships.
    fn is_common(&self) -> bool {
        find::is_there()
    }

    fn open(
        &self,
        _: Option<&Path>,
        settings: &Settings,
        notify: Notify,
    ) -> Result<Box<dyn Output>, Fault> {
        let camera = find::open(settings, &mut unused());
        let camera = camera.map_err(|reason| Fault::new(FaultKind::NoOutput, reason))?;
        let place = camera.path().display().to_string();
        let output = Vcam::watch(camera, notify).map_err(|error| lost(&place, &error))?;
        Ok(Box::new(output))
    }

    fn can_open(&self, _: &Settings) -> bool {
        find::find().problem.is_none()
    }

    fn find(&self) -> Vec<FoundOutput> {
        vec![find::find()]
    }

    /// The driver's nodes lie in /dev, which is watched for all backends.
    fn wait(&self, _: &OutputSpec, _: &Settings, _: Rc<dyn Fn()>) -> Vec<Watched> {
        Vec::new()
    }
}

/// An open camera of the vcam driver, and the watches over its clients.
struct Vcam {
    _watches: [Watched; 2],
    /// Taken out when it is given up, and only then.
    camera: Option<Owned<Camera>>,
    info: OutputInfo,
}

impl Vcam {
    fn watch(camera: Camera, notify: Notify) -> io::Result<Self> {
        let path = camera.path().to_owned();
        let info = OutputInfo {
            kind: OutputKind::Vcam,
            watch: Watch::VcamWait,
            node: Some(path.clone()),
            name: camera.name().to_owned(),
            geometry: camera.geometry(),
            framerate: camera.framerate(),
        };
        // From before the first scan for clients, which finds what was there already.
        let opens = NodeWatch::new(&path)?;
        let streams = wait::streams(camera.control(), camera.sustain_handle())?;
        let camera = Owned::new(camera);
        let watches = [
            watch_opens(opens, camera.handle(), info.place(), notify.clone()),
            watch_streams(streams, info.place(), notify),
        ];
        Ok(Self {
            _watches: watches,
            camera: Some(camera),
            info,
        })
    }

    fn with<R>(&self, act: impl FnOnce(&mut Camera) -> R) -> R {
        let camera = self.camera.as_ref();
        camera.expect("it is taken out by drop alone").with(act)
    }
}

impl Output for Vcam {
    fn info(&self) -> &OutputInfo {
        &self.info
    }

    fn pictures(&self) -> Arc<Pictures> {
        self.with(|camera| camera.pictures())
    }

    fn set_pictures(&mut self, pictures: Arc<Pictures>) -> io::Result<()> {
        self.with(|camera| camera.set_pictures(pictures))
    }

    fn show(&mut self, card: Card) -> io::Result<Streams> {
        self.with(|camera| camera.show(card)).map(|()| None)
    }

    fn repeat(&mut self) -> io::Result<Streams> {
        self.with(Camera::repeat).map(|()| None)
    }

    /// The feeder keeps frames coming by itself.
    fn sustain(&mut self, _: bool) -> io::Result<()> {
        self.with(|camera| camera.check())
    }

    fn sink(&self) -> Arc<dyn Sink> {
        let camera = self.camera.as_ref();
        let camera = camera.expect("it is taken out by drop alone");
        Arc::new(camera.handle())
    }

    fn kept_slots(&self) -> u32 {
        feeder::KEPT_SLOTS
    }

    fn nodes_changed(&mut self) -> io::Result<()> {
        self.with(|camera| camera.check())
    }

    fn lost(&self, error: &io::Error) -> Fault {
        lost(&self.info.place(), error)
    }
}

impl Drop for Vcam {
    fn drop(&mut self) {
        let Some(mut camera) = self.camera.take().map(Owned::into_inner) else {
            return;
        };
        if let Err(error) = camera.show(Card::Off) {
            tracing::debug!("covering vcam: {error}");
        }
        *unused() = Some(camera);
    }
}

impl Sink for Handle<Camera> {
    /// Without a copy.
    fn show(&self, frame: &Frame<'_>) -> io::Result<Shown> {
        let accepted = self.with(|camera| camera.submit(frame.lease));
        Ok(Shown {
            accepted: accepted.unwrap_or_else(|| Err(is_gone()))?,
            streams: None,
        })
    }
}

/// Each open or close triggers a scan for holders; a close also triggers a check of the driver.
fn watch_opens(node: NodeWatch, camera: Handle<Camera>, place: String, notify: Notify) -> Watched {
    let ready = move |node: &mut NodeWatch| {
        let Ok(traffic) = node.read() else {
            return ControlFlow::Break;
        };
        notify(OutputEvent::Opens(traffic.opens - traffic.closes));
        let checked = match traffic.closes {
            0 => Ok(()),
            _ => camera.with(|camera| camera.check()).unwrap_or(Ok(())),
        };
        let Err(error) = checked else {
            return ControlFlow::Continue;
        };
        notify(OutputEvent::Lost(lost(&place, &error)));
        ControlFlow::Break
    };
    descriptor::watch(node, IOCondition::IN, ready)
}

fn watch_streams(
    streams: async_channel::Receiver<io::Result<bool>>,
    place: String,
    notify: Notify,
) -> Watched {
    Watched::task(async move {
        while let Ok(streams) = streams.recv().await {
            notify(match streams {
                Ok(streams) => OutputEvent::Streams(streams.into()),
                Err(error) => OutputEvent::Lost(lost(&place, &error)),
            });
        }
    })
}

fn lost(place: &str, error: &io::Error) -> Fault {
    let reason = n_("{device} is gone: {error}; restart Lenscap");
    Fault::new(FaultKind::NoOutput, reason)
        .with("device", place)
        .with_message("error", error)
}
