//! A child's standard error, in our log: line by line, and never more than a reader can follow.

use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use glib::{ControlFlow, IOCondition};

use crate::descriptor;
use crate::settings::masked;

/// Lines that may come at once. Camera stacks print dozens when they start.
const BURST: u32 = 50;
/// The time after which the count starts anew.
const WINDOW: Duration = Duration::from_secs(10);
/// A longer line is cut: it is no text.
const LONGEST_LINE: usize = 2000;

/// Logs what comes through a pipe until its other end is closed. The pipe must not block.
pub fn drain(pipe: OwnedFd, name: &'static str) {
    let mut lines = Lines::default();
    let mut limit = Limit::default();
    let condition = IOCondition::IN | IOCondition::HUP | IOCondition::ERR;
    let ready = move |pipe: &mut OwnedFd| {
        let mut buffer = [0; 4096];
        match rustix::io::read(pipe, &mut buffer[..]) {
            Ok(0) => ControlFlow::Break,
            Ok(len) => {
                lines.push(&buffer[..len], |line| {
                    if let Some(left_out) = limit.pass(Instant::now()) {
                        log(name, left_out, line);
                    }
                });
                ControlFlow::Continue
            }
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => ControlFlow::Continue,
            Err(_) => ControlFlow::Break,
        }
    };
    descriptor::watch(pipe, condition, ready).detach();
}

fn log(name: &str, left_out: u32, line: &str) {
    if left_out > 0 {
        tracing::info!("{name}: {left_out} lines left out");
    }
    // Camera stacks quote what they can't reach.
    tracing::info!("{name}: {}", masked(line));
}

/// Cuts bytes into lines.
#[derive(Default)]
struct Lines {
    partial: Vec<u8>,
}

impl Lines {
    fn push(&mut self, bytes: &[u8], mut line: impl FnMut(&str)) {
        for byte in bytes {
            if *byte != b'\n' && self.partial.len() < LONGEST_LINE {
                self.partial.push(*byte);
                continue;
            }
            let text = String::from_utf8_lossy(&self.partial);
            if !text.trim().is_empty() {
                line(text.trim_end());
            }
            self.partial.clear();
        }
    }
}

/// Lets a burst of lines through in every window.
#[derive(Default)]
struct Limit {
    since: Option<Instant>,
    passed: u32,
    left_out: u32,
}

impl Limit {
    /// Whether one more line may pass: how many were left out before it.
    fn pass(&mut self, now: Instant) -> Option<u32> {
        let since = *self.since.get_or_insert(now);
        if now.duration_since(since) >= WINDOW {
            self.since = Some(now);
            self.passed = 0;
        }
        if self.passed >= BURST {
            self.left_out += 1;
            return None;
        }
        self.passed += 1;
        Some(std::mem::take(&mut self.left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_put_together_from_pieces() {
        let mut lines = Lines::default();
        let mut seen = Vec::new();
        for piece in ["one\ntw", "o\n\n", "three"] {
            lines.push(piece.as_bytes(), |line| seen.push(line.to_owned()));
        }
        assert_eq!(seen, ["one", "two"]);
    }

    #[test]
    fn a_flood_is_cut_and_counted() {
        let mut limit = Limit::default();
        let start = Instant::now();
        let passed = (0..200).filter(|_| limit.pass(start).is_some()).count();
        assert_eq!(passed, BURST as usize);
        assert_eq!(limit.pass(start + WINDOW), Some(200 - BURST));
        assert_eq!(limit.pass(start + WINDOW), Some(0));
    }
}
