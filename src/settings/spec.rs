//! Values that users write as text: on the command line, and the same in the config file.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use super::mask::{masked, masked_login};
use super::one_line::{LONGEST_NAME, one_line};
use super::text::{SpecError, n_};
use super::url::{self, NetworkCamera};

/// The real camera.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum SourceSpec {
    /// Whichever works, found by probing.
    #[default]
    Auto,
    /// Intel's IPU6 and IPU7 camera stack; the name is one of the element's `device-name` values.
    Icamerasrc(Option<String>),
    /// A camera of libcamera's; the id is libcamera's own.
    Libcamera(Option<String>),
    /// A V4L2 capture device.
    V4l2(PathBuf),
    /// A camera that PipeWire offers, by its `node.name`.
    Pipewire(Option<String>),
    /// A camera in the network.
    Network(Box<NetworkCamera>),
    /// A moving test picture.
    Test,
    /// A source in `gst-launch-1.0` syntax, without a sink.
    Pipeline(String),
}

impl SourceSpec {
    /// The kind alone, as status and logs name it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Icamerasrc(_) => "icamerasrc",
            Self::Libcamera(_) => "libcamera",
            Self::V4l2(_) => "v4l2",
            Self::Pipewire(_) => "pipewire",
            Self::Network(camera) => camera.kind(),
            Self::Test => "test",
            Self::Pipeline(_) => "pipeline",
        }
    }

    /// The source as it was written, with every password in it: for children that open it, and for
    /// the config file. What is shown is its [`Display`](fmt::Display), which covers them.
    pub fn revealed(&self) -> String {
        match self {
            Self::Icamerasrc(Some(name)) => format!("icamerasrc:{name}"),
            Self::Libcamera(Some(id)) => format!("libcamera:{id}"),
            Self::V4l2(path) => format!("v4l2:{}", path.display()),
            Self::Pipewire(Some(node)) => format!("pipewire:{node}"),
            Self::Network(camera) => camera.revealed().to_owned(),
            Self::Pipeline(description) => format!("pipeline:{description}"),
            plain => plain.kind().to_owned(),
        }
    }

    /// Whether there is something in it that others must not read.
    pub fn has_secret(&self) -> bool {
        self.revealed() != self.to_string()
    }
}

impl FromStr for SourceSpec {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        let (kind, rest) = match text.split_once(':') {
            Some((kind, rest)) => (kind, Some(rest)),
            None => (text, None),
        };
        // A pipeline may be written in several lines.
        let is_layout = |letter| kind == "pipeline" && matches!(letter, '\n' | '\t');
        refuse_control(text, is_layout)?;
        let name = rest.filter(|name| !name.is_empty()).map(str::to_owned);
        match (kind, rest) {
            ("auto", None) => Ok(Self::Auto),
            ("test", None) => Ok(Self::Test),
            ("icamerasrc", None) => Ok(Self::Icamerasrc(None)),
            ("icamerasrc", _) if name.is_some() => Ok(Self::Icamerasrc(name)),
            ("libcamera", None) => Ok(Self::Libcamera(None)),
            ("libcamera", _) if name.is_some() => Ok(Self::Libcamera(name)),
            ("pipewire", None) => Ok(Self::Pipewire(None)),
            ("pipewire", _) if name.is_some() => Ok(Self::Pipewire(name)),
            ("v4l2", Some(path)) if path.starts_with('/') => Ok(Self::V4l2(path.into())),
            ("v4l2", _) => Err(SpecError::new(
                n_("source '{text}' needs a device: write v4l2:/dev/videoN"),
                &[("text", text)],
            )),
            ("pipeline", Some(description)) if !description.trim().is_empty() => {
                Ok(Self::Pipeline(description.trim().to_owned()))
            }
            ("pipeline", _) => Err(SpecError::new(
                n_("source 'pipeline:' needs a description: write pipeline:videotestsrc"),
                &[],
            )),
            (_, Some(rest)) if rest.starts_with("//") => {
                text.parse().map(Box::new).map(Self::Network)
            }
            _ => Err(SpecError::unknown(
                n_("unknown source '{text}': use one of {known}"),
                &masked_login(text),
                &[
                    "auto",
                    "icamerasrc[:NAME]",
                    "libcamera[:ID]",
                    "v4l2:PATH",
                    "pipewire[:NODE]",
                    url::SCHEMES,
                    "test",
                    "pipeline:DESCRIPTION",
                ],
            )),
        }
    }
}

impl fmt::Display for SourceSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&masked(&self.revealed()))
    }
}

