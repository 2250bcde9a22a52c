//! Finding out which processes have an output's device open.

use std::cell::{Cell, RefCell};
use std::path::Path;
use std::rc::Rc;

use super::Applet;
use super::latest::Latest;
use crate::clients::{find_holders, still_holding};
use crate::relay::{Event, Holder, OutputId};
use crate::settings::MOST_OUTPUTS;

/// Scans of /proc, in the order in which they began.
#[derive(Default)]
pub struct Scans {
    numbers: Latest,
    /// The newest scan of each output that has ended.
    newest: RefCell<[u64; MOST_OUTPUTS]>,
    /// Scans that have not ended yet.
    under_way: Cell<usize>,
}

/// Scans at a time. Where there are more, some process holds them up, and more wouldn't help.
const MOST_SCANS: usize = 8;

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
    /// Finds every process that has the output's node open.
    pub(super) fn find_holders(self: &Rc<Self>, id: OutputId) {
        self.scan(id, find_holders);
    }

    /// Checks whether these still have it open. It is done often: not before the last time is over.
    pub(super) fn check_holders(self: &Rc<Self>, id: OutputId, pids: &[u32]) {
        if self.scans.under_way.get() > 0 {
            return;
        }
        let pids = pids.to_owned();
        self.scan(id, move |node| still_holding(node, &pids));
    }

    /// Scans /proc on another thread: it may have thousands of entries, and a process that hangs can
    /// block the thread that reads its memory map. The thread ends with the scan; one of GLib's pool would
    /// stay and wake up twice a second.
    fn scan(
        self: &Rc<Self>,
        id: OutputId,
        scan: impl FnOnce(&Path) -> Option<Vec<Holder>> + Send + 'static,
    ) {
        let Some(node) = self.flow.outputs.borrow().node(id) else {
            return; // PipeWire reports them by itself
        };
        let under_way = self.scans.under_way.get();
        if under_way >= MOST_SCANS {
            return tracing::debug!("{under_way} scans of /proc have not ended yet");
        }
        let number = self.scans.numbers.begin();
        let (found, result) = async_channel::bounded(1);
        let thread = std::thread::Builder::new().name("holders".to_owned());
        let thread = thread.spawn(move || found.send_blocking(scan(&node)));
        if let Err(error) = thread {
            return tracing::warn!("cannot find out who uses the camera: {error}");
        }
        self.scans.under_way.set(under_way + 1);
        let applet = Rc::downgrade(self);
        glib::spawn_future_local(async move {
            let holders = result.recv().await;
            let Some(applet) = applet.upgrade() else {
                return;
            };
            applet.scans.under_way.update(|count| count - 1);
            if let Ok(holders) = holders
                && applet.scans.is_newest(number, id)
            {
                applet.events.send(Event::Holders(id, holders));
            }
        });
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
