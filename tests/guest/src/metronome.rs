//! How far the machine itself fell behind. The guest's processors are emulated on a machine with other work: when they
//! stand still, so does every client, and no applet can help that.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use rustix::thread::{CpuSet, sched_setaffinity};

const BEAT: Duration = Duration::from_millis(5);
/// Lateness that is none: timers are that coarse.
const USUAL: Duration = Duration::from_millis(1);

/// A time in which a processor did not run a thread that was due.
#[derive(Debug, Clone, Copy)]
struct Stall {
    due: Instant,
    late: Duration,
}

/// Threads, one a processor, that wake up all the time and write down when they could not.
#[derive(Debug)]
pub struct Metronome {
    stalls: Arc<Mutex<Vec<Stall>>>,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Metronome {
    pub fn start() -> Self {
        let stalls = Arc::default();
        let stop = Arc::default();
        let threads = (0..processors())
            .map(|processor| {
                let (stalls, stop) = (Arc::clone(&stalls), Arc::clone(&stop));
                thread::spawn(move || beat(processor, &stalls, &stop))
            })
            .collect();
        Self {
            stalls,
            stop,
            threads,
        }
    }

    /// How long a processor stood still between two moments, whichever it was: a frame goes from one to the other, and
    /// waits for both.
    pub fn stalled(&self, from: Instant, until: Instant) -> Duration {
        let stalls = self.stalls.lock().unwrap();
        let mut times: Vec<_> = stalls
            .iter()
            .map(|stall| (stall.due.max(from), (stall.due + stall.late).min(until)))
            .filter(|(start, end)| start < end)
            .collect();
        times.sort_unstable();
        let mut seen = from;
        let mut sum = Duration::ZERO;
        for (start, end) in times {
            sum += end.saturating_duration_since(start.max(seen));
            seen = seen.max(end);
        }
        sum
    }
}

impl Drop for Metronome {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn processors() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

fn beat(processor: usize, stalls: &Mutex<Vec<Stall>>, stop: &AtomicBool) {
    let mut only = CpuSet::new();
    only.set(processor);
    let _ = sched_setaffinity(None, &only);
    while !stop.load(Ordering::Relaxed) {
        let due = Instant::now() + BEAT;
        thread::sleep(BEAT);
        let late = due.elapsed();
        if late > USUAL {
            stalls.lock().unwrap().push(Stall { due, late });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_two_processors_miss_at_once_counts_once() {
        let start = Instant::now();
        let ms = Duration::from_millis;
        let stall = |due, late| Stall {
            due: start + ms(due),
            late: ms(late),
        };
        let stalls = vec![stall(50, 20), stall(0, 30), stall(20, 20), stall(90, 30)];
        let metronome = Metronome {
            stalls: Arc::new(Mutex::new(stalls)),
            stop: Arc::default(),
            threads: Vec::new(),
        };
        let stalled = |from, until| metronome.stalled(start + ms(from), start + ms(until));
        assert_eq!(stalled(10, 100), ms(30 + 20 + 10));
        assert_eq!(stalled(40, 50), Duration::ZERO);
    }
}
