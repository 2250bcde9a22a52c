//! Translation with gettext.
//!
//! Placeholders in sentences have names (`{camera}`), so that translators can reorder them. Pure rooms
//! mark their sentences with [`n_`](crate::settings::n_), and the code that shows them translates
//! them. Logs, JSON keys and the command line's help stay English.

use std::path::{Path, PathBuf};

use gettextrs::{LocaleCategory, ngettext};

pub use gettextrs::gettext;

use crate::settings::{Message, fill};

const DOMAIN: &str = "lenscap";

/// The catalogues' directory, unless it is beside the program; set by packages that separate the two.
const LOCALEDIR: &str = match option_env!("LENSCAP_LOCALEDIR") {
    Some(directory) => directory,
    None => "/usr/local/share/locale",
};

/// Sets the user's language. Call once, before there is a second thread.
///
/// Leaves `LC_NUMERIC` alone: in many locales, camera stacks would read the `1.5` of their own files
/// as 1. Loads the catalogue now, since a sandboxed worker can't later.
pub fn init() {
    for category in [LocaleCategory::LcCType, LocaleCategory::LcMessages] {
        // If the locale is missing, texts stay English.
        // SAFETY: there is no second thread that could read the locale meanwhile.
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

/// Relative to the program, as `make install` installs it, even if the tree was moved.
fn directory() -> PathBuf {
    let beside = std::env::current_exe().ok().and_then(|program| {
        let prefix = program.parent()?.parent()?;
        Some(prefix.join("share/locale")).filter(|directory| directory.is_dir())
    });
    beside.unwrap_or_else(|| Path::new(LOCALEDIR).to_owned())
}

/// A message in the user's language. It may be another process's, so that anything can be in it.
pub fn translate(message: &Message) -> String {
    message.text(&|id| match id {
        "" => String::new(), // gettext would answer with the catalogue's own header
        id if id.contains('\0') => id.to_owned(), // gettext would panic
        id => gettext(id),
    })
}

/// A sentence with named placeholders: `gettext_f("In use by {name}", &[("name", "Firefox")])`.
pub fn gettext_f(text: &str, values: &[(&str, &str)]) -> String {
    fill(&gettext(text), values)
}

/// A sentence with plural forms by `n`, which is also the placeholder `{n}`.
pub fn ngettext_f(one: &str, many: &str, n: u32, values: &[(&str, &str)]) -> String {
    let text = fill(&ngettext(one, many, n), &[("n", &n.to_string())]);
    fill(&text, values)
}

/// "a, b and c" in the user's language.
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
    fn a_number_chooses_the_plural_form() {
        let (one, many) = ("{n} application", "{n} applications");
        assert_eq!(ngettext_f(one, many, 1, &[]), "1 application");
        assert_eq!(ngettext_f(one, many, 3, &[]), "3 applications");
    }

    #[test]
    fn no_message_is_too_odd_to_translate() {
        for text in ["", "a\0b", "{", "{a}"] {
            assert_eq!(translate(&Message::verbatim(text)), text);
        }
    }

    #[test]
    fn lists_have_commas_and_an_and() {
        let list_of =
            |names: &[&str]| list(&names.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(list_of(&[]), "");
        assert_eq!(list_of(&["a"]), "a");
        assert_eq!(list_of(&["a", "b"]), "a and b");
        assert_eq!(list_of(&["a", "b", "c", "d"]), "a, b, c and d");
    }
}
