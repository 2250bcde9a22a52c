//! The checks, from the camera to the applications.

use crate::i18n::gettext;

/// A question about the set-up. They run in this order, as the failure of one can explain those after
/// it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Check {
    /// Whether a sandbox hides part of the system.
    Sandbox,
    /// The GStreamer plugin for the built-in camera.
    CameraPlugin,
    /// Permissions of the camera's nodes.
    CameraAccess,
    /// A camera that works.
    Camera,
    /// v4l2loopback, built for the running kernel.
    ModuleInstalled,
    /// v4l2loopback, loaded now and at every boot.
    ModuleLoaded,
    /// The options of v4l2loopback and the file that sets them.
    ModuleOptions,
    /// The vcam driver, if the settings allow it.
    Vcam,
    /// Other camera relays.
    Rivals,
    /// A device that Lenscap can use.
    Device,
    /// udev's classification of the device.
    Classification,
    /// `PipeWire`, and whether it lists the device.
    Pipewire,
    /// Tray, notifications and portals.
    Desktop,
    /// Autostart and D-Bus service.
    Startup,
    /// The error that the applet reports.
    Applet,
    /// The camera portal's stored permissions.
    Permissions,
}

impl Check {
    /// Every check, in order.
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

    /// Its name in JSON.
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

    /// The question, in the user's language.
    pub fn title(self) -> String {
        match self {
            Self::Sandbox => gettext("Does Lenscap have access to the whole system?"),
            Self::CameraPlugin => gettext("Does GStreamer support the built-in camera?"),
            Self::CameraAccess => gettext("Do you have permission to open the camera?"),
            Self::Camera => gettext("Is there a camera that works?"),
            Self::ModuleInstalled => gettext("Is v4l2loopback installed for this kernel?"),
            Self::ModuleLoaded => gettext("Is v4l2loopback loaded?"),
            Self::ModuleOptions => gettext("Does v4l2loopback have the right options?"),
            Self::Vcam => gettext("Can Lenscap use the vcam driver?"),
            Self::Rivals => gettext("Does another program conflict with Lenscap?"),
            Self::Device => gettext("Is there a virtual camera for Lenscap?"),
            Self::Classification => gettext("Does udev classify the virtual camera as a camera?"),
            Self::Pipewire => gettext("Does PipeWire list the virtual camera?"),
            Self::Desktop => gettext("Does the desktop show tray icons and notifications?"),
            Self::Startup => gettext("Does Lenscap start correctly?"),
            Self::Applet => gettext("What does Lenscap report?"),
            Self::Permissions => gettext("Are applications allowed to use cameras?"),
        }
    }
}
