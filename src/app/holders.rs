//! Finding out which processes have an output's device open.

use std::cell::RefCell;
use std::rc::Rc;

use super::Applet;
use super::latest::Latest;
use crate::clients::{find_holders, still_holding};
use crate::relay::{Event, OutputId};
use crate::settings::MOST_OUTPUTS;

/// Scans of /proc, in the order in which they began.
#[derive(Default)]
pub struct Scans {
    numbers: Latest,
    /// The newest scan of each output that has ended.
    newest: RefCell<[u64; MOST_OUTPUTS]>,
}

impl Scans {
    /// Whether the result of a scan is the newest: one that began earlier may end later, and would
    /// replace a newer one's.
    fn is_newest(&self, scan: u64, id: OutputId) -> bool {
        let mut newest = self.newest.borrow_mut();
        let last = newest.get_mut(usize::from(id.0));
        last.is_some_and(|last| scan > std::mem::replace(last, scan.max(*last)))
    }
}

impl Applet {
    /// Scans /proc on another thread: it may have thousands of entries. The thread ends with the
    /// scan; one of GLib's pool would stay and wake up twice a second.
    pub(super) fn find_holders(self: &Rc<Self>, id: OutputId) {
        let Some(node) = self.flow.outputs.borrow().node(id) else {
            return; // PipeWire reports them by itself
        };
        let number = self.scans.numbers.begin();
        let (found, result) = async_channel::bounded(1);
        let scan = std::thread::Builder::new().name("holders".to_owned());
        let scan = scan.spawn(move || found.send_blocking(find_holders(&node)));
        if let Err(error) = scan {
            return tracing::warn!("cannot find out who uses the camera: {error}");
        }
        let applet = Rc::downgrade(self);
        glib::spawn_future_local(async move {
            if let (Ok(holders), Some(applet)) = (result.recv().await, applet.upgrade())
                && applet.scans.is_newest(number, id)
            {
                applet.events.send(Event::Holders(id, holders));
            }
        });
    }

    /// Checks whether these still have it open.
    pub(super) fn check_holders(&self, id: OutputId, pids: &[u32]) {
        let node = self.flow.outputs.borrow().node(id);
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
    fn the_result_of_an_older_scan_is_ignored() {
        let scans = Scans::default();
        let (here, there) = (OutputId(0), OutputId(1));
        let [first, second, third] = [(); 3].map(|()| scans.numbers.begin());
        assert!(scans.is_newest(second, here));
        assert!(!scans.is_newest(first, here));
        assert!(scans.is_newest(first, there));
        assert!(!scans.is_newest(second, here));
        assert!(scans.is_newest(third, here));
    }
}
