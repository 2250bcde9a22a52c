//! The state machine: facts come in, [`State::advance`] draws the conclusions, differences go out.
//!
//! ```text
//!            client              delay over            first frame
//!   idle ───────────▶ arming ───────────────▶ starting ───────────▶ live ◀──┐
//!    ▲ ▲                │                      │    ▲                │ │    │ client back
//!    │ └── client gone ─┘       retry, failure │    │                │ ▼    │
//!    │                                         ▼    │     failure    │ cooldown
//!    ├──────────────── client gone ────────── failed ◀───────────────┘ │
//!    └───────────────────────── cooldown over ─────────────────────────┘
//! ```
//! What covers the camera (`paused`), the lack of any output and a missing source hold the relay in
//! `idle` under another name. A machine that wakes up, or a screen that is unlocked, thus makes one
//! attempt for clients that still stream; where that fails, it is a failure like any other.

use std::time::Duration;

use super::cover::Covers;
use super::outputs::Outputs;
use super::phase::{Phase, Reopen, Source};
use super::worker::Worker;
use super::{
    Card, Command, Event, Fault, FaultKind, Generation, OutputId, OutputSet, Plan, StateName,
    Stats, Status, Time, backoff,
};
use crate::settings::n_;

/// A camera that has been live for this long counts as stable: the backoff starts over with its next failure.
const WELL_AFTER: Duration = Duration::from_secs(10);

/// The state of a relay. See the [module's](self) diagram.
#[derive(Clone, Debug)]
pub struct State {
    plan: Plan,
    covers: Covers,
    outputs: Outputs,
    reopen: Reopen,
    source: Source,
    phase: Phase,
    worker: Worker,
    /// Where the worker's frames go.
    route: OutputSet,
    /// The newest generation.
    generation: Generation,
    /// Failures since the camera was last well.
    failures: u32,
    wake_at: Option<Time>,
    stats: Stats,
}

impl State {
    /// A relay without an output, whose source is still being searched for.
    pub fn new(plan: Plan, paused: bool) -> Self {
        Self {
            plan,
            covers: Covers::new(paused),
            outputs: Outputs::new(),
            reopen: Reopen::No,
            source: Source::Searching,
            phase: Phase::Idle,
            worker: Worker::None,
            route: OutputSet::default(),
            generation: Generation::default(),
            failures: 0,
            wake_at: None,
            stats: Stats::default(),
        }
    }

    /// Applies what happened at `now` and returns what to do about it, in order.
    pub fn step(&mut self, event: Event, now: Time) -> Vec<Command> {
        let mut out = Vec::new();
        self.apply(event, now, &mut out);
        self.outputs.check_holders(now, &mut out);
        self.outputs.settle(&self.plan, now);
        while self.advance(now, &mut out) {}
        out.extend(self.worker.escalate(now));
        self.settle_outputs(&mut out);
        self.settle_timer(&mut out);
        out.extend(self.covers.allow_sleep(self.worker));
        out
    }

    /// What the relay is doing.
    pub fn status(&self) -> Status {
        let (clients, waiting) = self.outputs.clients();
        Status {
            state: self.state(),
            paused: self.covers.paused,
            covered_by: self.covers.automatic(&self.plan),
            camera_open: self.worker.camera_open(),
            has_clients: self.outputs.have_clients(),
            clients,
            waiting,
            error: self.error(),
        }
    }

    /// What the relay has done so far.
    pub fn stats(&self) -> Stats {
        self.stats
    }

    /// The state's name alone.
    pub fn state(&self) -> StateName {
        match &self.phase {
            _ if self.outputs.are_missing() => StateName::Failed,
            _ if self.covers.any(&self.plan) => StateName::Paused,
            Phase::Idle | Phase::Arming if self.fault().is_some() => StateName::Failed,
            Phase::Idle => StateName::Idle,
            Phase::Arming => StateName::Arming,
            Phase::Starting { .. } => StateName::Starting,
            Phase::Live { .. } => StateName::Live,
            Phase::Cooldown { .. } => StateName::Cooldown,
            Phase::Failed { .. } => StateName::Failed,
        }
    }

    /// Why there is no picture; where there is one, which outputs are missing.
    fn error(&self) -> Option<Fault> {
        let fault = self.fault().filter(|_| !self.outputs.are_missing());
        fault.cloned().or_else(|| self.outputs.missing_fault())
    }

