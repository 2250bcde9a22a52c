//! The closed list of actions that need root.

/// An action of `lenscap-fix`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RootAction {
    /// Load v4l2loopback with our options; reload it if it was loaded with others.
    LoadModule,
    /// Have it loaded at every boot, with our options.
    WriteModuleOptions,
    /// Give the logged-in user access to the camera's nodes.
    WriteUdevRules,
    /// Add a v4l2loopback device beside those in use by other programs.
    AddDevice,
    /// Have udev, and with it `WirePlumber`, rescan our devices.
    TriggerUdev,
    /// Stop v4l2-relayd and disable it.
    DisableV4l2Relayd,
}

impl RootAction {
    /// Every action, in the order of the declaration.
    pub const ALL: [Self; 6] = [
        Self::LoadModule,
        Self::WriteModuleOptions,
        Self::WriteUdevRules,
        Self::AddDevice,
        Self::TriggerUdev,
        Self::DisableV4l2Relayd,
    ];

    /// Its name on the command line and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::LoadModule => "load-module",
            Self::WriteModuleOptions => "write-module-options",
            Self::WriteUdevRules => "write-udev-rules",
            Self::AddDevice => "add-device",
            Self::TriggerUdev => "trigger-udev",
            Self::DisableV4l2Relayd => "disable-v4l2-relayd",
        }
    }
}
