//! All that is known of the set-up, as plain data: a test can build any machine.

use std::path::PathBuf;

use crate::report::Report;
use crate::source::Found;

/// What was gathered. The default is a machine of which nothing is known.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// The machine and who asks.
    pub system: System,
    /// What the user set.
    pub wanted: Wanted,
    /// The real cameras.
    pub camera: Camera,
    /// The kernel module v4l2loopback.
    pub module: Module,
    /// Its devices, lowest number first.
    pub devices: Vec<Device>,
    /// The vcam driver.
    pub vcam: Vcam,
    /// Other programs that do the same.
    pub rivals: Rivals,
    /// The media server; `None` where there is no session that could have one.
    pub pipewire: Option<Pipewire>,
    /// The session bus; `None` where there is none.
    pub desktop: Option<Desktop>,
    /// What starts the applet.
    pub startup: Startup,
    /// The running applet's status.
    pub applet: Option<Report>,
    /// The applet's process, where it runs and gives no status.
    pub unreachable: Option<Unreachable>,
}

/// The machine and who asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct System {
    /// Whether this is inside a Flatpak.
    pub flatpak: bool,
    /// Which family of packages.
    pub distro: Distro,
    /// The running kernel's release.
    pub kernel: String,
    /// The user's name.
    pub user: String,
    /// The privileged helper, where it can be run.
    pub helper: Option<PathBuf>,
}

/// Families of distributions, by how they name and install packages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Distro {
    /// Ubuntu and what builds on it.
    Ubuntu,
    /// Debian and what builds on it.
    Debian,
    /// Fedora and its relatives, with RPM Fusion.
    Fedora,
    /// Arch and what builds on it.
    Arch,
    /// openSUSE.
    Suse,
    /// Any other.
    #[default]
    Other,
}

/// What the user set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// The source's kind; `auto` or empty leaves it open.
    pub source: String,
    /// The outputs' kinds; `auto`, or none at all, leaves it open.
    pub outputs: Vec<String>,
    /// The device, where one is named.
    pub device: Option<PathBuf>,
    /// Whether the applet is to start with the session.
    pub autostart: bool,
    /// What is wrong with the config file.
    pub broken: Option<String>,
}

/// The real cameras.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Camera {
    /// What the probing child found; `None` if it could not be asked.
    pub found: Option<Vec<Found>>,
    /// Whether this machine has an Intel IPU6 or IPU7.
    pub ipu: bool,
    /// Whether GStreamer's registry has `icamerasrc`; `None` if it could not be asked.
    pub element: Option<bool>,
    /// The plugin's file.
    pub plugin: Option<PathBuf>,
    /// Whether the plugin works when GStreamer looks at its file anew. Asked only where the
    /// registry lacks it.
    pub fresh: Option<bool>,
    /// GStreamer's registry: a file, or the directory that holds it.
    pub registry: Option<PathBuf>,
    /// Nodes that a camera is opened through: those of the image processor, and those of cameras
    /// that were found closed.
    pub nodes: Vec<Node>,
    /// Whether the kernel has a module for the image processor, which could be loaded.
    pub psys_module: Option<String>,
    /// Raw sensor nodes, which look like cameras.
    pub raw_nodes: u32,
}

/// A device node, and who may open it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools)] // independent facts
pub struct Node {
    /// The node.
    pub path: PathBuf,
    /// Whether it belongs to the image processor.
    pub psys: bool,
    /// Whether we may read and write it.
    pub open: bool,
    /// Its group.
    pub group: String,
    /// Whether the group may read and write it.
    pub group_may: bool,
    /// Whether the account is in that group.
    pub in_account: bool,
    /// Whether this session has the group.
    pub in_session: bool,
}

/// The kernel module v4l2loopback.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools)] // independent facts
pub struct Module {
    /// Whether the running kernel's modules are gone, and those of another one are there.
    pub kernel_gone: bool,
    /// Whether the running kernel has the module.
    pub installed: bool,
    /// Whether its source waits to be built (DKMS or akmods).
    pub source: bool,
    /// What the compiler said when DKMS tried to build it for the running kernel, and failed.
    pub failed_build: Option<PathBuf>,
    /// Whether the running kernel's headers are there to build it with.
    pub headers: bool,
    /// What is loaded.
    pub loaded: Option<Loaded>,
    /// Whether the kernel takes only signed modules.
    pub signed_only: bool,
    /// Whether the module carries a signature, where that can be seen.
    pub signed: Option<bool>,
    /// Whether the kernel has said that it refused a module.
    pub refused: bool,
    /// The key that local modules are signed with.
    pub key: Option<PathBuf>,
    /// A file that forbids loading it.
    pub forbidden: Option<PathBuf>,
    /// The last `exclusive_caps` in modprobe's configuration, and its file.
    pub exclusive_caps: Option<(String, PathBuf)>,
    /// Whether it is loaded at every start.
    pub at_boot: bool,
    /// Whether devices can be added while it is loaded.
    pub control: bool,
}

