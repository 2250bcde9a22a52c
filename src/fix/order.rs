//! The command line: an action of the closed list, and whether to only print it.

use std::ffi::OsString;

use lenscap_actions::RootAction;

/// What was requested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// The action.
    pub action: RootAction,
    /// Whether the steps are only printed.
    pub dry_run: bool,
}

impl Order {
    /// Reads the arguments: `[--dry-run] ACTION`, byte for byte, and not a word more.
    pub fn read(args: impl IntoIterator<Item = OsString>) -> Option<Self> {
        let mut args = args.into_iter();
        let first = args.next()?;
        let dry_run = first == "--dry-run";
        let word = if dry_run { args.next()? } else { first };
        let action = RootAction::ALL
            .into_iter()
            .find(|action| word == action.name())?;
        args.next().is_none().then_some(Self { action, dry_run })
    }
}

/// What is accepted, in one line.
pub fn usage() -> String {
    let names = RootAction::ALL.map(RootAction::name);
    format!("give one of {}, after --dry-run or alone", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &[&str]) -> Option<(RootAction, bool)> {
        let order = Order::read(line.iter().map(OsString::from));
        order.map(|order| (order.action, order.dry_run))
    }

    #[test]
    fn only_the_words_of_the_list_are_understood() {
        for action in RootAction::ALL {
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

    /// Steele, Lea and Flood's splitmix64: the same numbers at every run.
    struct Numbers(u64);

    impl Numbers {
        fn below(&mut self, end: usize) -> usize {
            self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            usize::try_from((mixed ^ (mixed >> 31)) % end as u64).unwrap()
        }

        /// A word of the list, as it is, or with one byte changed, lost or doubled.
        fn word(&mut self) -> Vec<u8> {
            let words = [
                &RootAction::ALL.map(RootAction::name)[..],
                &["--dry-run", "--dry-run"],
            ]
            .concat();
            let mut word = words[self.below(words.len())].as_bytes().to_vec();
            let at = self.below(word.len());
            match self.below(8) {
                0 => word[at] = u8::try_from(self.below(256)).unwrap(),
                1 => drop(word.remove(at)),
                2 => word.insert(at, word[at]),
                3 => word.truncate(at),
                4 => word.extend(b"; id"),
                _ => {}
            }
            word
        }
    }

    #[test]
    fn of_thousands_of_lines_only_those_of_the_list_are_understood() {
        use std::os::unix::ffi::OsStringExt;
        let names = RootAction::ALL.map(RootAction::name);
        let allowed = names.map(|name| vec![name.as_bytes().to_vec()]);
        let dry = names.map(|name| vec![b"--dry-run".to_vec(), name.as_bytes().to_vec()]);
        let mut numbers = Numbers(1);
        let mut understood = 0;
        for _ in 0..50_000 {
            let count = numbers.below(4);
            let line: Vec<_> = (0..count).map(|_| numbers.word()).collect();
            let order = Order::read(line.iter().cloned().map(OsString::from_vec));
            let is_listed = allowed.contains(&line) || dry.contains(&line);
            assert_eq!(order.is_some(), is_listed, "{line:?}");
            understood += usize::from(is_listed);
        }
        assert!((1000..40_000).contains(&understood), "{understood}");
    }
}
