//! Records stalls of the machine itself. The guest's processors are emulated on a host with other work: when they stall, so
//! does every client.

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
/// The resolution of timers; less than this is no stall.
const USUAL: Duration = Duration::from_millis(1);

/// A period in which a processor did not run a thread that was due.
#[derive(Debug, Clone, Copy)]
struct Stall {
    due: Instant,
    late: Duration,
}

/// Threads, one per processor, that wake up periodically and record when they were late.
#[derive(Debug)]
pub struct StallMonitor {
    stalls: Arc<Mutex<Vec<Stall>>>,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl StallMonitor {
    pub fn start() -> Self {
        let stalls = Arc::default();
        let stop = Arc::default();
        let threads = (0..processors())
            .map(|processor| {
                let (stalls, stop) = (Arc::clone(&stalls), Arc::clone(&stop));
                thread::spawn(move || measure(processor, &stalls, &stop))
            })
            .collect();
        Self {
            stalls,
            stop,
            threads,
        }
    }

    /// How long any processor stalled between two moments: a frame passes through several and waits for each.
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

impl Drop for StallMonitor {
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

fn measure(processor: usize, stalls: &Mutex<Vec<Stall>>, stop: &AtomicBool) {
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
    fn overlapping_stalls_count_once() {
        let start = Instant::now();
        let ms = Duration::from_millis;
        let stall = |due, late| Stall {
            due: start + ms(due),
            late: ms(late),
        };
        let stalls = vec![stall(50, 20), stall(0, 30), stall(20, 20), stall(90, 30)];
        let monitor = StallMonitor {
            stalls: Arc::new(Mutex::new(stalls)),
            stop: Arc::default(),
            threads: Vec::new(),
        };
        let stalled = |from, until| monitor.stalled(start + ms(from), start + ms(until));
        assert_eq!(stalled(10, 100), ms(30 + 20 + 10));
        assert_eq!(stalled(40, 50), Duration::ZERO);
    }
}