/// The module as it is loaded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Loaded {
    /// Its version.
    pub version: String,
    /// Whether the first device's `exclusive_caps` is set.
    pub exclusive_caps: bool,
    /// Buffers of a device.
    pub max_buffers: u32,
}

/// A device of v4l2loopback.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Device {
    /// The node.
    pub path: PathBuf,
    /// What it says it can do.
    pub access: Access,
    /// Who may open it, where we may not.
    pub closed: Option<Node>,
    /// The processes that can be seen to have it open.
    pub holders: Vec<Holder>,
    /// udev's `ID_V4L_CAPABILITIES`; `None` where udev knows nothing of it.
    pub udev: Option<String>,
}

/// What came of opening a device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Access {
    /// It can't be asked.
    #[default]
    Unknown,
    /// No permission.
    Denied,
    /// Nobody writes to it: an output, and nothing else.
    Free,
    /// Somebody writes to it: a camera, and nothing else.
    Written,
    /// Both at once: `exclusive_caps` is off.
    Both,
}

/// A process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holder {
    /// Process id.
    pub pid: u32,
    /// What a person would call it.
    pub name: String,
}

/// The vcam driver, which makes virtual cameras, too.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vcam {
    /// Whether the running kernel has it as a module.
    pub installed: bool,
    /// Its control node, while it is loaded.
    pub control: Option<Node>,
    /// What makes the memory that it shows.
    pub udmabuf: Option<Node>,
}

/// Other programs that do the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rivals {
    /// Those that run.
    pub running: Vec<Rival>,
    /// Whether v4l2-relayd starts with the machine.
    pub relayd_enabled: bool,
    /// Its units that are installed, as `systemctl` calls them.
    pub relayd_units: Vec<String>,
    /// Whether the user has a unit for ipu6-camera-daemon.
    pub daemon_unit: bool,
}

/// A rival that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rival {
    /// Which.
    pub program: Program,
    /// Its process.
    pub pid: u32,
    /// Whether it is the user's own, so that the user may end it.
    pub own: bool,
}

/// Programs that put a camera's picture on a v4l2loopback device as soon as they run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// Ubuntu's relay.
    V4l2Relayd,
    /// The daemon whose options Lenscap shares.
    Ipu6CameraDaemon,
    /// camera-relay.
    CameraRelay,
}

impl Program {
    /// Every program, in the order of the declaration.
    pub const ALL: [Self; 3] = [Self::V4l2Relayd, Self::Ipu6CameraDaemon, Self::CameraRelay];

    /// The name of its executable.
    pub fn name(self) -> &'static str {
        match self {
            Self::V4l2Relayd => "v4l2-relayd",
            Self::Ipu6CameraDaemon => "ipu6-camera-daemon",
            Self::CameraRelay => "camera-relay",
        }
    }
}

/// The media server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pipewire {
    /// Whether it is installed.
    pub installed: bool,
    /// What it answered; `None` if it did not.
    pub answer: Option<Graph>,
}

/// What `PipeWire` knows of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Graph {
    /// Whether a session manager is connected.
    pub manager: bool,
    /// `object.path` and `node.name` of every video source.
    pub cameras: Vec<(String, String)>,
}

/// The session bus.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools)] // independent facts
pub struct Desktop {
    /// Whether somebody shows tray icons.
    pub tray: bool,
    /// Whether somebody shows notifications.
    pub notifications: bool,
    /// Whether portals are there.
    pub portals: bool,
    /// Whether this is GNOME, which needs an extension for tray icons.
    pub gnome: bool,
    /// Such an extension that is installed.
    pub extension: Option<&'static str>,
    /// The applications that the camera portal refuses the camera without a question; `None` where
    /// it keeps no answers. The empty name stands for all outside sandboxes.
    pub denied: Option<Vec<String>>,
}

/// What starts the applet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Startup {
    /// Whether there is a systemd user unit.
    pub unit: bool,
    /// Whether that unit is enabled.
    pub unit_enabled: bool,
    /// The autostart entry, where it is in force.
    pub entry: Option<Launcher>,
    /// The D-Bus service.
    pub service: Option<Launcher>,
}

/// An applet that runs and can't be asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unreachable {
    /// Its process.
    pub pid: u32,
    /// Whether that is the systemd user unit's.
    pub in_unit: bool,
}

/// A file that starts a program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Launcher {
    /// The file.
    pub path: PathBuf,
    /// The program.
    pub program: String,
    /// Whether the program is there.
    pub works: bool,
}
