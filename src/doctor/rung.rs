//! The rungs of the ladder, from the camera to the applications.

use crate::i18n::gettext;

/// A question about the set-up. The order is that in which they are asked: a broken rung explains
/// the ones above it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rung {
    /// Whether a sandbox hides a part of the system.
    Sandbox,
    /// The GStreamer plugin of the camera that is built in.
    CameraPlugin,
    /// Permissions of the camera's nodes.
    CameraAccess,
    /// A camera that works.
    Camera,
    /// v4l2loopback, built for the running kernel.
    ModuleInstalled,
    /// v4l2loopback, loaded, now and at every start.
    ModuleLoaded,
    /// Its options, and whose they are.
    ModuleOptions,
    /// The vcam driver, where it is to be used.
    Vcam,
    /// Other programs that do the same.
    Rivals,
    /// A device that Lenscap can have.
    Device,
    /// What udev makes of the device.
    Classification,
    /// `PipeWire`, and whether it lists the device.
    Pipewire,
    /// Tray, notifications and portals.
    Desktop,
    /// Autostart and D-Bus service.
    Startup,
    /// The applet's own words.
    Applet,
    /// What the camera portal was told of applications.
    Permissions,
}

impl Rung {
    /// Every rung, in the order of the ladder.
    pub const ALL: [Self; 16] = [
        Self::Sandbox,
        Self::CameraPlugin,
        Self::CameraAccess,
        Self::Camera,
        Self::ModuleInstalled,
        Self::ModuleLoaded,
        Self::ModuleOptions,
        Self::Vcam,
        Self::Rivals,
        Self::Device,
        Self::Classification,
        Self::Pipewire,
        Self::Desktop,
        Self::Startup,
        Self::Applet,
        Self::Permissions,
    ];

    /// The rung's name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sandbox => "sandbox",
            Self::CameraPlugin => "camera_plugin",
            Self::CameraAccess => "camera_access",
            Self::Camera => "camera",
            Self::ModuleInstalled => "module_installed",
            Self::ModuleLoaded => "module_loaded",
            Self::ModuleOptions => "module_options",
            Self::Vcam => "vcam",
            Self::Rivals => "rivals",
            Self::Device => "device",
            Self::Classification => "classification",
            Self::Pipewire => "pipewire",
            Self::Desktop => "desktop",
            Self::Startup => "startup",
            Self::Applet => "applet",
            Self::Permissions => "permissions",
        }
    }

    /// The question.
    pub fn title(self) -> String {
        match self {
            Self::Sandbox => gettext("Does Lenscap see the whole system?"),
            Self::CameraPlugin => gettext("Does GStreamer know the built-in camera?"),
            Self::CameraAccess => gettext("May you open the camera?"),
            Self::Camera => gettext("Is there a camera that works?"),
            Self::ModuleInstalled => gettext("Is v4l2loopback installed for this kernel?"),
            Self::ModuleLoaded => gettext("Is v4l2loopback loaded?"),
            Self::ModuleOptions => gettext("Does v4l2loopback have the right options?"),
            Self::Vcam => gettext("Can Lenscap use the vcam driver?"),
            Self::Rivals => gettext("Does another program do the same work?"),
            Self::Device => gettext("Is there a virtual camera for Lenscap?"),
            Self::Classification => gettext("Does udev take the virtual camera for a camera?"),
            Self::Pipewire => gettext("Does PipeWire list the virtual camera?"),
            Self::Desktop => gettext("Does the desktop show what Lenscap has to say?"),
            Self::Startup => gettext("Does Lenscap start as it should?"),
            Self::Applet => gettext("What does Lenscap itself say?"),
            Self::Permissions => gettext("May applications use cameras?"),
        }
    }
}
