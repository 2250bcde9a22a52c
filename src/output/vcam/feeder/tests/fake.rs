//! A driver of paper, which behaves as the real one was seen to.

use std::collections::BTreeMap;

use super::*;

/// The driver's own view: what it has, and what its client has seen.
#[derive(Default)]
pub struct Paper {
    pub streaming: bool,
    pub on: bool,
    /// Waiting frames, by place.
    queue: VecDeque<(u32, Queued)>,
    /// Shown, or returned when the client was killed.
    done: VecDeque<u32>,
    seen: Vec<String>,
    /// A program has it open without streaming.
    pub held_open: bool,
    /// Why the next call fails, if it does.
    pub fault: Option<&'static str>,
}

struct Queued {
    name: String,
    memory: Arc<Memory>,
    index: usize,
}

/// The driver, which the test and the feeder share.
#[derive(Clone, Default)]
pub struct Fake(Arc<Mutex<Paper>>);

impl Fake {
    pub fn with<T>(&self, act: impl FnOnce(&mut Paper) -> T) -> T {
        act(&mut self.0.lock().unwrap())
    }

    /// The client takes frames, as many as it can get.
    pub fn take(&self, most: usize) {
        self.with(|paper| {
            for _ in 0..most {
                let Some((place, queued)) = paper.queue.pop_front() else {
                    break;
                };
                paper.done.push_back(place);
                paper.seen.push(queued.name);
            }
        });
    }

    pub fn stream_on(&self) {
        self.with(|paper| {
            paper.streaming = true;
            paper.on = true;
        });
    }

    /// STREAMOFF: all places are free, without an event.
    pub fn stream_off(&self) {
        self.with(|paper| {
            paper.streaming = false;
            paper.on = false;
            paper.queue.clear();
            paper.done.clear();
        });
    }

    /// A close without STREAMOFF: all places wait to be dequeued.
    pub fn killed(&self) {
        self.with(|paper| {
            paper.streaming = false;
            let returned: Vec<_> = paper.queue.drain(..).map(|(place, _)| place).collect();
            paper.done.extend(returned);
        });
    }

    pub fn seen(&self) -> String {
        self.with(|paper| std::mem::take(&mut paper.seen).join(" "))
    }

    pub fn queued(&self) -> String {
        self.with(|paper| {
            let queue = paper.queue.iter();
            let all: BTreeMap<_, _> = queue
                .map(|(place, queued)| (place, &*queued.name))
                .collect();
            all.into_values().collect::<Vec<_>>().join(" ")
        })
    }

    /// All bytes that the driver has for a client.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.with(|paper| {
            for (_, queued) in &paper.queue {
                let read = |frame: &mut [u8]| {
                    bytes.extend_from_slice(frame);
                    Ok(())
                };
                queued.memory.write(queued.index, read).unwrap();
            }
        });
        bytes
    }

    /// Carries out a call of the driver, or fails.
    fn call<T>(&self, act: impl FnOnce(&mut Paper) -> T) -> io::Result<T> {
        self.with(|paper| match paper.fault.take() {
            Some(fault) => Err(io::Error::other(fault)),
            None => Ok(act(paper)),
        })
    }
}

impl Driver for Fake {
    fn queue(&self, place: u32, picture: &Picture) -> io::Result<bool> {
        let name = match &picture.lease {
            Some(lease) => format!("slot{}", lease.slot()),
            None => format!("card{}", picture.index),
        };
        let queued = Queued {
            name,
            memory: picture.memory.clone(),
            index: picture.index,
        };
        self.call(|paper| {
            let taken =
                paper.queue.iter().any(|(taken, _)| *taken == place) || paper.done.contains(&place);
            if !taken {
                paper.queue.push_back((place, queued));
            }
            !taken
        })
    }

    fn dequeue(&self) -> io::Result<Dequeued> {
        self.call(|paper| match paper.done.pop_front() {
            _ if !paper.on => Dequeued::Off,
            Some(place) => Dequeued::Place(place),
            None => Dequeued::Nothing,
        })
    }

    fn turn_on(&self) -> io::Result<bool> {
        if self.with(|paper| paper.held_open) {
            return Ok(false);
        }
        self.stream_on();
        self.killed();
        Ok(true)
    }

    fn is_streaming(&self) -> io::Result<bool> {
        self.call(|paper| paper.streaming)
    }
}
