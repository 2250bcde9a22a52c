//! What the probes found out, as plain data, so that tests can describe any machine.

use std::path::PathBuf;

use crate::report::Report;
use crate::source::Found;

/// The default is a machine of which nothing is known.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    pub system: SystemFacts,
    pub wanted: WantedSettings,
    pub camera: CameraFacts,
    pub module: ModuleFacts,
    /// Lowest number first.
    pub devices: Vec<DeviceFacts>,
    pub vcam: VcamFacts,
    pub rivals: RivalsFacts,
    /// `None` outside a desktop session.
    pub pipewire: Option<PipewireFacts>,
    /// `None` without a session bus.
    pub desktop: Option<DesktopFacts>,
    pub startup: StartupFacts,
    /// The running applet's status.
    pub applet: Option<Report>,
    /// A running applet that can't be reached over the bus.
    pub unreachable: Option<Unreachable>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SystemFacts {
    /// Whether this process runs inside a Flatpak.
    pub flatpak: bool,
    pub distro: Distro,
    /// The running kernel's release.
    pub kernel: String,
    pub user: String,
    /// The privileged helper, if it can be run.
    pub helper: Option<PathBuf>,
}

/// Families of distributions, by how they name and install packages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Distro {
    Ubuntu,
    Debian,
    /// With RPM Fusion.
    Fedora,
    Arch,
    Suse,
    #[default]
    Other,
}

/// The settings in force.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WantedSettings {
    /// The source's kind; `auto` or empty means any.
    pub source: String,
    /// The outputs' kinds; `auto` or none means any.
    pub outputs: Vec<String>,
    /// The device, if one is named.
    pub device: Option<PathBuf>,
    pub autostart: bool,
    /// Why the config file can't be used.
    pub broken: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CameraFacts {
    /// What the probing child found; `None` if it failed.
    pub found: Option<Vec<Found>>,
    /// Whether this machine has an Intel IPU6 or IPU7.
    pub ipu: bool,
    /// Whether GStreamer's registry has `icamerasrc`; `None` if the query failed.
    pub element: Option<bool>,
    /// The plugin's file.
    pub plugin: Option<PathBuf>,
    /// Whether the plugin loads with an empty registry. Tried only if the registry lacks it.
    pub loads_uncached: Option<bool>,
    /// The file of GStreamer's registry, if there is one.
    pub registry: Option<PathBuf>,
    /// Nodes that need permissions: the image processor's, and those of cameras that could not be
    /// opened.
    pub nodes: Vec<NodeAccess>,
    /// The kernel module for the image processor, if it is installed.
    pub psys_module: Option<String>,
    /// The number of raw sensor nodes, which applications list as cameras.
    pub raw_nodes: u32,
}

/// A device node and its permissions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools)] // independent facts
pub struct NodeAccess {
    pub path: PathBuf,
    /// Whether it belongs to the image processor.
    pub psys: bool,
    /// Whether this process may read and write it.
    pub open: bool,
    pub group: String,
    /// Whether the group may read and write it.
    pub group_may: bool,
    /// Whether the user's account is in that group.
    pub in_account: bool,
    /// Whether this session has the group: it lacks those joined after log-in.
    pub in_session: bool,
}