/// The kind of virtual camera.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum OutputKind {
    /// Whichever works.
    #[default]
    Auto,
    /// A device of the v4l2loopback kernel module.
    V4l2loopback,
    /// A camera of the vcam kernel driver.
    Vcam,
    /// A camera of the user's PipeWire.
    Pipewire,
}

impl OutputKind {
    /// Every kind, in the order in which they are listed to users.
    pub const ALL: [Self; 4] = [Self::Auto, Self::V4l2loopback, Self::Vcam, Self::Pipewire];

    /// The name that the command line and the config file use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::V4l2loopback => "v4l2loopback",
            Self::Vcam => "vcam",
            Self::Pipewire => "pipewire",
        }
    }
}

impl FromStr for OutputKind {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        match text {
            "auto" => Ok(Self::Auto),
            "v4l2loopback" => Ok(Self::V4l2loopback),
            "vcam" => Ok(Self::Vcam),
            "pipewire" => Ok(Self::Pipewire),
            _ => Err(SpecError::unknown(
                n_("unknown output '{text}': use one of {known}"),
                text,
                &["auto", "v4l2loopback[:PATH]", "vcam", "pipewire"],
            )),
        }
    }
}

/// The virtual camera: its kind, and its device where one is named.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct OutputSpec {
    /// What kind of virtual camera.
    pub kind: OutputKind,
    /// The device node; `None` finds one by its driver.
    pub device: Option<PathBuf>,
}

impl FromStr for OutputSpec {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        let (kind, device) = match text.split_once(':') {
            Some((kind, path)) => (kind.parse()?, Some(parse_device(path)?)),
            None => (text.parse()?, None),
        };
        let spec = Self {
            kind,
            device: device.flatten(),
        };
        if kind != OutputKind::V4l2loopback && text.contains(':') {
            return Err(SpecError::new(
                n_("output '{text}': '{kind}' takes no device"),
                &[("text", text), ("kind", kind.name())],
            ));
        }
        Ok(spec)
    }
}

impl fmt::Display for OutputSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.name())?;
        match &self.device {
            Some(path) => write!(f, ":{}", path.display()),
            None => Ok(()),
        }
    }
}

/// As many virtual cameras as can stand together.
pub const MOST_OUTPUTS: usize = 8;

/// Checks whether virtual cameras can stand together.
pub fn check_outputs(outputs: &[OutputSpec]) -> Result<(), SpecError> {
    let is_auto = |spec: &OutputSpec| spec.kind == OutputKind::Auto;
    let repeated = (1..outputs.len()).find(|at| outputs[..*at].contains(&outputs[*at]));
    if outputs.len() > 1 && outputs.iter().any(is_auto) {
        let text = n_("output 'auto' stands alone: name the others, or leave them out");
        Err(SpecError::new(text, &[]))
    } else if let Some(at) = repeated {
        let text = n_("output '{output}' is named twice");
        Err(SpecError::new(
            text,
            &[("output", &outputs[at].to_string())],
        ))
    } else if outputs.len() > MOST_OUTPUTS {
        let text = n_("more than {most} outputs: name fewer");
        Err(SpecError::new(text, &[("most", &MOST_OUTPUTS.to_string())]))
    } else {
        Ok(())
    }
}

/// A device as the user writes it: a path, or `auto` for `None`.
pub fn parse_device(text: &str) -> Result<Option<PathBuf>, SpecError> {
    refuse_control(text, |_| false)?;
    match text {
        "auto" => Ok(None),
        path if path.starts_with('/') => Ok(Some(path.into())),
        _ => Err(SpecError::new(
            n_("device '{text}' is not a path: write /dev/videoN or auto"),
            &[("text", text)],
        )),
    }
}

/// Names of devices and cameras go to C libraries and terminals.
fn refuse_control(text: &str, is_allowed: impl Fn(char) -> bool) -> Result<(), SpecError> {
    if text.contains(|letter: char| letter.is_control() && !is_allowed(letter)) {
        let shown = one_line(&masked(text), LONGEST_NAME);
        return Err(SpecError::new(
            n_("'{text}' has a line break or another control character in it: leave it out"),
            &[("text", &shown)],
        ));
    }
    Ok(())
}

/// A time that may be left to the program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Delay {
    /// As short as the way of watching clients allows.
    #[default]
    Auto,
    /// Exactly this long.
    Fixed(Duration),
}

impl FromStr for Delay {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        match text {
            "auto" => Ok(Self::Auto),
            _ => parse_ms(text).map(Self::Fixed),
        }
    }
}

