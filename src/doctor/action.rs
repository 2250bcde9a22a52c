//! The fixes that Lenscap can apply by itself: those of the privileged helper `lenscap-fix`, and one
//! that needs no privilege.

pub use lenscap_actions::RootAction;

/// A repair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// The helper carries it out, which takes an administrator's authorization.
    Root(RootAction),
    /// Have the camera portal ask again instead of denying the camera.
    ResetPermissions,
}

impl Action {
    /// Every action.
    pub fn all() -> impl Iterator<Item = Self> {
        let root = RootAction::ALL.into_iter().map(Self::Root);
        root.chain([Self::ResetPermissions])
    }

    /// Its name on the command line and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Root(action) => action.name(),
            Self::ResetPermissions => "reset-permissions",
        }
    }
}

impl From<RootAction> for Action {
    fn from(action: RootAction) -> Self {
        Self::Root(action)
    }
}
