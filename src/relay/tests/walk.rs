//! A random walk over all events, with the promises of the relay checked after every step.

use proptest::prelude::*;

use super::moves::{MOST_OUTPUTS, Move, moves};
use super::*;

/// How long a worker's end may take. A machine that goes to sleep waits no longer, either: it is
/// logind's default.
const STOP_LIMIT: Duration = Duration::from_secs(5);

/// An output as the world knows it.
#[derive(Clone, Copy, Debug)]
struct Virtual {
    watch: Watch,
    ready: bool,
    usage: u32,
    opens: i32,
    holders: Option<u8>,
    /// When somebody last looked at it.
    looked_at: Option<Time>,
    /// Whether the last thing shown was the camera.
    is_live: bool,
}

impl Virtual {
    fn new(watch: Watch) -> Self {
        Self {
            watch,
            ready: false,
            usage: 0,
            opens: 0,
            holders: Some(0),
            looked_at: None,
            is_live: false,
        }
    }

    /// Starts anew, there or gone.
    fn renew(&mut self, ready: bool) {
        let watch = self.watch;
        *self = Self {
            ready,
            ..Self::new(watch)
        };
    }

    fn has_client(&self) -> bool {
        let seen = match (self.watch, self.holders) {
            (Watch::UsageEvent | Watch::VcamWait | Watch::Pipewire, _) => self.usage > 0,
            (Watch::Inotify, Some(mask)) => mask & 6 != 0,
            (Watch::Inotify, None) => self.opens > 0,
        };
        self.ready && seen
    }
}

/// A machine that waits to sleep, or sleeps.
#[derive(Clone, Copy, Debug)]
struct Sleep {
    /// When it must be allowed to.
    limit: Time,
    allowed: bool,
}

/// The world around the relay: what it was told, and what it did.
struct World {
    state: State,
    plan: Plan,
    now: Time,
    /// For how long no timer could fire since somebody last looked.
    late: Duration,
    wake_at: Option<Time>,
    /// The living worker, and whether it was told to open the camera.
    worker: Option<(Generation, bool)>,
    stopping: bool,
    /// Where the worker's frames go.
    route: OutputSet,
    /// The worker whose first frame was reported last.
    reported: Generation,
    newest: Generation,
    outputs: Vec<Virtual>,
    paused: bool,
    locked: bool,
    sleep: Option<Sleep>,
    previews: u32,
    /// When somebody last looked.
    looked_at: Option<Time>,
}

impl World {
    fn new(watches: &[Watch]) -> Self {
        let plan = plan();
        Self {
            state: State::new(plan.clone(), false),
            plan,
            now: Time::ZERO,
            late: Duration::ZERO,
            wake_at: None,
            worker: None,
            stopping: false,
            route: OutputSet::default(),
            reported: Generation::default(),
            newest: Generation::default(),
            outputs: watches.iter().map(|watch| Virtual::new(*watch)).collect(),
            paused: false,
            locked: false,
            sleep: None,
            previews: 0,
            looked_at: None,
        }
    }

    fn go(&mut self, step: Move) {
        let event = match step {
            Move::Pass(ms) => return self.pass(Duration::from_millis(ms)),
            Move::Late(ms) => {
                self.now += Duration::from_millis(ms);
                self.late += Duration::from_millis(ms);
                if let Some(sleep) = &mut self.sleep {
                    sleep.limit += Duration::from_millis(ms);
                }
                return self.mark_looked();
            }
            Move::Usage(id, count) => {
                let (id, output) = self.output(id);
                output.usage = count;
                Event::Usage(id, count)
            }
            Move::Opens(id, change) => {
                let (id, output) = self.output(id);
                output.opens = (output.opens + change).max(0);
                Event::Opens(id, change)
            }
            Move::Holders(id, mask) => {
                let (id, output) = self.output(id);
                output.holders = mask;
                if mask.is_some_and(|mask| mask & 6 == 0) {
                    output.opens = 0;
                }
                // Bit 0 is ourselves.
                let pids = mask.map(|mask| (0..3).filter(move |bit| mask >> bit & 1 == 1));
                Event::Holders(
                    id,
                    pids.map(|pids| pids.map(|bit| holder(bit + 1)).collect()),
                )
            }
            Move::Previews(count) => {
                self.previews = count;
                Event::Previews((0..count).map(reader).collect())
            }
            Move::Frame => return self.frame(),
            Move::Silent => Event::Silent(self.newest),
            Move::WorkerFails => {
                Event::WorkerFailed(self.newest, Fault::new(FaultKind::Other, "why"))
            }
            Move::WorkerExits => return self.exit(),
            Move::Pause => {
                self.paused = true;
                Event::Pause
            }
            Move::Resume => {
                self.paused = false;
                Event::Resume
            }
            Move::Lock(locked) => {
                self.locked = locked;
                if locked { Event::Lock } else { Event::Unlock }
            }
            Move::Sleep => {
                self.sleep.get_or_insert(Sleep {
                    limit: self.now + STOP_LIMIT,
                    allowed: false,
                });
                Event::Sleep
            }
            Move::Awake => {
                self.sleep = None;
                Event::Awake
            }
            Move::OutputLost(id) => {
                let (id, output) = self.output(id);
                output.renew(false);
                Event::OutputLost(id, Fault::new(FaultKind::NoOutput, "gone"))
            }
            Move::OutputReady(id) => {
                let (id, output) = self.output(id);
                output.renew(true);
                Event::OutputReady(id, output.watch)
            }
            Move::OutputDropped(id) => {
                let (id, output) = self.output(id);
                output.renew(false);
                Event::OutputDropped(id)
            }
            Move::OutputPinned => Event::OutputPinned,
            Move::BetterOutput => Event::BetterOutput,
            Move::SourceReady => Event::SourceReady,
            Move::SourceMissing => Event::SourceMissing(Fault::new(FaultKind::NoCamera, "none")),
            Move::Settings {
                output,
                source,
                cover_when_locked,
            } => {
                self.plan.cover_when_locked = cover_when_locked;
                Event::SettingsChanged {
                    plan: self.plan.clone(),
                    output,
                    source,
                }
            }
        };
        self.step(event);
    }

