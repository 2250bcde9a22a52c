//! Standard error, which is never a reason to wait or to end: its terminal may be closed, its reader
//! stopped, its disk full.
//!
//! A thread writes the lines from a queue. Lines for which it has no room are dropped and counted, and
//! an error of a write is ignored, since there is no other place to report it.

use std::collections::VecDeque;
use std::fmt::Display;
use std::io;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::stdio::stderr;

/// The bytes that may wait to be written, as many as a pipe holds.
const CAPACITY: usize = 64 * 1024;

/// How long the end of a program waits for a reader.
const FLUSH_TIMEOUT: Duration = Duration::from_millis(500);

static QUEUE: Mutex<Queue> = Mutex::new(Queue::new());
/// The queue has something to write, or was written.
static CHANGED: Condvar = Condvar::new();

/// Writes a line, and waits until it is written, for [`FLUSH_TIMEOUT`] at most.
pub fn say(line: impl Display) {
    push(format!("{line}\n").into_bytes());
    flush();
}

/// Starts the thread that writes. Until then, lines wait in the queue: a thread that exists before its
/// process confines itself would not be confined.
pub fn start() {
    let mut queue = lock();
    if queue.has_writer {
        return;
    }
    let writer = thread::Builder::new().name("log".to_owned());
    queue.has_writer = writer.spawn(run).is_ok();
}

/// Waits until all lines are written, for [`FLUSH_TIMEOUT`] at most.
pub fn flush() {
    start();
    let is_busy = |queue: &mut Queue| queue.is_busy();
    // In vain if the reader is stuck.
    let _ = CHANGED.wait_timeout_while(lock(), FLUSH_TIMEOUT, is_busy);
}

/// Puts each write, which is one line of the log, into the queue.
pub struct Log;

impl io::Write for Log {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        push(line.to_owned());
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn push(line: Vec<u8>) {
    lock().push(line);
    CHANGED.notify_all();
}

fn lock() -> MutexGuard<'static, Queue> {
    // After a panic of another thread, its log is still to be written.
    QUEUE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The thread.
fn run() {
    let mut queue = lock();
    loop {
        if let Some(line) = queue.next() {
            drop(queue);
            write(&line);
            queue = lock();
        } else {
            CHANGED.notify_all();
            queue = CHANGED.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// Writes for as long as it takes. Not through `std::io::stderr`, whose lock others would wait for.
fn write(mut bytes: &[u8]) {
    while !bytes.is_empty() {
        match rustix::io::write(stderr(), bytes) {
            Ok(len) => bytes = &bytes[len..],
            Err(Errno::INTR) => {}
            // Another process with the same terminal may have set it so.
            Err(Errno::AGAIN) => {
                let _ = poll(
                    &mut [PollFd::from_borrowed_fd(stderr(), PollFlags::OUT)],
                    None,
                );
            }
            Err(_) => return,
        }
    }
}

/// The lines that wait.
struct Queue {
    lines: VecDeque<Vec<u8>>,
    /// Bytes in all lines.
    len: usize,
    /// Lines dropped after those in the queue.
    dropped: u64,
    is_writing: bool,
    has_writer: bool,
}

impl Queue {
    const fn new() -> Self {
        Self {
            lines: VecDeque::new(),
            len: 0,
            dropped: 0,
            is_writing: false,
            has_writer: false,
        }
    }

    fn push(&mut self, line: Vec<u8>) {
        if self.len + line.len() > CAPACITY {
            self.dropped += 1;
            return;
        }
        self.note_dropped();
        self.append(line);
    }

    /// The next line to write. The one before is written.
    fn next(&mut self) -> Option<Vec<u8>> {
        if self.lines.is_empty() {
            self.note_dropped();
        }
        let line = self.lines.pop_front();
        self.is_writing = line.is_some();
        self.len -= line.as_ref().map_or(0, Vec::len);
        line
    }

    fn is_busy(&self) -> bool {
        self.is_writing || !self.lines.is_empty() || self.dropped > 0
    }

    fn note_dropped(&mut self) {
        if self.dropped > 0 {
            let note = format!("lenscap: {} lines of the log were dropped\n", self.dropped);
            self.dropped = 0;
            self.append(note.into_bytes());
        }
    }

    fn append(&mut self, line: Vec<u8>) {
        self.len += line.len();
        self.lines.push_back(line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_without_room_are_dropped_and_counted_in_their_place() {
        let mut queue = Queue::new();
        let line = |letter: u8| vec![letter; CAPACITY / 2];
        for letter in *b"abcd" {
            queue.push(line(letter));
        }
        assert_eq!(queue.next(), Some(line(b'a')));
        queue.push(b"e".to_vec());
        queue.push(line(b'f'));
        let note = |count| format!("lenscap: {count} lines of the log were dropped\n").into_bytes();
        for next in [line(b'b'), note(2), b"e".to_vec(), note(1)] {
            assert!(queue.is_busy());
            assert_eq!(queue.next(), Some(next));
        }
        assert_eq!(queue.next(), None);
        assert!(!queue.is_busy());
        assert_eq!(queue.len, 0);
    }
}
