//! What the user wants, as types that can only hold what makes sense.
//!
//! [`Settings`] is what the program runs on. It is not the config file's type: the file is read and
//! checked in the config room, the command line lays its own values over it, and every rule about a value
//! (even sizes, known names) stands in exactly one `parse` or `FromStr` here. Everything else about a
//! setting is its entry in [`key::KEYS`].

mod format;
pub mod key;
mod mask;
mod one_line;
mod spec;
mod text;
mod url;

use std::path::{Path, PathBuf};
use std::time::Duration;

pub use format::{Geometry, PixelFormat, Plane, parse_format};
pub use mask::masked;
pub use one_line::{LONGEST_NAME, LONGEST_TEXT, one_line};
pub use spec::{Delay, OutputKind, OutputSpec, PlaceholderSpec, SourceSpec, Transform};
pub use spec::{MOST_OUTPUTS, check_outputs};
pub use spec::{parse_buffer_count, parse_device, parse_framerate};
pub use spec::{parse_ms, parse_poll_interval, parse_size};
pub use text::{Message, MessageId, SpecError, fill, n_};
pub use url::{Encoding, Login, NetworkCamera, Protocol, Rtp, RtpWay};

/// Everything the user can set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Which camera, and the shape of its picture.
    pub camera: Camera,
    /// When the camera goes on and off.
    pub delays: Delays,
    /// Where the picture goes.
    pub output: Output,
    /// What the desktop shows.
    pub desktop: Desktop,
}

/// Which camera, and the shape of its picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Camera {
    /// The real camera.
    pub source: SourceSpec,
    /// Pixels in a line; even.
    pub width: u32,
    /// Lines in a frame; even.
    pub height: u32,
    /// Frames a second.
    pub framerate: u32,
    /// Buffers that `icamerasrc` keeps in flight (2–10).
    pub buffer_count: u32,
    /// How the picture is turned before anybody sees it.
    pub transform: Transform,
}

/// When the camera goes on and off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delays {
    /// How long a client must stream before the camera opens.
    pub activation: Delay,
    /// How long the camera stays open after the last client left.
    pub cooldown: Duration,
    /// How often known clients are looked up where the driver doesn't say when they leave.
    pub poll_interval: Duration,
}

/// Where the picture goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// The virtual cameras, at least one, which show the same picture; see [`check_outputs`].
    pub specs: Vec<OutputSpec>,
    /// The pixel format clients see; `None` is the default, YUY2.
    pub format: Option<PixelFormat>,
    /// What clients see while the camera is off.
    pub placeholder: PlaceholderSpec,
}

/// Desktop integration: tray, notifications, autostart, screen lock.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools)] // independent switches
pub struct Desktop {
    /// Show the tray icon.
    pub tray: bool,
    /// Tell when the camera goes on.
    pub notifications: bool,
    /// Start with the session.
    pub autostart: bool,
    /// Cover the camera while the screen is locked.
    pub cover_when_locked: bool,
    /// Run a version that was installed meanwhile as soon as the camera is off.
    pub restart_after_update: bool,
}

impl Default for Camera {
    /// Those of ipu6-camera-daemon, which many set-ups are made for.
    fn default() -> Self {
        Self {
            source: SourceSpec::Auto,
            width: 1920,
            height: 1080,
            framerate: 30,
            buffer_count: 7,
            transform: Transform::None,
        }
    }
}

impl Default for Delays {
    fn default() -> Self {
        Self {
            activation: Delay::Auto,
            cooldown: Duration::from_millis(5000),
            poll_interval: Duration::from_millis(50),
        }
    }
}

impl Default for Output {
    fn default() -> Self {
        Self {
            specs: vec![OutputSpec::default()],
            format: None,
            placeholder: PlaceholderSpec::default(),
        }
    }
}

impl Output {
    /// The virtual cameras by their kinds, as in `v4l2loopback,pipewire`.
    pub fn kinds(&self) -> String {
        let kinds: Vec<_> = self.specs.iter().map(|spec| spec.kind.name()).collect();
        kinds.join(",")
    }

    /// Sets the virtual cameras by their kinds, with commas between them; one that takes a device
    /// keeps the present one.
    pub fn set_kinds(&mut self, kinds: &str) -> Result<(), SpecError> {
        if kinds.is_empty() {
            let text = n_("an empty list: name a virtual camera, or write auto");
            return Err(SpecError::new(text, &[]));
        }
        let spec = |kind: &str| {
            let kind = kind.parse()?;
            Ok::<_, SpecError>(OutputSpec { kind, device: None })
        };
        let specs: Vec<_> = kinds.split(',').map(spec).collect::<Result<_, _>>()?;
        check_outputs(&specs)?;
        let device = self.device().map(Path::to_owned);
        self.specs = specs;
        self.set_device(device.as_ref());
        Ok(())
    }

    /// The device of the virtual camera that has one; `None` where it is found.
    pub fn device(&self) -> Option<&Path> {
        self.specs.iter().find_map(|spec| spec.device.as_deref())
    }

    /// Sets the device of every virtual camera that has one; whether there is such.
    pub fn set_device(&mut self, device: Option<&PathBuf>) -> bool {
        let takes_device = |spec: &&mut OutputSpec| {
            matches!(spec.kind, OutputKind::Auto | OutputKind::V4l2loopback)
        };
        let mut specs = self.specs.iter_mut().filter(takes_device).peekable();
        let some = specs.peek().is_some();
        specs.for_each(|spec| spec.device = device.cloned());
        some
    }
}

impl Default for Desktop {
    fn default() -> Self {
        Self {
            tray: true,
            notifications: true,
            autostart: false,
            // A screen also locks by itself, under somebody who listens to a meeting from afar.
            cover_when_locked: false,
            restart_after_update: true,
        }
    }
}

impl Settings {
    /// The shape of the frames that clients see; YUY2 unless another format is set, because every
    /// application takes it (old Electron lacks NV12).
    pub fn geometry(&self) -> Geometry {
        Geometry {
            format: self.output.format.unwrap_or(PixelFormat::Yuy2),
            width: self.camera.width,
            height: self.camera.height,
        }
    }
}
