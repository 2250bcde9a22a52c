//! What is begun again and again, and may end in another order.

use std::cell::Cell;

/// Numbers the turns of something, so that one which ends late is known to be out of date.
#[derive(Default)]
pub struct Turns(Cell<u64>);

impl Turns {
    /// The number of a new turn, from 1 on.
    pub fn begin(&self) -> u64 {
        self.0.set(self.0.get() + 1);
        self.0.get()
    }

    /// Whether no other turn was begun since.
    pub fn is_newest(&self, turn: u64) -> bool {
        self.0.get() == turn
    }
}
