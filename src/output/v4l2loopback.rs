//! The v4l2loopback kernel module: devices that every application finds. How one is fed is in [`ring`].

mod find;
mod ring;
mod usage_event;
mod wait;

use std::fs::File;
use std::io;
use std::path::Path;
use std::rc::Rc;
use std::sync::{Arc, Weak};

use glib::{ControlFlow, IOCondition};

pub use self::find::{Capabilities, capabilities, nodes_below};
use self::ring::{Driver, Ring};
use self::usage_event::UsageEvent;
use super::guarded::{Handle, Owned};
use super::node_watch::NodeWatch;
use super::v4l2::Device;
use super::{
    Backend, FoundOutput, Frame, Notify, Output, OutputEvent, OutputInfo, Shown, Sink, Streams,
    is_gone,
};
use crate::descriptor::{self, Watched};
use crate::placeholder::Pictures;
use crate::relay::{Card, Fault, FaultKind, Watch};
use crate::settings::{Geometry, OutputKind, OutputSpec, Settings, n_};

/// `CID_SUSTAIN_FRAMERATE` of v4l2loopback: repeat the last frame at the nominal rate.
const SUSTAIN_FRAMERATE: u32 = 0x0098_f901;

/// The backend.
pub struct Loopback;

impl Backend for Loopback {
    fn kind(&self) -> OutputKind {
        OutputKind::V4l2loopback
    }

    fn open(
        &self,
        device: Option<&Path>,
        settings: &Settings,
        notify: Notify,
    ) -> Result<Box<dyn Output>, Fault> {
        let output = find::open(device, settings, &notify)?;
        Ok(Box::new(output))
    }

    fn can_open(&self, settings: &Settings) -> bool {
        find::nodes()
            .iter()
            .any(|node| find::check(node, settings).is_ok())
    }

    fn find(&self) -> Vec<FoundOutput> {
        find::find()
    }

    fn wait(&self, spec: &OutputSpec, settings: &Settings, retry: Rc<dyn Fn()>) -> Vec<Watched> {
        wait::wait(spec, settings, &retry)
    }
}

/// An open v4l2loopback device that shows a picture.
pub struct V4l2loopback {
    // Sources go before what they watch.
    _opens: Watched,
    /// Reads the driver's usage event. Only while no client streams: otherwise every buffer that is
    /// queued would wake it up, and the event is read whenever one is queued.
    usage: Option<Watched>,
    feed: Owned<Feed>,
    notify: Notify,
    info: OutputInfo,
}

/// What shows pictures, on the main loop and in the frame pump.
struct Feed {
    ring: Ring<Arc<Device>>,
    pictures: Arc<Pictures>,
    /// The driver's event that counts streaming clients, where it has one.
    usage: Option<UsageEvent>,
}

impl V4l2loopback {
    /// Makes a v4l2loopback device show black frames of this geometry.
    fn open(
        device: Device,
        path: &Path,
        geometry: Geometry,
        framerate: u32,
        notify: &Notify,
    ) -> io::Result<Self> {
        let name = device.identity()?.card;
        device.set_format(geometry)?;
        let framerate = device.set_framerate(framerate)?;
        // Another program may have left it on.
        device.set_control(SUSTAIN_FRAMERATE, 0)?;
        let device = Arc::new(device);
        let mut ring = Ring::new(device.clone(), geometry, framerate)?;
        ring.set_len_file(len_file(path).ok());
        device.stream_on()?;
        let pictures = Arc::new(Pictures::black(geometry));
        ring.show(Card::Off, &pictures)?;
        // From before the first scan for clients, which finds what was there already.
        let opens = NodeWatch::new(path)?;
        let usage = UsageEvent::subscribe(&device);
        let weak = Arc::downgrade(&device);
        let mut output = Self {
            _opens: watch_opens(opens, usage, weak, notify.clone()),
            usage: None,
            feed: Owned::new(Feed {
                ring,
                pictures,
                usage,
            }),
            notify: notify.clone(),
            info: OutputInfo {
                kind: OutputKind::V4l2loopback,
                watch: match usage {
                    Some(_) => Watch::UsageEvent,
                    None => Watch::Inotify,
                },
                node: Some(path.to_owned()),
                name,
                geometry,
                framerate,
            },
        };
        output.watch_usage();
        Ok(output)
    }

