//! The ledger of the slots: which of them are free again, in memory that both sides share.
//!
//! The worker reads it whenever it needs a slot. A message for each slot would wake it up once more a
//! frame, for what it has no need to know yet; a worker that has run out of slots requests one.

use std::fs::File;
use std::io;
use std::sync::atomic::Ordering::SeqCst;

use crate::mapping::Mapping;

/// The slots that were released since the worker last read this, a bit each.
const RELEASED: usize = 0;
/// Not 0 while the worker waits for a slot and wants a message when the next one is released.
const WAKEUP: usize = 1;

/// One side's view of the ledger. Each number has one meaning and is changed as a whole, so neither side
/// ever sees another's half-done work; and the applet only believes what can do it no harm.
pub struct Ledger {
    words: Mapping,
}

impl Ledger {
    /// Bytes that it takes.
    pub const LEN: usize = 2 * size_of::<u64>();

    /// Maps the ledger that begins at this page of the slots' memory.
    pub fn map(memory: &File, at: usize) -> io::Result<Self> {
        let words = Mapping::new(memory, at as u64, Self::LEN)?;
        Ok(Self { words })
    }

    /// The applet releases a slot. True if the worker waits for one and needs a message.
    #[must_use]
    pub fn release(&self, slot: u32) -> bool {
        let bit = 1u64.checked_shl(slot).unwrap_or(0);
        self.words.word(RELEASED).fetch_or(bit, SeqCst);
        self.words.word(WAKEUP).swap(0, SeqCst) != 0
    }

    /// The worker takes the slots that were released, a bit each.
    pub fn drain(&self) -> u64 {
        self.words.word(RELEASED).swap(0, SeqCst)
    }

    /// The worker requests a message for the next slot. It has to drain once more before it waits: for
    /// a slot that was released before the request no message is sent.
    pub fn request_wakeup(&self) {
        self.words.word(WAKEUP).store(1, SeqCst);
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
    fn what_is_released_is_taken_once() {
        let (applet, worker) = both();
        assert!(!applet.release(0));
        assert!(!applet.release(3));
        assert!(!applet.release(64), "there is no such slot");
        assert_eq!(worker.drain(), 0b1001);
        assert_eq!(worker.drain(), 0);
    }

    #[test]
    fn a_request_is_answered_once() {
        let (applet, worker) = both();
        worker.request_wakeup();
        assert!(applet.release(1));
        assert!(!applet.release(2));
    }
}
