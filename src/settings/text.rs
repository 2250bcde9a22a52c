//! Sentences that are made in one place and translated in another, where they are shown.

use std::borrow::Cow;
use std::fmt;
use std::io;

use serde::{Deserialize, Serialize};

use super::one_line;

/// A sentence that is marked for translation: the catalogues have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MessageId(&'static str);

/// Marks a sentence for translation; `po/update` collects what stands in its brackets.
pub const fn n_(text: &'static str) -> MessageId {
    MessageId(text)
}

impl From<MessageId> for String {
    fn from(id: MessageId) -> Self {
        id.0.to_owned()
    }
}

/// A sentence in English that names its values, as in `{camera}`, and the values. Its `Display` is for
/// the log; users get [`i18n::translate`](crate::i18n::translate).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Message {
    #[serde(rename = "text")]
    id: Cow<'static, str>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    values: Vec<(Cow<'static, str>, Value)>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
enum Value {
    Text(String),
    Message(Message),
}

impl Message {
    /// A marked sentence.
    pub const fn new(id: MessageId) -> Self {
        Self {
            id: Cow::Borrowed(id.0),
            values: Vec::new(),
        }
    }

    /// What no catalogue has, because it is translated already or is another program's.
    pub fn verbatim(text: impl Into<String>) -> Self {
        Self {
            id: Cow::Owned(text.into()),
            values: Vec::new(),
        }
    }

    /// Several sentences in one line.
    pub fn joined(messages: impl IntoIterator<Item = Self>) -> Option<Self> {
        let joined = Self::new(MessageId("{first}; {second}"));
        messages.into_iter().reduce(|first, second| {
            let joined = joined.clone().with_message("first", first);
            joined.with_message("second", second)
        })
    }

    /// With a value that stays as it is in every language.
    #[must_use]
    #[expect(clippy::needless_pass_by_value)] // most values are made for the call
    pub fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        let value = Value::Text(value.to_string());
        self.values.push((name.into(), value));
        self
    }

    /// With a value that is a sentence of its own.
    #[must_use]
    pub fn with_message(mut self, name: &'static str, value: impl Into<Self>) -> Self {
        self.values
            .push((name.into(), Value::Message(value.into())));
        self
    }

    /// The text, with every sentence in it as `translate` has it.
    pub fn text(&self, translate: &dyn Fn(&str) -> String) -> String {
        let values = self.values.iter().map(|(name, value)| {
            let value = match value {
                Value::Text(text) => text.clone(),
                Value::Message(message) => message.text(translate),
            };
            (&**name, value)
        });
        let values: Vec<_> = values.collect();
        let values: Vec<_> = values.iter().map(|(name, text)| (*name, &**text)).collect();
        fill(&translate(&self.id), &values)
    }

    /// The same with every text in one line of no more than so many letters.
    #[must_use]
    pub fn one_line(&self, most: usize) -> Self {
        let values = self.values.iter().map(|(name, value)| {
            let value = match value {
                Value::Text(text) => Value::Text(one_line(text, most)),
                Value::Message(message) => Value::Message(message.one_line(most)),
            };
            (name.clone(), value)
        });
        let id = match &self.id {
            Cow::Borrowed(id) => Cow::Borrowed(*id),
            Cow::Owned(id) => Cow::Owned(one_line(id, most)),
        };
        Self {
            id,
            values: values.collect(),
        }
    }

    /// Bytes of its text in English, at most. Values within values can make gigabytes of text out of a
    /// few bytes from a hostile process.
    pub fn longest_text(&self) -> usize {
        let longest = self.values.iter().map(|(_, value)| match value {
            Value::Text(text) => text.len(),
            Value::Message(message) => message.longest_text(),
        });
        let placeholders = self.id.matches('{').count();
        let longest = longest.max().unwrap_or(0);
        placeholders
            .saturating_mul(longest)
            .saturating_add(self.id.len())
    }
}

impl From<MessageId> for Message {
    fn from(id: MessageId) -> Self {
        Self::new(id)
    }
}