impl fmt::Display for Delay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Fixed(delay) => write!(f, "{}", delay.as_millis()),
        }
    }
}

/// The longest delay that can be set: an hour. More is surely a slip of the unit.
const LONGEST_DELAY_MS: u64 = 3_600_000;

/// A delay in milliseconds.
pub fn parse_ms(text: &str) -> Result<Duration, SpecError> {
    match text.parse() {
        Ok(ms) if ms <= LONGEST_DELAY_MS => Ok(Duration::from_millis(ms)),
        _ => Err(SpecError::new(
            n_("'{text}' is not a delay: give milliseconds from 0 to {most}"),
            &[("text", text), ("most", &LONGEST_DELAY_MS.to_string())],
        )),
    }
}

/// How often known clients are looked up, in milliseconds; never 0, which would keep a core busy.
pub fn parse_poll_interval(text: &str) -> Result<Duration, SpecError> {
    match parse_ms(text) {
        Ok(interval) if !interval.is_zero() => Ok(interval),
        _ => Err(SpecError::new(
            n_("'{text}' is not a poll interval: give milliseconds from 1 to {most}"),
            &[("text", text), ("most", &LONGEST_DELAY_MS.to_string())],
        )),
    }
}

/// What clients see while the camera is off.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum PlaceholderSpec {
    /// Nothing.
    Black,
    /// A card that says in plain words why there is no picture.
    #[default]
    Card,
    /// The user's own picture.
    Image(PathBuf),
}

impl FromStr for PlaceholderSpec {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        refuse_control(text, |_| false)?;
        match text {
            "black" => Ok(Self::Black),
            "card" => Ok(Self::Card),
            path if path.starts_with('/') => Ok(Self::Image(path.into())),
            _ => Err(SpecError::new(
                n_("unknown placeholder '{text}': use black, card or the full path of an image"),
                &[("text", text)],
            )),
        }
    }
}

impl fmt::Display for PlaceholderSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Black => f.write_str("black"),
            Self::Card => f.write_str("card"),
            Self::Image(path) => write!(f, "{}", path.display()),
        }
    }
}

/// How the picture is turned; the names are those of GStreamer's `videoflip`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Transform {
    /// As the camera gives it.
    #[default]
    None,
    /// Left and right exchanged.
    Mirror,
    /// Upside down, as some sensors are mounted.
    Rotate180,
    /// Top and bottom exchanged.
    Flip,
}

impl Transform {
    /// Every transform with its name in the config file.
    pub const ALL: [(Self, &'static str); 4] = [
        (Self::None, "none"),
        (Self::Mirror, "mirror"),
        (Self::Rotate180, "rotate-180"),
        (Self::Flip, "flip"),
    ];

    /// The name in the config file.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Mirror => "mirror",
            Self::Rotate180 => "rotate-180",
            Self::Flip => "flip",
        }
    }
}

impl FromStr for Transform {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        Self::ALL
            .into_iter()
            .find_map(|(transform, name)| (name == text).then_some(transform))
            .ok_or_else(|| {
                SpecError::unknown(
                    n_("unknown transform '{text}': use one of {known}"),
                    text,
                    &Self::ALL.map(|(_, name)| name),
                )
            })
    }
}

/// A width or height in pixels: even, because 4:2:0 and 4:2:2 share colour between two pixels.
pub fn parse_size(text: &str) -> Result<u32, SpecError> {
    // 8192 is what v4l2loopback accepts at most by default (its max_width and max_height).
    match text.parse() {
        Ok(size) if (2..=8192).contains(&size) && size % 2 == 0 => Ok(size),
        _ => Err(SpecError::new(
            n_("'{text}' is not a size: give an even number of pixels from 2 to 8192"),
            &[("text", text)],
        )),
    }
}

/// Frames a second.
pub fn parse_framerate(text: &str) -> Result<u32, SpecError> {
    match text.parse() {
        Ok(rate) if (1..=240).contains(&rate) => Ok(rate),
        _ => Err(SpecError::new(
            n_("'{text}' is not a frame rate: give whole frames a second from 1 to 240"),
            &[("text", text)],
        )),
    }
}

/// Buffers of `icamerasrc` (its `buffer-count` property takes 2 to 10).
pub fn parse_buffer_count(text: &str) -> Result<u32, SpecError> {
    match text.parse() {
        Ok(count) if (2..=10).contains(&count) => Ok(count),
        _ => Err(SpecError::new(
            n_("'{text}' is not a buffer count: give a number from 2 to 10"),
            &[("text", text)],
        )),
    }
}
