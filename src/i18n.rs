//! Words in the user's language, from gettext's catalogues.
//!
//! Sentences with values name them (`{camera}`), so that a translator may put them where the
//! language wants them. What a person reads is translated where it is made; the pure rooms only mark
//! their sentences ([`n_`](crate::settings::n_)), which are translated where they are shown. Log
//! lines, JSON keys and the help of the command line stay English.

use std::path::{Path, PathBuf};

use gettextrs::{LocaleCategory, ngettext};

pub use gettextrs::gettext;

use crate::settings::fill;

/// The catalogues' name.
const DOMAIN: &str = "lenscap";

/// Where the catalogues are if they are not beside the program; for packages that part the two.
const LOCALEDIR: &str = match option_env!("LENSCAP_LOCALEDIR") {
    Some(directory) => directory,
    None => "/usr/local/share/locale",
};

/// Takes up the user's language. To be called once, before there is a second thread.
///
/// Only what concerns words: with the locale's numbers, camera stacks would read the `1.5` of their
/// own files as 1. The catalogue is read at once, since a worker is cut off from most files later.
pub fn init() {
    for category in [LocaleCategory::LcCType, LocaleCategory::LcMessages] {
        // Without the locale, words stay English.
        // SAFETY: there is no second thread yet that could read the locale meanwhile.
        let _ = unsafe { gettextrs::setlocale(category, "") };
    }
    let bound = gettextrs::bindtextdomain(DOMAIN, directory())
        .and_then(|_| gettextrs::bind_textdomain_codeset(DOMAIN, "UTF-8"))
        .and_then(|_| gettextrs::textdomain(DOMAIN));
    if let Err(error) = bound {
        tracing::debug!("no translations: {error}");
    }
    let _ = gettext(DOMAIN);
}

/// Where the catalogues are: where `make install` puts them, wherever the tree has been moved since.
fn directory() -> PathBuf {
    let beside = std::env::current_exe().ok().and_then(|program| {
        let prefix = program.parent()?.parent()?;
        Some(prefix.join("share/locale")).filter(|directory| directory.is_dir())
    });
    beside.unwrap_or_else(|| Path::new(LOCALEDIR).to_owned())
}

/// A sentence with named values: `gettext_f("In use by {name}", &[("name", "Firefox")])`.
pub fn gettext_f(text: &str, values: &[(&str, &str)]) -> String {
    fill(&gettext(text), values)
}

/// A sentence that depends on a number, which it may name as `{n}`, with further named values.
pub fn ngettext_f(one: &str, many: &str, n: u32, values: &[(&str, &str)]) -> String {
    let text = fill(&ngettext(one, many, n), &[("n", &n.to_string())]);
    fill(&text, values)
}

/// Things as a person would list them: "a, b and c".
pub fn list(things: &[String]) -> String {
    match things {
        [] => String::new(),
        [only] => only.clone(),
        // Translators: joins the first two of three or more things in a list.
        [first, second, third, rest @ ..] => {
            let joined = gettext_f("{first}, {second}", &[("first", first), ("second", second)]);
            let mut things = vec![joined, third.clone()];
            things.extend_from_slice(rest);
            list(&things)
        }
        // Translators: joins the last two things in a list.
        [first, last] => gettext_f("{first} and {last}", &[("first", first), ("last", last)]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_chooses_the_form() {
        let (one, many) = ("{n} application", "{n} applications");
        assert_eq!(ngettext_f(one, many, 1, &[]), "1 application");
        assert_eq!(ngettext_f(one, many, 3, &[]), "3 applications");
    }

    #[test]
    fn things_are_listed_as_a_person_would() {
        let list_of =
            |names: &[&str]| list(&names.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(list_of(&[]), "");
        assert_eq!(list_of(&["a"]), "a");
        assert_eq!(list_of(&["a", "b"]), "a and b");
        assert_eq!(list_of(&["a", "b", "c", "d"]), "a, b, c and d");
    }
}