/// So that an [`io::Error`] can carry one, as [`From`] finds it there.
impl std::error::Error for Message {}

impl From<&io::Error> for Message {
    fn from(error: &io::Error) -> Self {
        let inner = error
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<Self>());
        inner.map_or_else(|| Self::verbatim(error.to_string()), Self::clone)
    }
}

/// For tests alone: in the program, a sentence has to be marked.
#[cfg(test)]
impl From<&str> for Message {
    fn from(text: &str) -> Self {
        Self::verbatim(text)
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text(&str::to_owned))
    }
}

/// Puts values where a text names them: `{camera}`.
pub fn fill(text: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let named = after.split_once('}').and_then(|(name, after)| {
            let value = values.iter().find(|(known, _)| *known == name)?;
            Some((value.1, after))
        });
        let (value, after) = named.unwrap_or(("{", after));
        filled.push_str(value);
        rest = after;
    }
    filled + rest
}

/// Text that isn't a value of the wanted kind. Its message says what would be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpecError(Message);

impl SpecError {
    /// A marked sentence, with the values that it names.
    pub fn new(id: MessageId, values: &[(&'static str, &str)]) -> Self {
        let message = Message::new(id);
        let values = values.iter();
        Self(values.fold(message, |message, (name, value)| message.with(name, value)))
    }

    /// A marked sentence about a `{text}` that is none of the `{known}` ones.
    pub fn unknown(id: MessageId, text: &str, known: &[&str]) -> Self {
        Self::new(id, &[("text", text), ("known", &known.join(", "))])
    }

    /// What is wrong.
    pub fn message(&self) -> &Message {
        &self.0
    }
}

impl From<Message> for SpecError {
    fn from(message: Message) -> Self {
        Self(message)
    }
}

impl fmt::Display for SpecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for SpecError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_go_where_their_names_are() {
        let values = [("a", "{b}"), ("b", "two")];
        assert_eq!(fill("{b} before {a}", &values), "two before {b}");
        assert_eq!(fill("{c} {{a} {", &values), "{c} {{b} {");
        let error = SpecError::new(MessageId("{b} is not {a}"), &[("a", "one"), ("b", "two")]);
        assert_eq!(error.to_string(), "two is not one");
    }

    #[test]
    fn sentences_within_sentences_are_translated_too() {
        let message = Message::new(MessageId("{device}: {reason}"))
            .with("device", "off")
            .with_message("reason", MessageId("off"));
        let translate = |text: &str| text.replace("off", "aus");
        assert_eq!(message.text(&translate), "off: aus");
        assert_eq!(message.to_string(), "off: off");
        let three = [message.clone(), Message::verbatim("{a}"), message.clone()];
        let both = Message::joined(three);
        assert_eq!(both.unwrap().text(&translate), "off: aus; {a}; off: aus");
        assert_eq!(Message::joined([]), None);
        let error = io::Error::other(message.clone());
        assert_eq!(Message::from(&error), message);
        let error = io::Error::other("off");
        assert_eq!(Message::from(&error), Message::verbatim("off"));
    }

    #[test]
    fn a_message_survives_the_way_to_another_process() {
        let message = Message::new(MessageId("{a} {b}"))
            .with("a", "one")
            .with_message("b", MessageId("two"));
        let json = serde_json::to_string(&message).unwrap();
        assert_eq!(
            json,
            r#"{"text":"{a} {b}","values":[["a","one"],["b",{"text":"two"}]]}"#
        );
        assert_eq!(serde_json::from_str::<Message>(&json).unwrap(), message);
        assert_eq!(message.one_line(1).to_string(), "o two");
    }

    #[test]
    fn the_longest_text_of_a_message_is_known_before_it_is_made() {
        let mut message = Message::verbatim("{a}{a}{a}{a}").with("a", "four");
        assert!(message.longest_text() >= message.to_string().len());
        for _ in 0..64 {
            message = Message::verbatim("{a}{a}{a}{a}").with_message("a", message);
        }
        assert_eq!(message.longest_text(), usize::MAX);
    }
}
