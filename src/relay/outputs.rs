//! The outputs, as the core knows them: ready or missing, each with its own clients.
//!
//! All show the same picture. An output without clients, while another has some, gets none of it: it
//! keeps a placeholder for the next client, whose first frame is then live.

use super::demand::Demand;
use super::phase::Shown;
use super::{Card, Client, Command, Fault, FaultKind, Holder, Plan, Time, Watch};
use crate::settings::{MOST_OUTPUTS, Message, n_};

/// Which output: its place in the settings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OutputId(pub u8);

// A set has a bit for every output.
const _: () = assert!(MOST_OUTPUTS <= u8::BITS as usize);

/// Some of the outputs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct OutputSet(u8);

impl OutputSet {
    /// Whether an output is among them.
    pub fn contains(self, id: OutputId) -> bool {
        self.0 & Self::bit(id) != 0
    }

    /// Whether there is none among them.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    fn bit(id: OutputId) -> u8 {
        1_u8.checked_shl(id.0.into()).unwrap_or(0)
    }
}

impl FromIterator<OutputId> for OutputSet {
    fn from_iter<T: IntoIterator<Item = OutputId>>(ids: T) -> Self {
        Self(ids.into_iter().fold(0, |bits, id| bits | Self::bit(id)))
    }
}

/// An output that is there.
#[derive(Clone, Debug)]
struct Output {
    id: OutputId,
    demand: Demand,
    shown: Shown,
    sustained: bool,
    /// Whether the camera's picture goes here when there is one: clients stream, or were the last that
    /// did.
    wants_camera: bool,
}

/// Every output that is wanted.
#[derive(Clone, Debug)]
pub(super) struct Outputs {
    ready: Vec<Output>,
    /// Why the others aren't there, in the order of their ids.
    missing: Vec<(OutputId, Fault)>,
    /// The readers of previews. They outlive the outputs.
    previews: Vec<Client>,
}

impl Outputs {
    /// One output, which is not there yet.
    pub fn new() -> Self {
        let starting = Fault::new(FaultKind::NoOutput, n_("starting"));
        Self {
            ready: Vec::new(),
            missing: vec![(OutputId::default(), starting)],
            previews: Vec::new(),
        }
    }

    /// An output is there, and its clients are yet to be seen.
    pub fn adopt(&mut self, id: OutputId, watch: Watch) {
        self.remove(id);
        let mut demand = Demand::new(watch);
        demand.set_previews(&self.previews);
        self.ready.push(Output {
            id,
            demand,
            shown: Shown::Nothing,
            sustained: false,
            wants_camera: false,
        });
    }

    /// An output is gone, or wasn't found.
    pub fn lose(&mut self, id: OutputId, fault: Fault) {
        self.remove(id);
        let place = self.missing.partition_point(|(other, _)| *other < id);
        self.missing.insert(place, (id, fault));
    }

    /// An output is wanted no more.
    pub fn drop(&mut self, id: OutputId) {
        self.remove(id);
        if self.ready.is_empty() && self.missing.is_empty() {
            let fault = Fault::new(FaultKind::NoOutput, n_("no virtual camera is set"));
            self.missing.push((id, fault));
        }
    }

    fn remove(&mut self, id: OutputId) {
        self.ready.retain(|output| output.id != id);
        self.missing.retain(|(other, _)| *other != id);
    }

    pub fn are_missing(&self) -> bool {
        self.ready.is_empty()
    }

    /// Why there is no output, if there is none.
    pub fn fault(&self) -> Option<&Fault> {
        let (_, fault) = self.missing.first()?;
        self.ready.is_empty().then_some(fault)
    }

    /// What is wrong with outputs, all in one line.
    pub fn missing_fault(&self) -> Option<Fault> {
        let messages = self.missing.iter().map(|(_, fault)| fault.message.clone());
        Message::joined(messages).map(|message| Fault::new(FaultKind::NoOutput, message))
    }

    fn demand(&mut self, id: OutputId) -> Option<&mut Demand> {
        let mut ready = self.ready.iter_mut();
        ready
            .find(|output| output.id == id)
            .map(|output| &mut output.demand)
    }

    fn demands(&self) -> impl Iterator<Item = &Demand> {
        self.ready.iter().map(|output| &output.demand)
    }

    pub fn set_usage(&mut self, id: OutputId, count: u32) {
        if let Some(demand) = self.demand(id) {
            demand.set_usage(count);
        }
    }

