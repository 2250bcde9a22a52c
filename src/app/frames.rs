//! The frame path: from a worker's slot to the outputs, by way of the relay or past it.

use std::rc::Rc;

use super::worker::{Follow, Missed};
use super::{Applet, Worker};
use crate::output::Followed;
use crate::relay::{Event, Generation, OutputSet};

impl Applet {
    /// Shows a frame. One copy from the slot for each output, and the slot is free again, unless one
    /// shows it where it lies.
    pub(super) fn submit(&self, generation: Generation, slot: u32, to: OutputSet) {
        let mut lost = Vec::new();
        self.with_worker(generation, |worker| {
            let mut outlets = self.outlets.borrow_mut();
            let mut kept = false;
            let len = outlets.shape().map(|(geometry, _)| geometry.frame_len());
            let frame = worker.frame(slot);
            if let Some(frame) = frame.filter(|frame| Some(frame.pixels.len()) == len) {
                (kept, lost) = outlets.submit(to, &frame);
                self.audience.submit(frame.pixels);
            } else {
                tracing::error!("the worker filled a slot that isn't there, or for other outputs");
            }
            if !kept {
                worker.free(slot);
            }
            let freed = outlets.freed().into_iter();
            freed
                .filter(|(whose, _)| *whose == generation)
                .for_each(|(_, slot)| worker.free(slot));
        });
        if lost.is_empty() {
            self.step_back(generation, to);
        }
        self.mind(lost);
    }

    /// Lets the frames that follow one go past the main loop, where there is a way to all that show
    /// them, until something else happens.
    fn step_back(&self, generation: Generation, from: OutputSet) {
        if from.is_empty() || !self.audience.is_empty() {
            return;
        }
        let mut outlets = self.outlets.borrow_mut();
        let (Some(followers), Some(patience)) = (outlets.followers(from), outlets.patience())
        else {
            return;
        };
        let follow: Follow = Box::new(move |frame| {
            let followed = followers.iter().map(|output| output.follow(frame));
            followed.max().unwrap_or(Followed::Refused)
        });
        self.with_worker(generation, |worker| {
            match worker.step_back(follow, patience) {
                Ok(()) => outlets.step_back(from),
                Err(error) => tracing::debug!("frames take the long way: {error}"),
            }
        });
    }

    /// Has frames taken over again now, if they go past the main loop.
    pub(super) fn catch_up(self: &Rc<Self>) {
        let worker = self.worker.borrow();
        let passes = worker.as_ref().is_some_and(Worker::has_stepped_back);
        drop(worker);
        if passes {
            self.events.send(Event::Wake); // any event does that; this one changes nothing else
        }
    }

    /// Takes frames over again, and tells the relay of those that passed. Called before each event, and
    /// costs nothing where they don't pass.
    pub(super) fn take_over(self: &Rc<Self>) {
        let missed = self.worker.borrow().as_ref().and_then(Worker::take_over);
        let Some(Missed { frames, last, word }) = missed else {
            return;
        };
        self.outlets.borrow_mut().take_over(last);
        let then = last.saturating_duration_since(self.origin);
        let commands = self.relay.borrow_mut().step(frames, then);
        for command in commands {
            self.obey(command);
        }
        if let Some(word) = word {
            self.events.send(word);
        }
    }
}
