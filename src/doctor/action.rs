//! What Lenscap can mend by itself: the closed list of the privileged helper `lenscap-fix`, and what
//! needs no privilege.

/// A repair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Load v4l2loopback with our options; load it anew where it has others.
    LoadModule,
    /// Have it loaded at every start, with our options.
    WriteModuleOptions,
    /// Open the camera's nodes to who sits at the machine.
    WriteUdevRules,
    /// Add a v4l2loopback device beside those that others use.
    AddDevice,
    /// Have udev, and with it `WirePlumber`, look at our devices again.
    TriggerUdev,
    /// Stop v4l2-relayd, now and for ever.
    DisableV4l2Relayd,
    /// Have the camera portal ask again where it refuses the camera.
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

    /// Whether it is the helper's, and takes an administrator's word.
    pub fn needs_root(self) -> bool {
        self != Self::ResetPermissions
    }

    /// The word for it, here and in the helper.
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
