//! The worker: prepares the pipeline, opens the camera on request, delivers frames, and closes it.
//!
//! Its GLib main loop wakes only for the applet, the pipeline's bus and signals; the camera's thread
//! sends frames to the applet itself.

use std::cell::Cell;
use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::process::ExitCode;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use glib::{ControlFlow, IOCondition};
use gstreamer as gst;
use rustix::process::Signal;
use rustix::thread::disable_transparent_huge_pages;

use super::handover::Handover;
use super::ledger::Ledger;
use super::pipeline::Pipeline;
use super::protocol::{
    FromWorker, Job, Received, ReceivedJob, ToWorker, receive_from_applet, receive_job,
    send_to_applet,
};
use super::sandbox::{Reach, Rules};
use super::slots::Slots;
use super::{diagnosis, lifeline, sandbox};
use crate::descriptor::{self, Watched};
use crate::i18n::gettext;
use crate::relay::{Fault, FaultKind};
use crate::settings::{Geometry, Message, SourceSpec, SpecError, Transform, n_};
use crate::source::Wanted;
use crate::stderr::say;

/// After that, the camera is closed anyway. Sensors of some MIPI cameras hang until reboot if they are
/// closed while streaming.
const EOS_TIMEOUT: Duration = Duration::from_secs(3);

/// Runs the worker; its standard input is the applet's socket. Fails, after a report to the applet, if
/// the camera fails.
pub fn run() -> ExitCode {
    let Some((socket, received)) = start() else {
        let advice = gettext("this command is for lenscap itself; run 'lenscap' instead");
        say(format_args!("lenscap capture: {advice}"));
        return ExitCode::FAILURE;
    };
    let (job, memory) = match received {
        Ok((job, memory)) => (job, File::from(memory)),
        Err(fault) => {
            report(&socket, fault);
            return ExitCode::FAILURE;
        }
    };
    // The applet disables them, and the setting is inherited, but frames are large.
    if let Err(error) = disable_transparent_huge_pages(false) {
        tracing::debug!("no huge pages: {error}");
    }
    match lifeline::tie_to_parent(job.parent) {
        Ok(true) => {}
        // The applet ended during our start.
        Ok(false) => return ExitCode::SUCCESS,
        Err(error) => tracing::warn!("no signal at the applet's end: {error}"),
    }
    let code = match Worker::prepare(&job, &memory, &socket) {
        Ok(worker) => worker.run(),
        Err(fault) => {
            report(&socket, fault);
            ExitCode::FAILURE
        }
    };
    lifeline::end_without(job.parent);
    code
}

/// Reports to the applet and the log why the worker ends.
fn report(socket: &OwnedFd, fault: Fault) {
    tracing::warn!("{fault}");
    if let Err(error) = send_to_applet(socket, &FromWorker::Failed(fault)) {
        tracing::debug!("cannot report to the applet: {error}");
    }
}

/// Receives the job. `None` if standard input isn't the applet's socket.
fn start() -> Option<(Arc<OwnedFd>, ReceivedJob)> {
    // GStreamer's child processes inherit standard input and would keep the socket open.
    let socket = std::io::stdin().as_fd().try_clone_to_owned().ok()?;
    let nothing = File::open("/dev/null").ok()?;
    rustix::stdio::dup2_stdin(&nothing).ok()?;
    let received = receive_job(&socket)?;
    Some((Arc::new(socket), received))
}

struct ParsedJob {
    source: SourceSpec,
    wanted: Wanted,
    geometry: Geometry,
    transform: Transform,
}

impl ParsedJob {
    fn parse(job: &Job) -> Result<Self, SpecError> {
        Ok(Self {
            source: job.source.parse()?,
            wanted: Wanted {
                width: job.width,
                height: job.height,
                framerate: job.framerate,
                buffer_count: job.buffer_count,
            },
            geometry: Geometry {
                format: job.format.parse()?,
                width: job.width,
                height: job.height,
            },
            transform: job.transform.parse()?,
        })
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Waits for `Open`.
    Warm,
    /// The camera is open.
    Open,
    /// EOS was sent to the camera.
    Ending,
}

struct Worker {
    job: ParsedJob,
    pipeline: Pipeline,
    handover: Arc<Handover>,
    socket: Arc<OwnedFd>,
    main_loop: glib::MainLoop,
    phase: Cell<Phase>,
    failed: Cell<bool>,
}

impl Worker {
    /// Does everything that is possible before the camera may open.
    fn prepare(job: &Job, memory: &File, socket: &Arc<OwnedFd>) -> Result<Rc<Self>, Fault> {
        let parsed = ParsedJob::parse(job).map_err(|error| {
            let message = Message::new(n_("{error}: correct it in the settings"));
            let message = message.with_message("error", error.message().clone());
            Fault::new(FaultKind::Other, message)
        })?;
        // First, as it applies to this thread and those that it starts only.
        sandbox::enter(&Rules::from_environment(Reach::of(&parsed.source)));
        lifeline::hold(Arc::clone(socket)).map_err(internal)?;
        let slots =
            Slots::map(memory, job.slots, job.slot_stride(), parsed.geometry).map_err(internal)?;
        let ledger = Ledger::map(memory, job.ledger_at()).map_err(internal)?;
        gst::init().map_err(internal)?;
        tracing::debug!("GStreamer is ready");
        let handover = Arc::new(Handover::new(Arc::clone(socket), slots, ledger));
        let pipeline = Pipeline::warm(&parsed.source, parsed.transform, &handover)?;
        tracing::debug!("warm");
        Ok(Rc::new(Self {
            pipeline,
            job: parsed,
            handover,
            socket: Arc::clone(socket),
            main_loop: glib::MainLoop::new(None, false),
            phase: Cell::new(Phase::Warm),
            failed: Cell::new(false),
        }))
    }