    /// Why there is no picture, if there is a reason.
    fn fault(&self) -> Option<&Fault> {
        match (self.outputs.fault(), &self.source, &self.phase) {
            (Some(fault), ..)
            | (_, _, Phase::Failed { fault, .. })
            | (_, Source::Missing(fault), Phase::Idle | Phase::Arming) => Some(fault),
            _ => None,
        }
    }

    fn apply(&mut self, event: Event, now: Time, out: &mut Vec<Command>) {
        match event {
            Event::Wake => self.wake_at = None, // a timer that fired early is set again
            Event::OutputReady(id, watch) => {
                self.outputs.adopt(id, watch);
                out.push(Command::FindHolders(id));
            }
            Event::OutputLost(id, fault) => self.lose_output(id, fault),
            Event::OutputDropped(id) => self.outputs.drop(id),
            Event::OutputPinned => self.reopen = Reopen::AfterClose,
            Event::BetterOutput => self.reopen = Reopen::WhenUnused,
            Event::SourceReady => self.source = Source::Ready,
            Event::SourceMissing(fault) => self.source = Source::Missing(fault),
            Event::Usage(id, count) => {
                self.outputs.set_usage(id, count);
                out.push(Command::FindHolders(id));
            }
            Event::Opens(id, change) => self.count_opens(id, change, out),
            Event::Holders(id, holders) => self.outputs.set_holders(id, holders),
            Event::Previews(readers) => self.outputs.set_previews(&readers),
            Event::FirstFrame(generation) => self.first_frame(generation, now),
            Event::Frames(count) => {
                self.stats.frames += count.shown;
                self.stats.dropped += count.dropped;
            }
            Event::Silent(generation) => self.fall_silent(generation, now, out),
            Event::WorkerFailed(generation, fault) => {
                self.worker_failed(generation, fault, now, out);
            }
            Event::WorkerExited(generation) => self.worker_exited(generation, now, out),
            Event::Pause => self.covers.paused = true,
            Event::Resume => self.covers.paused = false,
            Event::Lock => self.covers.locked = true,
            Event::Unlock => self.covers.locked = false,
            Event::Sleep => self.covers.prepare_for_sleep(),
            Event::Awake => self.covers.wake_up(),
            Event::SettingsChanged {
                plan,
                output,
                source,
            } => self.change_settings(plan, output, source, now, out),
        }
    }

    fn lose_output(&mut self, id: OutputId, fault: Fault) {
        self.outputs.lose(id, fault);
        if self.outputs.are_missing() {
            self.reopen = Reopen::No; // new ones are set up by the newest settings anyway
        }
    }

    fn count_opens(&mut self, id: OutputId, change: i32, out: &mut Vec<Command>) {
        if self.reopen == Reopen::AfterClose && change < 0 {
            self.reopen = Reopen::WhenUnused;
            self.outputs.ignore_previews();
        }
        if self.outputs.count_opens(id, change) {
            out.push(Command::FindHolders(id));
        }
    }

    fn first_frame(&mut self, generation: Generation, now: Time) {
        let Worker::Open(newest, opened_at) = self.worker else {
            return;
        };
        let Phase::Starting { leave_at, .. } = self.phase else {
            return;
        };
        if newest == generation {
            self.stats.start = Some(now.saturating_sub(opened_at));
            self.phase = match leave_at {
                Some(until) => Phase::Cooldown { since: now, until },
                None => Phase::Live { since: now },
            };
        }
    }

    fn fall_silent(&mut self, generation: Generation, now: Time, out: &mut Vec<Command>) {
        if self.worker.generation() != Some(generation) {
            return;
        }
        match self.phase {
            Phase::Live { .. } => {
                let text = n_("the camera fell silent; trying again");
                self.fail(Fault::new(FaultKind::Stopped, text), now, out);
            }
            Phase::Cooldown { .. } => self.leave(now, out),
            _ => {}
        }
    }

    fn shows_camera(&self) -> bool {
        matches!(self.phase, Phase::Live { .. } | Phase::Cooldown { .. })
    }

    fn worker_failed(
        &mut self,
        generation: Generation,
        fault: Fault,
        now: Time,
        out: &mut Vec<Command>,
    ) {
        if self.worker.generation() == Some(generation) && !self.worker.is_stopping() {
            self.fail(fault, now, out);
        }
    }

    fn worker_exited(&mut self, generation: Generation, now: Time, out: &mut Vec<Command>) {
        if self.worker.generation() != Some(generation) {
            return;
        }
        let expected = self.worker.is_stopping();
        self.worker = Worker::None;
        if !expected {
            let text = n_("the camera's software ended unexpectedly; trying again");
            self.fail(Fault::new(FaultKind::Stopped, text), now, out);
        }
    }