    fn watch_usage(&mut self) {
        let (usage, device) = self
            .feed
            .with(|feed| (feed.usage, feed.ring.driver().clone()));
        let Some(usage) = usage else { return };
        let (notify, place) = (self.notify.clone(), self.info.place());
        let weak = Arc::downgrade(&device);
        // The output, and with it the device, may be closed within the event.
        let ready = move || match weak.upgrade().map(|device| usage.read(&device)) {
            Some(Ok(count)) => {
                report(count, &notify);
                ControlFlow::Continue
            }
            Some(Err(error)) => {
                notify(OutputEvent::Lost(lost(&place, &error)));
                ControlFlow::Break
            }
            None => ControlFlow::Break,
        };
        self.usage = Some(descriptor::watch_borrowed(
            device.file(),
            IOCondition::PRI,
            ready,
        ));
    }
}

impl Output for V4l2loopback {
    fn info(&self) -> &OutputInfo {
        &self.info
    }

    fn pictures(&self) -> Arc<Pictures> {
        self.feed.with(|feed| feed.pictures.clone())
    }

    fn set_pictures(&mut self, pictures: Arc<Pictures>) -> io::Result<()> {
        self.feed.with(|feed| {
            feed.pictures = pictures;
            feed.ring.repaint(&feed.pictures)
        })
    }

    fn show(&mut self, card: Card) -> io::Result<Streams> {
        self.feed.with(|feed| {
            feed.ring.show(card, &feed.pictures)?;
            feed.streams()
        })
    }

    fn repeat(&mut self) -> io::Result<Streams> {
        self.feed.with(|feed| {
            feed.ring.repeat(&feed.pictures)?;
            feed.streams()
        })
    }

    fn sustain(&mut self, on: bool) -> io::Result<()> {
        self.feed.with(|feed| feed.ring.sustain(on));
        if on {
            self.usage = None;
        } else {
            self.watch_usage();
        }
        Ok(())
    }

    fn sink(&self) -> Arc<dyn Sink> {
        Arc::new(self.feed.handle())
    }

    fn lost(&self, error: &io::Error) -> Fault {
        lost(&self.info.place(), error)
    }
}

impl Sink for Handle<Feed> {
    /// At the cost of one copy.
    fn show(&self, frame: &Frame<'_>) -> io::Result<Shown> {
        self.with(|feed| {
            Ok(Shown {
                accepted: feed.ring.submit(frame.pixels())?,
                streams: feed.streams()?,
            })
        })
        .unwrap_or_else(|| Err(is_gone()))
    }
}

impl Feed {
    /// How many clients stream, if the driver reported a change.
    fn streams(&self) -> io::Result<Streams> {
        self.usage
            .map_or(Ok(None), |usage| usage.read(self.ring.driver()))
    }
}

impl Driver for Arc<Device> {
    fn request_buffers(&self, count: u32) -> io::Result<u32> {
        Device::request_buffers(self, count)
    }

    fn buffer_len(&self) -> io::Result<usize> {
        Device::buffer_len(self)
    }

    fn memory(&self) -> &File {
        self.file()
    }

    fn queue(&self, index: u32, len: usize) -> io::Result<()> {
        Device::queue(self, index, len)
    }
}

/// Opens and closes are clients where the driver doesn't count them. Where it does, a close is the
/// moment to read the count again, so that an event that was missed can't stick.
fn watch_opens(
    node: NodeWatch,
    usage: Option<UsageEvent>,
    device: Weak<Device>,
    notify: Notify,
) -> Watched {
    let ready = move |node: &mut NodeWatch| {
        let Ok(traffic) = node.read() else {
            return ControlFlow::Break;
        };
        if traffic.opens > 0 {
            notify(OutputEvent::Opens(traffic.opens));
        }
        if traffic.closes > 0 {
            report(usage.and_then(|usage| count_again(usage, &device)), &notify);
            notify(OutputEvent::Opens(-traffic.closes));
        }
        ControlFlow::Continue
    };
    descriptor::watch(node, IOCondition::IN, ready)
}

/// The driver's present count.
fn count_again(usage: UsageEvent, device: &Weak<Device>) -> Streams {
    let device = device.upgrade()?;
    let count = usage
        .request(&device)
        .and_then(|()| usage.read(&device))
        .inspect_err(|error| tracing::debug!("counting the clients again: {error}"));
    count.ok().flatten()
}

fn report(count: Streams, notify: &Notify) {
    if let Some(count) = count {
        notify(OutputEvent::Streams(count));
    }
}

fn lost(place: &str, error: &io::Error) -> Fault {
    let reason = n_("{device} is gone: {error}; load v4l2loopback again");
    Fault::new(FaultKind::NoOutput, reason)
        .with("device", place)
        .with_message("error", error)
}

/// The driver's attribute that holds the length of its ring.
fn len_file(path: &Path) -> io::Result<File> {
    let node = path.canonicalize()?;
    let name = node.file_name().unwrap_or_default();
    let class = Path::new("/sys/class/video4linux");
    File::open(class.join(name).join("buffers"))
}
