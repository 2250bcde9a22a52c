//! What the cards say.

use crate::i18n::gettext;
use crate::relay::{Card, FaultKind};
use crate::settings::{MessageId, n_};

/// The words on a card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    /// The large line: what is going on.
    pub title: String,
    /// The small line: why, or what comes next.
    pub line: String,
}

/// What a card says, in one language.
pub type Wording = fn(Card) -> Words;

/// The words on this card, in English.
pub fn english(card: Card) -> Words {
    let (title, line) = marked(card);
    Words {
        title: title.into(),
        line: line.into(),
    }
}

/// The words on this card, in the user's language.
pub fn translated(card: Card) -> Words {
    let (title, line) = marked(card);
    Words {
        title: gettext(title),
        line: gettext(line),
    }
}

/// Every letter that the cards need.
pub fn letters(wording: Wording) -> String {
    let all = Card::all().map(wording);
    all.map(|words| words.title + &words.line).collect()
}

fn marked(card: Card) -> (MessageId, MessageId) {
    match card {
        // Translators: these stand on a picture that the other people in a video call see.
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
    fn every_card_says_something_else() {
        let mut all: Vec<_> = Card::all().map(|card| english(card).line).collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), Card::all().count());
    }
}