    fn change_settings(
        &mut self,
        plan: Plan,
        output: bool,
        source: bool,
        now: Time,
        out: &mut Vec<Command>,
    ) {
        self.plan = plan;
        self.failures = 0;
        if output {
            self.reopen = Reopen::WhenUnused;
            self.outputs.ignore_previews();
        }
        if source {
            self.source = Source::Searching;
            out.push(Command::FindSource);
            out.extend(self.worker.stop(now));
        }
        match &mut self.phase {
            Phase::Idle => {}
            Phase::Failed { retry_at, .. } => *retry_at = now,
            _ if source => self.phase = Phase::Arming, // the delay has passed if it had before
            Phase::Cooldown { until: end, .. }
            | Phase::Starting {
                leave_at: Some(end),
                ..
            } => {
                *end = (*end).min(now + self.plan.cooldown);
            }
            _ => {}
        }
    }

    /// The camera can't go on: covers, stops the worker, and tries again later if clients stream.
    fn fail(&mut self, fault: Fault, now: Time, out: &mut Vec<Command>) {
        if let Phase::Live { since } = self.phase
            && now >= since + WELL_AFTER
        {
            self.failures = 0;
        }
        out.extend(self.worker.stop(now));
        self.failures += 1;
        let retry_at = now + backoff::wait(self.failures);
        self.phase = Phase::Failed { fault, retry_at };
    }

    /// Moves one phase on; false when nothing more follows from the facts.
    fn advance(&mut self, now: Time, out: &mut Vec<Command>) -> bool {
        let blocked = self.covers.any(&self.plan) || self.outputs.are_missing();
        let before = self.phase.clone();
        match self.phase {
            Phase::Idle if blocked => {}
            _ if blocked => self.leave(now, out),
            Phase::Idle if self.outputs.have_clients() => self.phase = Phase::Arming,
            Phase::Arming => self.advance_arming(now, out),
            Phase::Starting { deadline, leave_at } => {
                self.advance_starting(deadline, leave_at, now, out);
            }
            Phase::Live { since } if !self.outputs.have_clients() => {
                let until = now + self.plan.cooldown;
                self.phase = Phase::Cooldown { since, until };
            }
            Phase::Idle | Phase::Live { .. } => {}
            Phase::Cooldown { since, until } => self.advance_cooldown(since, until, now, out),
            Phase::Failed { retry_at, .. } => self.advance_failed(retry_at, now, out),
        }
        self.phase != before
    }

    /// Back to idle, with the camera closing.
    fn leave(&mut self, now: Time, out: &mut Vec<Command>) {
        self.failures = 0;
        out.extend(self.worker.stop(now));
        self.phase = Phase::Idle;
    }

    fn advance_arming(&mut self, now: Time, out: &mut Vec<Command>) {
        if !self.outputs.have_clients() {
            return self.leave(now, out);
        }
        self.spawn(out);
        if self.arming_deadline().is_some_and(|at| now >= at) {
            self.start(now);
        }
    }

    fn start(&mut self, now: Time) {
        self.phase = Phase::Starting {
            deadline: now + self.plan.start_timeout,
            leave_at: None,
        };
    }

    /// Starts a worker if there is none and a camera to open.
    fn spawn(&mut self, out: &mut Vec<Command>) {
        if self.worker == Worker::None && self.source == Source::Ready {
            self.generation.0 += 1;
            self.worker = Worker::Warm(self.generation);
            out.push(Command::Spawn(self.generation));
        }
    }

    fn advance_starting(
        &mut self,
        deadline: Time,
        leave_at: Option<Time>,
        now: Time,
        out: &mut Vec<Command>,
    ) {
        let leave_at = if self.outputs.have_clients() {
            None
        } else {
            leave_at.or(Some(now + self.plan.cooldown))
        };
        // The time to a picture runs when there is a camera to wait for.
        let deadline = match self.source {
            Source::Searching => now + self.plan.start_timeout,
            _ => deadline,
        };
        self.phase = Phase::Starting { deadline, leave_at };
        if leave_at.is_some_and(|at| now >= at) {
            self.leave(now, out);
        } else if let (Source::Missing(fault), false) = (&self.source, self.worker.is_wanted()) {
            self.fail(fault.clone(), now, out);
        } else if now >= deadline {
            let text = n_(
                "the camera gave no picture in time; it may lack this resolution: choose another, or look at the log",
            );
            self.fail(Fault::new(FaultKind::NoPicture, text), now, out);
        } else if self.outputs.have_clients_now() {
            self.open_camera(now, out);
        }
    }

