//! Looking who has an output's device open.

use std::cell::RefCell;
use std::rc::Rc;

use super::Applet;
use super::turns::Turns;
use crate::clients::{find_holders, still_holding};
use crate::relay::{Event, OutputId};
use crate::settings::MOST_OUTPUTS;

/// Walks through /proc, in the order in which they began.
#[derive(Default)]
pub struct Walks {
    turns: Turns,
    /// The walk that told the last of each output.
    heard: RefCell<[u64; MOST_OUTPUTS]>,
}

impl Walks {
    /// Whether what a walk found is news: one that began earlier may end later, and would take back
    /// what is known by then.
    fn is_news(&self, walk: u64, id: OutputId) -> bool {
        let mut heard = self.heard.borrow_mut();
        let last = heard.get_mut(usize::from(id.0));
        last.is_some_and(|last| walk > std::mem::replace(last, walk.max(*last)))
    }
}

impl Applet {
    /// Walks /proc on another thread: it may have thousands of entries. The thread ends with the
    /// walk; one of GLib's pool would linger and wake up twice a second.
    pub(super) fn find_holders(self: &Rc<Self>, id: OutputId) {
        let Some(node) = self.outlets.borrow().node(id) else {
            return; // PipeWire tells by itself
        };
        let number = self.walks.turns.begin();
        let (found, result) = async_channel::bounded(1);
        let walk = std::thread::Builder::new().name("holders".to_owned());
        let walk = walk.spawn(move || found.send_blocking(find_holders(&node)));
        if let Err(error) = walk {
            return tracing::warn!("cannot look who uses the camera: {error}");
        }
        let applet = Rc::downgrade(self);
        glib::spawn_future_local(async move {
            if let (Ok(holders), Some(applet)) = (result.recv().await, applet.upgrade())
                && applet.walks.is_news(number, id)
            {
                applet.events.send(Event::Holders(id, holders));
            }
        });
    }

    /// Looks whether these still have it open.
    pub(super) fn check_holders(&self, id: OutputId, pids: &[u32]) {
        let node = self.outlets.borrow().node(id);
        if let Some(node) = node {
            let holders = still_holding(&node, pids);
            self.events.send(Event::Holders(id, holders));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_walk_that_began_earlier_tells_nothing_new() {
        let walks = Walks::default();
        let (here, there) = (OutputId(0), OutputId(1));
        let [first, second, third] = [(); 3].map(|()| walks.turns.begin());
        assert!(walks.is_news(second, here));
        assert!(!walks.is_news(first, here));
        assert!(walks.is_news(first, there));
        assert!(!walks.is_news(second, here));
        assert!(walks.is_news(third, here));
    }
}
