//! Whether clients stream, from three unreliable signals: the driver's count, opens of the node, /proc.
//!
//! No wrong conclusion lasts, because each signal is corrected by another: the driver's count is read
//! again whenever the node is closed, opens are counted anew whenever /proc shows that no process has
//! the node open, and a holder found in /proc is checked until it is gone.

use super::{Client, Holder, Plan, Time, Watch};

/// The clients of an output.
#[derive(Clone, Debug)]
pub(super) struct Demand {
    watch: Watch,
    /// Streaming clients by the driver's count.
    usage: u32,
    /// Opens minus closes of the node; only believed where /proc can't be read.
    opens: i32,
    /// Other processes that have the node open; `None` where /proc can't be read.
    holders: Option<Vec<Holder>>,
    /// The readers of previews.
    previews: Vec<Client>,
    /// Whether previews don't count, because the output is to be set up anew: they would hold it as
    /// it is, and can follow it.
    previews_ignored: bool,
    /// Since when clients stream, short interruptions included.
    since: Option<Time>,
    /// When the last client will be believed to be gone.
    gone_at: Option<Time>,
    /// When the known holders are to be checked next.
    pub poll_at: Option<Time>,
}

impl Demand {
    /// A demand about which nothing is known yet.
    pub fn new(watch: Watch) -> Self {
        Self {
            watch,
            usage: 0,
            opens: 0,
            holders: Some(Vec::new()),
            previews: Vec::new(),
            previews_ignored: false,
            since: None,
            gone_at: None,
            poll_at: None,
        }
    }

    /// How clients are noticed.
    pub fn watch(&self) -> Watch {
        self.watch
    }

    pub fn set_usage(&mut self, count: u32) {
        self.usage = count;
    }

    pub fn set_previews(&mut self, readers: &[Client]) {
        self.previews = readers.to_vec();
    }

    pub fn ignore_previews(&mut self) {
        self.previews_ignored = true;
    }

    pub fn count_opens(&mut self, change: i32) {
        self.opens = self.opens.saturating_add(change).max(0);
    }

    pub fn set_holders(&mut self, holders: Option<Vec<Holder>>) {
        self.holders = holders.map(|mut holders| {
            holders.retain(|holder| !holder.ours);
            holders
        });
        if self.holders.as_ref().is_some_and(Vec::is_empty) {
            self.opens = 0; // whatever drifted: no process has it open
        }
    }

    /// Whether a client streams at this moment.
    pub fn is_active(&self) -> bool {
        let seen = match (self.watch, &self.holders) {
            (Watch::UsageEvent | Watch::VcamWait | Watch::Pipewire, _) => self.usage > 0,
            (Watch::Inotify, Some(holders)) => !holders.is_empty(),
            (Watch::Inotify, None) => self.opens > 0,
        };
        seen || !self.previews().is_empty()
    }

    /// Whether an open was seen that the scan of /proc is yet to confirm: it takes longer than a
    /// streaming client can be without a frame.
    pub fn has_unconfirmed_open(&self) -> bool {
        self.watch == Watch::Inotify && self.opens > 0
    }

    /// The previews that count.
    fn previews(&self) -> &[Client] {
        if self.previews_ignored {
            &[]
        } else {
            &self.previews
        }
    }

    /// Since when clients stream; a gap shorter than the debounce doesn't count.
    pub fn since(&self) -> Option<Time> {
        self.since
    }

    /// Draws conclusions from the signals and the time.
    pub fn settle(&mut self, plan: &Plan, now: Time) {
        if self.is_active() {
            self.since.get_or_insert(now);
            self.gone_at = None;
        } else if self.since.is_some() {
            let gone_at = *self.gone_at.get_or_insert(now + plan.debounce);
            if now >= gone_at {
                self.since = None;
                self.gone_at = None;
            }
        }
        let polled = self.watch == Watch::Inotify && !self.pids().is_empty();
        self.poll_at = polled.then(|| match self.poll_at {
            Some(at) if at > now => at,
            _ => now + plan.poll_interval,
        });
    }

    /// The next time at which [`settle`](Self::settle) may conclude something new.
    pub fn deadline(&self) -> Option<Time> {
        self.gone_at.into_iter().chain(self.poll_at).min()
    }

    /// The process ids of everybody who has the node open.
    pub fn pids(&self) -> Vec<u32> {
        self.holders
            .iter()
            .flatten()
            .map(|holder| holder.pid)
            .collect()
    }

    /// Who gets the stream, and who only has the node open beside them. A streaming client has the
    /// driver's buffers mapped; where none has (`read()` or user pointers), all may be streaming.
    pub fn clients(&self) -> (Vec<Client>, Vec<Client>) {
        if self.since.is_none() {
            return (Vec::new(), Vec::new());
        }
        let mut holders: Vec<_> = self.holders.iter().flatten().collect();
        holders.sort_by_key(|holder| holder.pid);
        let client = |holder: &&Holder| Client {
            pid: holder.pid,
            name: holder.name.clone(),
        };
        let some_mapped = holders.iter().any(|holder| holder.mapped);
        let (streaming, waiting): (Vec<_>, Vec<_>) = holders
            .into_iter()
            .partition(|holder| holder.mapped || !some_mapped);
        let streaming = streaming.iter().map(client);
        (
            streaming.chain(self.previews().iter().cloned()).collect(),
            waiting.iter().map(client).collect(),
        )
    }
}