    /// Gets a start going as far as it can go now: an old worker must have ended first.
    fn open_camera(&mut self, now: Time, out: &mut Vec<Command>) {
        self.spawn(out);
        if let Worker::Warm(generation) = self.worker {
            self.worker = Worker::Open(generation, now);
            self.stats.activations += 1;
            out.push(Command::OpenCamera(generation));
            self.start(now);
        }
    }

    fn advance_cooldown(&mut self, since: Time, until: Time, now: Time, out: &mut Vec<Command>) {
        if self.outputs.have_clients() {
            self.phase = Phase::Live { since };
        } else if now >= until {
            self.leave(now, out);
        }
    }

    fn advance_failed(&mut self, retry_at: Time, now: Time, out: &mut Vec<Command>) {
        if !self.outputs.have_clients() {
            return self.leave(now, out);
        }
        if now < retry_at {
            return;
        }
        let is_gone = self
            .fault()
            .is_some_and(|fault| fault.kind == FaultKind::NoCamera);
        if is_gone || matches!(self.source, Source::Missing(_)) {
            self.source = Source::Searching;
            out.push(Command::FindSource);
        }
        self.start(now);
    }

    /// The placeholder to show, where one is shown.
    fn card(&self) -> Card {
        match (&self.phase, self.fault()) {
            _ if self.covers.any(&self.plan) => Card::Paused,
            (_, Some(fault)) => Card::Failed(fault.kind),
            (Phase::Idle, None) => Card::Off,
            _ => Card::Starting,
        }
    }

    /// The outputs that a worker's frames go to: set before the camera opens, so that the first frame is
    /// shown as soon as it comes.
    fn wanted_route(&self) -> OutputSet {
        let starts = matches!(self.phase, Phase::Starting { .. });
        match self.worker {
            Worker::Open(..) if starts || self.shows_camera() => self.outputs.wanted_route(),
            _ => OutputSet::default(),
        }
    }

    fn settle_outputs(&mut self, out: &mut Vec<Command>) {
        let (camera, card) = (self.shows_camera(), self.card());
        let (before, route) = (self.route, self.wanted_route());
        self.route = route;
        let mut seen = Vec::new();
        if !camera {
            // Until the first frame comes, the card stays where the frames will be.
            seen = self
                .outputs
                .show_card(card, |id| route.contains(id) && !before.contains(id));
        }
        if let Some(generation) = self.worker.generation().filter(|_| before != route) {
            let command = Command::Route(generation, route);
            let opens = |command: &Command| matches!(command, Command::OpenCamera(_));
            match out.iter().position(opens) {
                Some(at) => out.insert(at, command), // behind the worker's start
                None => seen.push(command),
            }
        }
        self.outputs.show_camera(route);
        seen.extend(self.outputs.show_card(card, |id| !route.contains(id)));
        self.outputs.settle_sustain(&mut seen);
        // What clients see goes first: covering waits for nothing, and a process takes a while to start.
        out.splice(..0, seen);
        let unused = !self.outputs.have_clients() && !camera && !self.outputs.are_missing();
        if self.reopen == Reopen::WhenUnused && unused {
            self.reopen = Reopen::No;
            out.push(Command::ReopenOutputs);
        }
    }

    fn settle_timer(&mut self, out: &mut Vec<Command>) {
        let phase = match &self.phase {
            Phase::Idle | Phase::Live { .. } => None,
            Phase::Arming => self.arming_deadline(),
            Phase::Starting { deadline, leave_at } => {
                Some(leave_at.map_or(*deadline, |at| at.min(*deadline)))
            }
            Phase::Cooldown { until, .. } => Some(*until),
            Phase::Failed { retry_at, .. } => Some(*retry_at),
        };
        let deadlines = [phase, self.outputs.deadline(), self.worker.deadline()];
        let wake_at = deadlines.into_iter().flatten().min();
        if self.wake_at != wake_at {
            self.wake_at = wake_at;
            out.push(Command::WakeAt(wake_at));
        }
    }

    /// The end of the activation delay, unless there is no camera to open.
    fn arming_deadline(&self) -> Option<Time> {
        let over_at = self.outputs.delay_over_at(&self.plan);
        over_at.filter(|_| !matches!(self.source, Source::Missing(_)))
    }
}
