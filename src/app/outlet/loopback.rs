//! A device as an output: its clients, and the wait for it to be free.

use std::cell::RefCell;
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::path::Path;
use std::rc::Rc;
use std::time::Instant;

use glib::{ControlFlow, IOCondition};

use super::{Outlet, Signs, Watched, lost};
use crate::clients::{NodeWatch, Traffic, UsageEvent};
use crate::output::{self, Follower, Output};
use crate::relay::{Event, Watch};
use crate::settings::OutputKind;

impl Outlet {
    /// Watches over every node that may become the output.
    pub(super) fn watch_nodes(&self) -> Vec<NodeWatch> {
        let nodes = match (self.spec.kind, &self.spec.device) {
            (OutputKind::Vcam | OutputKind::Pipewire, _) => Vec::new(),
            (_, Some(path)) => vec![path.clone()],
            (_, None) => output::nodes(),
        };
        nodes
            .iter()
            .filter_map(|node| NodeWatch::new(node).ok())
            .collect()
    }

    /// Tries again when somebody closes one of these.
    pub(super) fn wait_for(&mut self, nodes: Vec<NodeWatch>) {
        let waiting = nodes.into_iter().map(|node| self.wait_for_one(node));
        self.waiting = waiting.collect();
    }

    fn wait_for_one(&self, mut watch: NodeWatch) -> Watched {
        let retry = self.later();
        let fd = watch.as_fd().as_raw_fd();
        let source = glib_unix::unix_fd_add_local(fd, IOCondition::IN, move |_, _| {
            if let Ok(Traffic { closes: 0, .. }) = watch.read() {
                return ControlFlow::Continue;
            }
            retry();
            ControlFlow::Break
        });
        Watched::new(source)
    }

    /// Watches for clients by the driver's word where it has one, and by opens where not.
    pub(super) fn watch_device(&self, output: &Rc<RefCell<Output>>) -> io::Result<Signs> {
        let place = output.borrow().place();
        let node = NodeWatch::new(Path::new(&place))?;
        let usage = output.borrow().device().and_then(UsageEvent::subscribe);
        Ok(Signs {
            watch: match usage {
                Some(_) => Watch::UsageEvent,
                None => Watch::Inotify,
            },
            usage,
            sources: vec![self.watch_node(node, usage, output)],
        })
    }

    /// A hand for a thread that shows frames here, where there is a way. Without the driver's word on its
    /// clients they are looked for nearly as often as frames come: there it would gain nothing.
    pub fn follower(&self) -> Option<Follower> {
        let open = self.open.as_ref().filter(|open| open.usage.is_some())?;
        open.output.borrow().follower()
    }

    /// Leaves the device to that thread.
    pub fn step_back(&mut self) {
        if let Some(open) = &mut self.open {
            open.listener = None;
            if let Some(pulse) = &open.pulse {
                pulse.rest();
            }
        }
    }

    /// Takes the device over again; its last frame was shown then.
    pub fn take_over(&mut self, last: Instant) {
        let Some(open) = self.open.as_ref().filter(|open| open.listener.is_none()) else {
            return;
        };
        let Some(listener) = self.listen(open.usage, &open.output) else {
            return; // there is nothing to hear, so it was never left
        };
        if let Some(pulse) = &open.pulse {
            pulse.after_frame_at(last);
        }
        if let Some(open) = &mut self.open {
            open.listener = Some(listener);
        }
    }

    /// Opens and closes are clients where the driver doesn't tell; where it does, a close is the
    /// moment to ask it again, so that a verdict that was missed can't stick.
    fn watch_node(
        &self,
        mut node: NodeWatch,
        usage: Option<UsageEvent>,
        output: &Rc<RefCell<Output>>,
    ) -> Watched {
        let (id, events) = (self.id, self.events.clone());
        let output = Rc::downgrade(output); // it may be set up anew from here, within the event
        let fd = node.as_fd().as_raw_fd();
        let source = glib_unix::unix_fd_add_local(fd, IOCondition::IN, move |_, _| {
            let Ok(traffic) = node.read() else {
                return ControlFlow::Break;
            };
            if traffic.opens > 0 {
                events.send(Event::Opens(id, traffic.opens));
            }
            if traffic.closes > 0 {
                if let (Some(usage), Some(output)) = (usage, output.upgrade()) {
                    ask_again(usage, &output.borrow());
                }
                events.send(Event::Opens(id, -traffic.closes));
            }
            ControlFlow::Continue
        });
        Watched::new(source)
    }

    /// Listens to the driver, where it has something to say.
    pub(super) fn listen(
        &self,
        usage: Option<UsageEvent>,
        output: &Rc<RefCell<Output>>,
    ) -> Option<Watched> {
        let usage = usage?;
        let (id, events) = (self.id, self.events.clone());
        let fd = output.borrow().device()?.file().as_raw_fd();
        let output = Rc::downgrade(output);
        let source = glib_unix::unix_fd_add_local(fd, IOCondition::PRI, move |_, _| {
            let Some(output) = output.upgrade() else {
                return ControlFlow::Break;
            };
            let read = output
                .borrow()
                .device()
                .map_or(Ok(None), |device| usage.read(device));
            let (event, then) = match read {
                Ok(Some(count)) => (Event::Usage(id, count), ControlFlow::Continue),
                Ok(None) => return ControlFlow::Continue,
                Err(error) => {
                    let fault = lost(&output.borrow(), &error);
                    (Event::OutputLost(id, fault), ControlFlow::Break)
                }
            };
            drop(output);
            events.send(event);
            then
        });
        Some(Watched::new(source))
    }
}

fn ask_again(usage: UsageEvent, output: &Output) {
    if let Some(Err(error)) = output.device().map(|device| usage.ask_again(device)) {
        tracing::debug!("asking for the clients again: {error}");
    }
}

/// Tries something that opens these, and once more if it failed and somebody closed one meanwhile. What
/// has happened to them so far is forgotten.
pub(super) fn attempt<T>(
    nodes: &mut [NodeWatch],
    mut act: impl FnMut() -> T,
    succeeded: impl FnOnce(&T) -> bool,
) -> T {
    let result = act();
    if are_freed(nodes) && !succeeded(&result) {
        return act();
    }
    result
}

/// Whether somebody closed one of these who was there before: our own attempt opens and closes alike,
/// one more close is another writer's.
fn are_freed(nodes: &mut [NodeWatch]) -> bool {
    let is_freed = |node: &mut NodeWatch| {
        let traffic = node.read();
        traffic.is_ok_and(|traffic| traffic.closes > traffic.opens)
    };
    // Each is read, whatever the others tell.
    nodes
        .iter_mut()
        .fold(false, |any, node| is_freed(node) | any)
}
