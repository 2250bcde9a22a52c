//! The closed list, and the only two words that can be said.

use std::ffi::OsString;

/// A repair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
}

impl Action {
    /// Every action, in the order of the declaration.
    pub const ALL: [Self; 6] = [
        Self::LoadModule,
        Self::WriteModuleOptions,
        Self::WriteUdevRules,
        Self::AddDevice,
        Self::TriggerUdev,
        Self::DisableV4l2Relayd,
    ];

    /// The word that stands for it.
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

/// What was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// What is to be done.
    pub action: Action,
    /// Whether it is only to be told.
    pub dry_run: bool,
}

impl Order {
    /// Reads the arguments: `[--dry-run] ACTION`, byte for byte, and not a word more.
    pub fn read(args: impl IntoIterator<Item = OsString>) -> Option<Self> {
        let mut args = args.into_iter();
        let first = args.next()?;
        let dry_run = first == "--dry-run";
        let word = if dry_run { args.next()? } else { first };
        let action = Action::ALL
            .into_iter()
            .find(|action| word == action.name())?;
        args.next().is_none().then_some(Self { action, dry_run })
    }
}

/// What can be said, in one line.
pub fn usage() -> String {
    let names = Action::ALL.map(Action::name);
    format!("give one of {}, after --dry-run or alone", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &[&str]) -> Option<(Action, bool)> {
        let order = Order::read(line.iter().map(OsString::from));
        order.map(|order| (order.action, order.dry_run))
    }

    #[test]
    fn only_the_words_of_the_list_are_understood() {
        for action in Action::ALL {
            assert_eq!(read(&[action.name()]), Some((action, false)));
            assert_eq!(read(&["--dry-run", action.name()]), Some((action, true)));
            assert_eq!(read(&[action.name(), "--dry-run"]), None);
            assert_eq!(read(&[action.name(), action.name()]), None);
            assert_eq!(read(&["--dry-run", "--dry-run", action.name()]), None);
            assert_eq!(read(&[&action.name().to_uppercase()]), None);
            assert_eq!(read(&[&format!("{} ", action.name())]), None);
        }
        assert_eq!(read(&[]), None);
        assert_eq!(read(&[""]), None);
        assert_eq!(read(&["--dry-run"]), None);
        assert_eq!(read(&["load"]), None);
    }
}