    /// Counts opens; whether it is worth a scan for who has the device open.
    pub fn count_opens(&mut self, id: OutputId, change: i32) -> bool {
        self.demand(id).is_some_and(|demand| {
            demand.count_opens(change);
            // Where the driver counts streams, an open alone is a probe, and costs nothing.
            demand.watch() == Watch::Inotify || demand.since().is_some()
        })
    }

    pub fn set_holders(&mut self, id: OutputId, holders: Option<Vec<Holder>>) {
        if let Some(demand) = self.demand(id) {
            demand.set_holders(holders);
        }
    }

    /// A preview shows what clients would see: it counts for every output.
    pub fn set_previews(&mut self, readers: &[Client]) {
        self.previews = readers.to_vec();
        for output in &mut self.ready {
            output.demand.set_previews(readers);
        }
    }

    /// The outputs are to be set up anew: previews would hold them as they are.
    pub fn ignore_previews(&mut self) {
        for output in &mut self.ready {
            output.demand.ignore_previews();
        }
    }

    /// Asks about known holders where it is time to.
    pub fn check_holders(&self, now: Time, out: &mut Vec<Command>) {
        for Output { id, demand, .. } in &self.ready {
            if demand.poll_at.is_some_and(|at| now >= at) {
                out.push(Command::CheckHolders(*id, demand.pids()));
            }
        }
    }

    /// Draws conclusions from the signs and the time.
    pub fn settle(&mut self, plan: &Plan, now: Time) {
        for output in &mut self.ready {
            output.demand.settle(plan, now);
        }
        if self.have_clients() {
            for output in &mut self.ready {
                output.wants_camera = output.demand.since().is_some();
            }
        }
    }

    /// Whether clients stream, short interruptions included.
    pub fn have_clients(&self) -> bool {
        self.demands().any(|demand| demand.since().is_some())
    }

    /// Whether a client streams at this moment.
    pub fn have_clients_now(&self) -> bool {
        self.demands().any(Demand::is_active)
    }

    /// When the first activation delay is over, of those clients that are there at this moment: one
    /// in the gap of a debounce may be gone for good.
    pub fn delay_over_at(&self, plan: &Plan) -> Option<Time> {
        self.demands()
            .filter(|demand| demand.is_active())
            .filter_map(|demand| Some(demand.since()? + plan.activation_delay(demand.watch())))
            .min()
    }

    /// When [`settle`](Self::settle) may conclude something new.
    pub fn deadline(&self) -> Option<Time> {
        self.demands().filter_map(Demand::deadline).min()
    }

    /// Where the camera's frames belong.
    pub fn wanted_route(&self) -> OutputSet {
        let wanting = self.ready.iter().filter(|output| output.wants_camera);
        wanting.map(|output| output.id).collect()
    }

    /// Leaves these outputs to the camera.
    pub fn show_camera(&mut self, route: OutputSet) {
        for output in &mut self.ready {
            if route.contains(output.id) {
                output.shown = Shown::Camera;
            }
        }
    }

    /// Shows the card on every output of the chosen ones that doesn't show it.
    pub fn show_card(&mut self, card: Card, chosen: impl Fn(OutputId) -> bool) -> Vec<Command> {
        let wrong = self
            .ready
            .iter_mut()
            .filter(|output| chosen(output.id) && output.shown != Shown::Card(card));
        let show = |output: &mut Output| {
            output.shown = Shown::Card(card);
            Command::Show(output.id, card)
        };
        wrong.map(show).collect()
    }

    /// Keeps frames coming where clients stream, or may be about to.
    pub fn settle_sustain(&mut self, out: &mut Vec<Command>) {
        for output in &mut self.ready {
            let sustained = output.demand.since().is_some() || output.demand.has_unconfirmed_open();
            if output.sustained != sustained {
                output.sustained = sustained;
                out.push(Command::Sustain(output.id, sustained));
            }
        }
    }

    /// The clients that get a stream, and those that only have a device open beside them; each once,
    /// whatever outputs they use.
    pub fn clients(&self) -> (Vec<Client>, Vec<Client>) {
        let (mut clients, mut waiting) = (Vec::new(), Vec::new());
        for demand in self.demands() {
            let (streaming, others) = demand.clients();
            clients.extend(streaming);
            waiting.extend(others);
        }
        for list in [&mut clients, &mut waiting] {
            list.sort_by(|one, other| (one.pid, &one.name).cmp(&(other.pid, &other.name)));
            list.dedup_by(|one, other| one.is(other));
        }
        waiting.retain(|client| !clients.iter().any(|other| other.is(client)));
        (clients, waiting)
    }
}
