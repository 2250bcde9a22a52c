//! The fixes that Lenscap can apply by itself: those of the privileged helper `lenscap-fix`, and one
//! that needs no privilege.

/// A repair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
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
    /// Have the camera portal ask again instead of denying the camera.
    ResetPermissions,
}

impl Action {
    /// Every action, in the order of the declaration.
    pub const ALL: [Self; 7] = [
        Self::LoadModule,
        Self::WriteModuleOptions,
        Self::WriteUdevRules,
        Self::AddDevice,
        Self::TriggerUdev,
        Self::DisableV4l2Relayd,
        Self::ResetPermissions,
    ];

    /// Whether the helper carries it out, which takes an administrator's authorization.
    pub fn needs_root(self) -> bool {
        self != Self::ResetPermissions
    }

    /// Its name on the helper's command line and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::LoadModule => "load-module",
            Self::WriteModuleOptions => "write-module-options",
            Self::WriteUdevRules => "write-udev-rules",
            Self::AddDevice => "add-device",
            Self::TriggerUdev => "trigger-udev",
            Self::DisableV4l2Relayd => "disable-v4l2-relayd",
            Self::ResetPermissions => "reset-permissions",
        }
    }
}