    /// Runs until `Stop` or until the camera fails.
    fn run(self: Rc<Self>) -> ExitCode {
        let _socket = self.watch_socket();
        self.watch_signals();
        let _watch = self.watch_bus();
        self.main_loop.run();
        self.handover.close();
        self.pipeline.close();
        if self.failed.get() {
            return ExitCode::FAILURE;
        }
        ExitCode::SUCCESS
    }

    fn watch_socket(self: &Rc<Self>) -> Watched {
        let worker = Rc::clone(self);
        let events = IOCondition::IN | IOCondition::HUP | IOCondition::ERR;
        descriptor::watch_borrowed(&*self.socket, events, move || worker.read_message())
    }

    /// The applet stops its workers by message. SIGINT and SIGHUP stop the camera cleanly as well; the
    /// kernel sends the latter to a worker that is stopped (by SIGSTOP) when the applet ends. SIGTERM
    /// means that there is no time left for that.
    fn watch_signals(self: &Rc<Self>) {
        for signal in [Signal::INT, Signal::HUP] {
            let worker = Rc::clone(self);
            glib_unix::unix_signal_add_local(signal.as_raw(), move || {
                worker.stop();
                ControlFlow::Continue
            });
        }
        let worker = Rc::clone(self);
        glib_unix::unix_signal_add_local(Signal::TERM.as_raw(), move || {
            worker.main_loop.quit();
            ControlFlow::Continue
        });
    }

    fn watch_bus(self: &Rc<Self>) -> Option<gst::bus::BusWatchGuard> {
        let worker = Rc::clone(self);
        let watch = self.pipeline.bus()?.add_watch_local(move |_, message| {
            worker.on_bus_message(message);
            ControlFlow::Continue
        });
        // Fails only if the bus has a watch already.
        watch.ok()
    }

    /// Reads one message of the applet.
    fn read_message(&self) -> ControlFlow {
        match receive_from_applet(&*self.socket) {
            Received::Message(ToWorker::Open) => self.open(),
            Received::Message(ToWorker::Freed) => self.handover.slot_released(),
            Received::Message(ToWorker::Stop(kept)) => self.stop_for_applet(kept),
            Received::Empty => {}
            Received::Invalid | Received::Closed => {
                self.stop_for_applet(0);
                return ControlFlow::Break;
            }
        }
        ControlFlow::Continue
    }

    fn open(&self) {
        if self.phase.get() != Phase::Warm || !self.main_loop.is_running() {
            return;
        }
        self.phase.set(Phase::Open);
        if let Err(fault) = self.pipeline.open(&self.job.source, &self.job.wanted) {
            self.fail(fault);
        }
        tracing::debug!("the camera is opening");
    }

    /// Stops cleanly. The picture is cut at once; the camera gets time to end its stream.
    fn stop(&self) {
        self.handover.close();
        match self.phase.get() {
            Phase::Warm => self.main_loop.quit(),
            Phase::Open => {
                self.phase.set(Phase::Ending);
                let main_loop = self.main_loop.clone();
                glib::timeout_add_local_once(EOS_TIMEOUT, move || main_loop.quit());
                self.pipeline.end_stream();
            }
            Phase::Ending => {}
        }
    }

    /// Like [`stop`](Self::stop), and reclaims all slots but those in `kept`.
    fn stop_for_applet(&self, kept: u64) {
        self.stop();
        self.handover.reclaim_all_but(kept);
    }

    /// Reports the fault and ends. Reports first, because closing may take seconds.
    fn fail(&self, fault: Fault) {
        if !self.failed.replace(true) {
            report(&self.socket, fault);
        }
        self.main_loop.quit();
    }

    fn on_bus_message(&self, message: &gst::Message) {
        let ending = self.phase.get() == Phase::Ending;
        match message.view() {
            gst::MessageView::Eos(_) | gst::MessageView::Error(_) if ending => {
                self.main_loop.quit();
            }
            gst::MessageView::Eos(_) => self.fail(diagnosis::ended()),
            gst::MessageView::Error(error) => {
                let details = error.debug();
                tracing::info!("GStreamer: {} {:?}", error.error(), details);
                let fault = diagnosis::fault(&error.error(), details.as_deref());
                let was_there = self.pipeline.has_delivered();
                self.fail(match &self.job.source {
                    SourceSpec::Network(camera) => {
                        diagnosis::of_network(fault, &camera.name, was_there)
                    }
                    _ => fault,
                });
            }
            gst::MessageView::Element(element) if !ending => {
                if let Some(fault) = diagnosis::element_fault(element.structure()) {
                    self.fail(fault);
                }
            }
            gst::MessageView::Warning(warning) => {
                tracing::warn!("GStreamer: {} {:?}", warning.error(), warning.debug());
            }
            _ => {}
        }
    }
}

/// A fault of the program or the system, not of the camera.
fn internal(error: impl std::fmt::Display) -> Fault {
    diagnosis::other(
        n_(
            "the camera's process could not be set up ({error}): run 'lenscap devices' to find out why",
        ),
        error,
    )
}
