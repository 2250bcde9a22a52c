//! From the camera to the outputs: the worker, the route of its frames, and previews beside them.

use std::cell::RefCell;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use super::outputs::{Lost, Outputs};
use super::worker::{Route, Worker, WorkerEvent, could_not_start};
use super::{Events, preview};
use crate::capture::protocol::Job;
use crate::placeholder::Pictures;
use crate::preview::Audience;
use crate::relay::{Card, Event, Fault, FrameCount, Generation, OutputId, OutputSet, StopHow};
use crate::settings::{Camera, Geometry, Message, n_};

/// Slots beyond those that a camera stack keeps in flight: one is being copied, one waits for it.
const SPARE_SLOTS: u32 = 2;

/// What carries out the relay's commands about pictures.
pub struct FrameFlow {
    events: Events,
    pub outputs: RefCell<Outputs>,
    worker: RefCell<Option<Worker>>,
    audience: Audience,
}

impl FrameFlow {
    /// No worker and no output yet.
    pub fn new(events: Events, outputs: Outputs) -> Self {
        let left = events.clone();
        Self {
            audience: Audience::new(move |readers| left.send(preview::readers(readers))),
            outputs: RefCell::new(outputs),
            worker: RefCell::default(),
            events,
        }
    }

    /// Starts a worker for this source, which calls `notify`.
    pub fn spawn(
        &self,
        generation: Generation,
        source: Option<String>,
        camera: &Camera,
        silence: Duration,
        notify: impl Fn(WorkerEvent) + 'static,
    ) -> Result<(), Fault> {
        let job = source.and_then(|source| self.job(source, camera));
        let job = job.ok_or_else(|| io::Error::other(Message::new(n_("no camera or no output"))));
        let spawned = job.and_then(|job| Worker::spawn(generation, &job, silence, notify));
        let worker = spawned.map_err(|error| could_not_start(&error))?;
        self.worker.replace(Some(worker));
        Ok(())
    }

    /// What a worker is to do: the source, in the shape of the outputs as they are.
    fn job(&self, source: String, camera: &Camera) -> Option<Job> {
        let outputs = self.outputs.borrow();
        let (geometry, framerate) = outputs.shape()?;
        Some(Job {
            source,
            width: geometry.width,
            height: geometry.height,
            framerate,
            format: geometry.format.name().to_owned(),
            buffer_count: camera.buffer_count,
            transform: camera.transform.name().to_owned(),
            slots: camera.buffer_count + SPARE_SLOTS + outputs.kept_slots(),
            frame_len: geometry.frame_len(),
            parent: std::process::id(),
        })
    }

    /// Orders the worker to open the camera.
    pub fn open_camera(&self, generation: Generation) {
        self.with_worker(generation, Worker::open_camera);
    }

    /// Orders the worker to end.
    pub fn stop(&self, generation: Generation, how: StopHow) {
        self.with_worker(generation, |worker| worker.stop(how));
    }

    /// Drops a worker whose process has ended.
    pub fn forget_worker(&self, generation: Generation) {
        let mut worker = self.worker.borrow_mut();
        let ended = worker.take_if(|worker| worker.generation() == generation);
        drop(worker);
        drop(ended);
    }

    /// Whether there is a worker, if only one that ends.
    pub fn has_worker(&self) -> bool {
        self.worker.borrow().is_some()
    }

    /// The worker's process, while there is one.
    pub fn worker_pid(&self) -> Option<u32> {
        self.worker.borrow().as_ref().and_then(Worker::pid)
    }

    /// Shows the worker's frames on these outputs from now on, and on no others.
    pub fn set_route(&self, generation: Generation, to: OutputSet) {
        let route = if to.is_empty() {
            Route::default()
        } else {
            Route {
                outputs: self.outputs.borrow().sinks(to),
                previews: Some(self.audience.sink()),
            }
        };
        self.with_worker(generation, |worker| worker.set_route(route));
    }

    /// Shows the worker's frames nowhere.
    pub fn cut_route(&self) {
        if let Some(worker) = &*self.worker.borrow() {
            worker.set_route(Route::default());
        }
    }

    /// The frames since the last call.
    pub fn count_frames(&self) -> FrameCount {
        let worker = self.worker.borrow();
        worker.as_ref().map(Worker::count).unwrap_or_default()
    }

    /// Shows a placeholder on an output, and to previews unless the camera's picture goes elsewhere.
    pub fn show(&self, id: OutputId, card: Card) {
        let lost = self.outputs.borrow_mut().show(id, card);
        self.report_lost(lost);
        let worker = self.worker.borrow();
        if worker.as_ref().is_some_and(Worker::has_route) {
            return;
        }
        if let Some(pictures) = self.outputs.borrow().pictures() {
            self.audience.show(card, &pictures);
        }
    }

    /// Keeps frames coming to the clients of an output, or stops it.
    pub fn sustain(&self, id: OutputId, on: bool) {
        let lost = self.outputs.borrow_mut().sustain(id, on);
        self.report_lost(lost);
    }

    /// Takes other placeholder pictures, where they have the outputs' shape.
    pub fn set_pictures(&self, geometry: Geometry, pictures: Pictures) {
        let pictures = Arc::new(pictures);
        let lost = self.outputs.borrow_mut().set_pictures(geometry, &pictures);
        self.report_lost(lost);
        if let Some(pictures) = self.outputs.borrow().pictures() {
            self.audience.repaint(&pictures);
        }
    }

    /// Device nodes have come, gone, or changed.
    pub fn nodes_changed(&self) {
        let lost = self.outputs.borrow_mut().nodes_changed();
        self.report_lost(lost);
    }

    /// An output is gone.
    pub fn forget_output(&self, id: OutputId) {
        self.outputs.borrow_mut().forget(id);
        self.end_stale_previews();
    }

    /// Covers every output and gives it back, for this reason.
    pub fn close_outputs(&self, reason: &Fault) {
        self.cut_route();
        let ids = self.outputs.borrow().ids();
        self.outputs.borrow_mut().close();
        for id in ids {
            self.events.send(Event::OutputLost(id, reason.clone()));
        }
    }

    /// An output refused a frame.
    pub fn output_failed(&self, id: OutputId, error: &io::Error) -> Option<Event> {
        let fault = self.outputs.borrow().lost(id, error)?;
        Some(Event::OutputLost(id, fault))
    }

    /// Opens a preview for a process: a descriptor for its reader; `None` without an output.
    pub fn open_preview(&self, reader: u32) -> Option<io::Result<OwnedFd>> {
        let pictures = self.outputs.borrow().pictures()?;
        let opened = self.audience.open(reader, &pictures);
        // A reader may start the camera.
        self.events.send(preview::readers(self.audience.readers()));
        Some(opened)
    }

    /// Ends previews whose frames have another shape than those of the outputs by now.
    pub fn end_stale_previews(&self) {
        let shape = self.outputs.borrow().shape().map(|(geometry, _)| geometry);
        let stale = self.audience.geometry().filter(|own| Some(*own) != shape);
        if stale.is_some() {
            self.audience.close();
            self.events.send(preview::readers(Vec::new()));
        }
    }

    fn report_lost(&self, lost: Vec<Lost>) {
        for (id, fault) in lost {
            self.events.send(Event::OutputLost(id, fault));
        }
    }

    fn with_worker(&self, generation: Generation, act: impl FnOnce(&Worker)) {
        let worker = self.worker.borrow();
        if let Some(worker) = worker
            .as_ref()
            .filter(|worker| worker.generation() == generation)
        {
            act(worker);
        }
    }
}
