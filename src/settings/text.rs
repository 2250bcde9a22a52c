//! Sentences of the pure rooms: made here, translated where they are shown.

use std::fmt;

/// Marks a sentence for translation, which happens where it is shown: nothing here knows languages.
pub const fn n_(text: &'static str) -> &'static str {
    text
}

/// Puts values where a text names them: `{camera}`.
pub fn fill(text: &str, values: &[(&str, &str)]) -> String {
    let mut text = text.to_owned();
    for (name, value) in values {
        text = text.replace(&format!("{{{name}}}"), value);
    }
    text
}

/// Text that isn't a value of the wanted kind. Its message says what would be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpecError {
    text: &'static str,
    values: Vec<(&'static str, String)>,
}

impl SpecError {
    /// A marked sentence, with the values that it names.
    pub fn new(text: &'static str, values: &[(&'static str, &str)]) -> Self {
        let owned = |(name, value): &(&'static str, &str)| (*name, (*value).to_owned());
        Self {
            text,
            values: values.iter().map(owned).collect(),
        }
    }

    /// A marked sentence about a `{text}` that is none of the `{known}` ones.
    pub fn unknown(sentence: &'static str, text: &str, known: &[&str]) -> Self {
        Self::new(sentence, &[("text", text), ("known", &known.join(", "))])
    }

    /// The message, as `say` makes it of the sentence and its values.
    pub fn say(&self, say: impl FnOnce(&str, &[(&str, &str)]) -> String) -> String {
        let values: Vec<_> = self
            .values
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        say(self.text, &values)
    }
}

impl fmt::Display for SpecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.say(fill))
    }
}

impl std::error::Error for SpecError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_go_where_their_names_are() {
        let values = [("a", "one"), ("b", "two")];
        assert_eq!(fill("{b} before {a}", &values), "two before one");
        let error = SpecError::new("{b} is not {a}", &values);
        assert_eq!(error.to_string(), "two is not one");
    }
}