    /// The output meant by a move; nothing is known of one that isn't there.
    fn output(&mut self, id: u8) -> (OutputId, &mut Virtual) {
        let id = id % u8::try_from(self.outputs.len()).expect("a few outputs");
        let output = &mut self.outputs[usize::from(id)];
        if !output.ready {
            output.renew(false);
        }
        (OutputId(id), output)
    }

    fn is_covered(&self) -> bool {
        self.paused || self.locked && self.plan.cover_when_locked || self.sleep.is_some()
    }

    fn is_ready(&self) -> bool {
        self.outputs.iter().any(|output| output.ready)
    }

    fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        while let Some(at) = self.wake_at.take_if(|at| *at <= until) {
            self.now = self.now.max(at);
            self.step(Event::Wake);
        }
        self.now = until;
        self.mark_looked();
    }

    /// The pump shows a frame along the route, and reports the first.
    fn frame(&mut self) {
        let Some((_, true)) = self.worker else {
            self.step(Event::FirstFrame(self.newest));
            return;
        };
        let mut is_shown = false;
        for (id, output) in (0..).map(OutputId).zip(&mut self.outputs) {
            let gets = self.route.contains(id);
            assert!(output.ready || !gets, "shows nothing on what isn't there");
            output.is_live |= gets;
            is_shown |= gets;
        }
        assert!(!is_shown || !self.is_covered(), "shows only what it may");
        if is_shown && std::mem::replace(&mut self.reported, self.newest) != self.newest {
            self.step(Event::FirstFrame(self.newest));
        }
    }

    fn exit(&mut self) {
        if self.worker.take().is_some() {
            self.stopping = false;
            self.route = OutputSet::default();
            self.step(Event::WorkerExited(self.newest));
        }
    }

    fn looks(&self) -> bool {
        self.outputs.iter().any(Virtual::has_client) || self.previews > 0 && self.is_ready()
    }

    fn mark_looked(&mut self) {
        if self.looks() {
            self.looked_at = Some(self.now);
            self.late = Duration::ZERO;
        }
        for output in &mut self.outputs {
            if output.has_client() || self.previews > 0 {
                output.looked_at = Some(self.now);
            }
        }
    }

    fn step(&mut self, event: Event) -> Vec<Command> {
        self.mark_looked();
        let commands = self.state.step(event, self.now);
        let mut killed = false;
        for command in &commands {
            killed |= self.execute(command);
        }
        self.check();
        if killed {
            self.exit(); // nothing survives SIGKILL
        }
        commands
    }

    /// Carries out a command, as far as this model goes; returns whether it killed the worker.
    fn execute(&mut self, command: &Command) -> bool {
        match command {
            Command::WakeAt(at) => self.wake_at = *at,
            Command::Spawn(generation) => {
                assert!(self.worker.is_none(), "a camera has one owner");
                assert!(self.sleep.is_none(), "no worker while the machine sleeps");
                assert!(*generation > self.newest, "generations grow");
                self.newest = *generation;
                self.worker = Some((*generation, false));
                self.stopping = false;
                self.route = OutputSet::default();
            }
            Command::OpenCamera(generation) => {
                assert_eq!(
                    self.worker,
                    Some((*generation, false)),
                    "opens its own worker once"
                );
                assert!(!self.stopping && !self.is_covered() && self.is_ready());
                assert!(self.looks(), "a camera opens only for somebody");
                self.worker = Some((*generation, true));
            }
            Command::Stop(generation, how) => {
                assert_eq!(self.worker.map(|worker| worker.0), Some(*generation));
                self.stopping = true;
                return *how == StopHow::Kill;
            }
            Command::Route(generation, to) => {
                let worker = self.worker.expect("a route has a worker");
                assert_eq!(worker.0, *generation);
                if !to.is_empty() {
                    assert!(
                        !self.is_covered() && !self.stopping,
                        "shows only what it may"
                    );
                }
                self.route = *to;
            }
            Command::Show(id, _) => {
                assert!(!self.route.contains(*id), "a frame would replace the card");
                self.outputs[usize::from(id.0)].is_live = false;
            }
            Command::AllowSleep => {
                assert!(self.worker.is_none(), "the camera is closed before that");
                let sleep = self.sleep.as_mut().expect("the machine waits");
                assert!(!sleep.allowed, "once is enough");
                sleep.allowed = true;
            }
            _ => {}
        }
        false
    }

    /// While somebody looks at one output, the camera isn't shown on another that nobody looks at.
    fn check_the_unwatched(&self) {
        if !self.looks() {
            return;
        }
        for output in self.outputs.iter().filter(|output| output.is_live) {
            let looked_at = output.looked_at.expect("somebody looked once");
            let limit = looked_at + self.plan.debounce;
            assert!(self.now <= limit, "the camera's picture for nobody");
        }
    }

    /// A machine sleeps without a worker, and waits no longer than that takes.
    fn check_sleep(&self) {
        let Some(sleep) = self.sleep else { return };
        assert_eq!(sleep.allowed, self.worker.is_none());
        assert!(
            sleep.allowed || self.now <= sleep.limit,
            "the machine waits for nothing"
        );
    }

    fn check(&self) {
        let status = self.state.status();
        let open = self.worker.is_some_and(|(_, open)| open);
        assert_eq!(status.camera_open, open);
        let camera_shown = self.outputs.iter().any(|output| output.is_live);
        if self.is_covered() || !self.is_ready() {
            assert!(
                self.worker.is_none() || self.stopping,
                "the stop is ordered at once"
            );
            assert!(!camera_shown, "and the picture is cut");
        }
        let paused = status.state == StateName::Paused;
        assert_eq!(paused, self.is_covered() && self.is_ready());
        self.check_sleep();
        self.check_the_unwatched();
        let live = matches!(status.state, StateName::Live | StateName::Cooldown);
        assert!(
            !camera_shown || live,
            "the camera's picture in {:?}",
            status.state
        );
        if live {
            for (id, output) in (0..).map(OutputId).zip(&self.outputs) {
                let is_routed = self.route.contains(id);
                assert!(
                    is_routed || !output.has_client(),
                    "{id:?} misses its frames"
                );
            }
        } else if !matches!(status.state, StateName::Starting) {
            assert!(self.route.is_empty(), "a route in {:?}", status.state);
        }
        let way_out = match status.state {
            StateName::Idle | StateName::Paused => true,
            StateName::Failed => status.error.is_some(),
            _ => self.wake_at.is_some() || self.worker.is_some(),
        };
        assert!(way_out, "{:?} leads nowhere", status.state);
        assert!(
            self.wake_at.is_none_or(|at| at > self.now),
            "a timer in the past spins"
        );
        if open {
            let limit = self.plan.debounce + self.plan.cooldown + STOP_LIMIT;
            let limit = limit + self.late;
            let looked_at = self.looked_at.expect("somebody looked once");
            assert!(
                self.now <= looked_at + limit,
                "the camera is open for nobody"
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 500,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// 500 walks of 50 to 150 steps: 50,000 steps on average, half of them with two outputs.
    #[test]
    fn promises_hold_on_every_path(
        watches in prop::collection::vec(watch(), 1..=usize::from(MOST_OUTPUTS)),
        steps in prop::collection::vec(moves(), 50..150),
    ) {
        let mut world = World::new(&watches);
        world.go(Move::OutputReady(0));
        world.go(Move::SourceReady);
        for step in steps {
            world.go(step);
        }
    }
}

fn watch() -> impl Strategy<Value = Watch> {
    prop_oneof![
        Just(Watch::UsageEvent),
        Just(Watch::Inotify),
        Just(Watch::Pipewire)
    ]
}
