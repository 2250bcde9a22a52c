//! The ledger of the slots: which of them are free again, in memory that both sides share.
//!
//! The worker looks into it whenever it needs a slot. A message for each slot would only wake it up
//! once more a frame, to learn what it has no need to know yet; a worker that has run out of slots
//! asks for one.

use std::fs::File;
use std::io;
use std::sync::atomic::Ordering::SeqCst;

use crate::mapping::Mapping;

/// The slots that were given back since the worker last looked, a bit each.
const FREED: usize = 0;
/// Not 0 while the worker waits for a slot and has to be told of the next.
const ASKED: usize = 1;
/// The processor that the newest frame was handed over on, plus one; 0 before the first.
const PROCESSOR: usize = 2;

/// One side's view of the ledger. Each word has one meaning and is changed as a whole, so neither side
/// ever sees another's half-done work; and the applet only believes what can do it no harm.
pub struct Ledger {
    words: Mapping,
}

impl Ledger {
    /// Bytes that it takes.
    pub const LEN: usize = 3 * size_of::<u64>();

    /// Maps the ledger that begins at this page of the slots' memory.
    pub fn map(memory: &File, at: usize) -> io::Result<Self> {
        let words = Mapping::new(memory, at as u64, Self::LEN)?;
        Ok(Self { words })
    }

    /// The applet gives a slot back. True if the worker waits for one and has to be told.
    #[must_use]
    pub fn give_back(&self, slot: u32) -> bool {
        let bit = 1u64.checked_shl(slot).unwrap_or(0);
        self.words.word(FREED).fetch_or(bit, SeqCst);
        self.words.word(ASKED).swap(0, SeqCst) != 0
    }

    /// The worker takes what was given back, a bit each.
    pub fn take(&self) -> u64 {
        self.words.word(FREED).swap(0, SeqCst)
    }

    /// The worker asks to be told of the next slot. It has to look once more before it waits: one that
    /// was given back before the question goes without an answer.
    pub fn ask(&self) {
        self.words.word(ASKED).store(1, SeqCst);
    }

    /// The worker hands a frame over on this processor.
    pub fn set_processor(&self, processor: usize) {
        self.words
            .word(PROCESSOR)
            .store(processor as u64 + 1, SeqCst);
    }

    /// The processor on which the worker handed over its newest frame.
    pub fn processor(&self) -> Option<usize> {
        let word = self.words.word(PROCESSOR).load(SeqCst);
        usize::try_from(word).ok()?.checked_sub(1)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use rustix::fs::{MemfdFlags, ftruncate, memfd_create};

    use super::*;

    /// Both sides of a ledger.
    pub(in crate::capture) fn both() -> (Ledger, Ledger) {
        let memory = File::from(memfd_create("ledger", MemfdFlags::CLOEXEC).unwrap());
        ftruncate(&memory, Ledger::LEN as u64).unwrap();
        (
            Ledger::map(&memory, 0).unwrap(),
            Ledger::map(&memory, 0).unwrap(),
        )
    }

    #[test]
    fn what_is_given_back_is_taken_once() {
        let (applet, worker) = both();
        assert!(!applet.give_back(0));
        assert!(!applet.give_back(3));
        assert!(!applet.give_back(64), "there is no such slot");
        assert_eq!(worker.take(), 0b1001);
        assert_eq!(worker.take(), 0);
    }

    #[test]
    fn whoever_asks_is_told_once() {
        let (applet, worker) = both();
        worker.ask();
        assert!(applet.give_back(1));
        assert!(!applet.give_back(2));
    }

    #[test]
    fn the_processor_is_known_from_the_first_frame_on() {
        let (applet, worker) = both();
        assert_eq!(applet.processor(), None);
        worker.set_processor(0);
        assert_eq!(applet.processor(), Some(0));
    }
}
