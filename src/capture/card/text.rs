//! The text on the cards.

use crate::i18n::gettext;
use crate::relay::{Card, FaultKind};
use crate::settings::{MessageId, n_};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardText {
    /// The large line: the state.
    pub title: String,
    /// The small line: the reason, or what happens next.
    pub line: String,
}

/// The cards' text in one language.
pub type Wording = fn(Card) -> CardText;

pub fn english(card: Card) -> CardText {
    let (title, line) = marked(card);
    CardText {
        title: title.into(),
        line: line.into(),
    }
}

/// In the user's language.
pub fn translated(card: Card) -> CardText {
    let (title, line) = marked(card);
    CardText {
        title: gettext(title),
        line: gettext(line),
    }
}

/// All letters on the cards.
pub fn letters(wording: Wording) -> String {
    let all = Card::all().map(wording);
    all.map(|text| text.title + &text.line).collect()
}

fn marked(card: Card) -> (MessageId, MessageId) {
    match card {
        // Translators: these are on a picture that the other people in a video call see.
        Card::Off => (n_("Camera is off"), n_("It turns on when it is needed")),
        Card::Starting => (n_("Starting camera…"), n_("One moment")),
        Card::Paused => (n_("Camera is paused"), n_("The picture is covered for now")),
        Card::Failed(kind) => (n_("Camera not available"), reason(kind)),
    }
}

fn reason(kind: FaultKind) -> MessageId {
    match kind {
        FaultKind::NoOutput => n_("No virtual camera found"),
        FaultKind::NoCamera => n_("No camera found"),
        FaultKind::NoPermission => n_("No permission to use it"),
        FaultKind::Busy => n_("Used by another program"),
        FaultKind::Unsupported => n_("Picture size not supported"),
        FaultKind::NoPicture => n_("The camera gave no picture"),
        FaultKind::Stopped => n_("The camera stopped, trying again"),
        FaultKind::Other => n_("Something went wrong"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_card_has_a_different_line() {
        let mut all: Vec<_> = Card::all().map(|card| english(card).line).collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), Card::all().count());
    }
}
