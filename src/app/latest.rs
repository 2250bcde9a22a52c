//! Numbers for requests that may end in another order than they began.

use std::cell::Cell;

/// Numbers requests, so that the answer to an older one can be ignored.
#[derive(Default)]
pub struct Latest(Cell<u64>);

impl Latest {
    /// The number of a new request, from 1 on.
    pub fn begin(&self) -> u64 {
        self.0.set(self.0.get() + 1);
        self.0.get()
    }

    /// Whether no other request was made since.
    pub fn is_newest(&self, number: u64) -> bool {
        self.0.get() == number
    }
}