/// The kernel module v4l2loopback.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools)] // independent facts
pub struct ModuleFacts {
    /// Whether the running kernel's modules were removed, as by an update to another kernel.
    pub kernel_gone: bool,
    /// Whether the running kernel has the module.
    pub installed: bool,
    /// Whether its source is installed for DKMS or akmods to build.
    pub source: bool,
    /// The log of a DKMS build for the running kernel that failed.
    pub failed_build: Option<PathBuf>,
    /// Whether the running kernel's headers are installed.
    pub headers: bool,
    pub loaded: Option<LoadedModule>,
    /// Whether the kernel accepts signed modules only.
    pub signed_only: bool,
    /// Whether the module is signed; `None` if that can't be determined.
    pub signed: Option<bool>,
    /// Whether the kernel has logged that it rejected a module.
    pub refused: bool,
    /// The public key that locally built modules are signed with.
    pub key: Option<PathBuf>,
    /// A modprobe file that prevents it from being loaded.
    pub forbidden: Option<PathBuf>,
    /// The `exclusive_caps` in modprobe's configuration that takes effect, and its file.
    pub exclusive_caps: Option<(String, PathBuf)>,
    /// Whether it is loaded at every boot.
    pub at_boot: bool,
    /// Whether devices can be added while it is loaded.
    pub control: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoadedModule {
    pub version: String,
    /// Whether the first device has it.
    pub exclusive_caps: bool,
    /// Buffers of each device.
    pub max_buffers: u32,
}

/// A v4l2loopback device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeviceFacts {
    pub path: PathBuf,
    pub state: DeviceState,
    /// Its permissions, if this process may not open it.
    pub closed: Option<NodeAccess>,
    /// The processes that have it open, as far as this user can see.
    pub holders: Vec<DeviceHolder>,
    /// udev's `ID_V4L_CAPABILITIES`; `None` if udev has no record of the device.
    pub udev: Option<String>,
}

/// The capabilities that a device reports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeviceState {
    /// The query failed.
    #[default]
    Unknown,
    /// No permission to open it.
    Denied,
    /// Output only: no process writes to it.
    Free,
    /// Capture only: a process writes to it.
    Written,
    /// Both at once: `exclusive_caps` is off.
    Both,
}

/// A process that has a device open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeviceHolder {
    pub pid: u32,
    /// The application's name.
    pub name: String,
}

/// The vcam driver, an alternative to v4l2loopback.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VcamFacts {
    /// Whether the running kernel has the module.
    pub installed: bool,
    /// Its control node, while it is loaded.
    pub control: Option<NodeAccess>,
    /// The node that allocates the memory of its frames.
    pub udmabuf: Option<NodeAccess>,
}

/// Other camera relays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RivalsFacts {
    pub running: Vec<Rival>,
    /// Whether v4l2-relayd starts at boot.
    pub relayd_enabled: bool,
    /// Its installed units, by their `systemctl` names.
    pub relayd_units: Vec<&'static str>,
    /// Whether the user has a unit for ipu6-camera-daemon.
    pub daemon_unit: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rival {
    pub program: RivalProgram,
    pub pid: u32,
    /// Whether this user may end it.
    pub own: bool,
}

/// Relays that open the camera and a v4l2loopback device as soon as they run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RivalProgram {
    V4l2Relayd,
    Ipu6CameraDaemon,
    CameraRelay,
}

impl RivalProgram {
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

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PipewireFacts {
    pub installed: bool,
    /// `None` if it did not answer.
    pub objects: Option<PipewireObjects>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PipewireObjects {
    /// Whether a session manager is connected.
    pub manager: bool,
    /// `object.path` and `node.name` of every video source.
    pub cameras: Vec<(String, String)>,
}

/// The services on the session bus.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools)] // independent facts
pub struct DesktopFacts {
    /// Whether the desktop shows tray icons.
    pub tray: bool,
    /// Whether a notification service is running or can be started.
    pub notifications: bool,
    pub portals: bool,
    /// Whether this is GNOME, which needs an extension for tray icons.
    pub gnome: bool,
    /// The installed extension for tray icons.
    pub extension: Option<&'static str>,
    /// The applications that the camera portal denies the camera without asking; `None` without a
    /// permission store. The empty name stands for all applications outside sandboxes.
    pub denied: Option<Vec<String>>,
}

/// What starts the applet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StartupFacts {
    /// Whether the systemd user unit is installed.
    pub unit: bool,
    pub unit_enabled: bool,
    /// The autostart entry, unless it is disabled.
    pub entry: Option<Launcher>,
    /// The D-Bus service file.
    pub service: Option<Launcher>,
}

/// A running applet that can't be reached over the bus.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unreachable {
    pub pid: u32,
    /// Whether the process belongs to the systemd user unit.
    pub in_unit: bool,
}

/// A file that starts a program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Launcher {
    pub path: PathBuf,
    pub program: String,
    /// Whether the program exists.
    pub works: bool,
}
