//! What the cards say.

use crate::relay::{Card, FaultKind};

/// The words on a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Words {
    /// The large line: what is going on.
    pub title: &'static str,
    /// The small line: why, or what comes next.
    pub line: &'static str,
}

/// The words on this card.
pub fn words(card: Card) -> Words {
    let (title, line) = match card {
        Card::Off => ("Camera is off", "It turns on when it is needed"),
        Card::Starting => ("Starting camera…", "One moment"),
        Card::Paused => ("Camera is paused", "The picture is covered for now"),
        Card::Failed(kind) => ("Camera not available", reason(kind)),
    };
    Words { title, line }
}

/// Every letter that the cards need.
pub fn letters() -> String {
    let all = Card::all().map(words);
    all.flat_map(|words| [words.title, words.line]).collect()
}

fn reason(kind: FaultKind) -> &'static str {
    match kind {
        FaultKind::NoOutput => "No virtual camera found",
        FaultKind::NoCamera => "No camera found",
        FaultKind::NoPermission => "No permission to use it",
        FaultKind::Busy => "Used by another program",
        FaultKind::Unsupported => "Picture size not supported",
        FaultKind::NoPicture => "The camera gave no picture",
        FaultKind::Stopped => "The camera stopped, trying again",
        FaultKind::Other => "Something went wrong",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_card_says_something_else() {
        let mut all: Vec<_> = Card::all().map(|card| words(card).line).collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), Card::all().count());
    }
}
