//! Words in the user's language, from gettext's catalogues.
//!
//! Sentences with values name them (`{camera}`), so that a translator may put them where the
//! language wants them. Log lines and JSON keys stay English.

use gettextrs::ngettext;

pub use gettextrs::gettext;

/// A sentence with named values: `gettext_f("In use by {name}", &[("name", "Firefox")])`.
pub fn gettext_f(text: &str, values: &[(&str, &str)]) -> String {
    fill(gettext(text), values)
}

/// A sentence that depends on a number, which it may name as `{n}`, with further named values.
pub fn ngettext_f(one: &str, many: &str, n: u32, values: &[(&str, &str)]) -> String {
    let text = fill(ngettext(one, many, n), &[("n", &n.to_string())]);
    fill(text, values)
}

fn fill(text: String, values: &[(&str, &str)]) -> String {
    values.iter().fold(text, |text, (name, value)| {
        text.replace(&format!("{{{name}}}"), value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_go_where_their_names_are() {
        assert_eq!(
            gettext_f("{b} before {a}", &[("a", "one"), ("b", "two")]),
            "two before one"
        );
    }

    #[test]
    fn a_number_chooses_the_form() {
        let applications = |n| ngettext_f("{n} application", "{n} applications", n, &[]);
        assert_eq!(applications(1), "1 application");
        assert_eq!(applications(3), "3 applications");
    }
}
