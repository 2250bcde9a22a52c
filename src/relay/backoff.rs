//! How long to wait before a camera that failed is tried again.

use std::time::Duration;

/// The first wait.
const FIRST: Duration = Duration::from_secs(1);
/// The longest wait: long enough to be quiet, short enough that a repaired camera comes back soon.
const LONGEST: Duration = Duration::from_secs(30);

/// The wait after this many failures in a row (1, 2, 3 …): 1, 2, 4 … 30 seconds.
pub fn wait(failures: u32) -> Duration {
    let doublings = failures.saturating_sub(1).min(5);
    (FIRST * 2u32.pow(doublings)).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_half_a_minute() {
        let waits: Vec<_> = (1..=7).map(|n| wait(n).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 30, 30]);
        assert_eq!(wait(u32::MAX), LONGEST);
    }
}
