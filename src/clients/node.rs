//! Opens and closes of a device node.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;

use inotify::{EventMask, Inotify, WatchMask};

/// Counts opens and closes of one node. The caller polls its descriptor.
#[derive(Debug)]
pub struct NodeWatch {
    inotify: Inotify,
}

impl NodeWatch {
    /// Watches a node that exists. What has it open already is not counted.
    pub fn new(path: &Path) -> io::Result<Self> {
        let inotify = Inotify::init()?;
        let mask = WatchMask::OPEN | WatchMask::CLOSE_WRITE | WatchMask::CLOSE_NOWRITE;
        inotify.watches().add(path, mask)?;
        Ok(Self { inotify })
    }

    /// Opens (+1 each) and closes (−1 each) since the last call. When the kernel's queue ran over,
    /// some are lost: whoever cares about more than the fact of a change looks at /proc.
    pub fn read(&mut self) -> io::Result<i32> {
        let mut buffer = [0; 4096];
        let mut change = 0;
        loop {
            match self.inotify.read_events(&mut buffer) {
                Ok(events) => change += events.map(|event| weight(event.mask)).sum::<i32>(),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(change),
                Err(error) => return Err(error),
            }
        }
    }
}

fn weight(mask: EventMask) -> i32 {
    if mask.contains(EventMask::OPEN) {
        1
    } else if mask.intersects(EventMask::CLOSE_WRITE | EventMask::CLOSE_NOWRITE) {
        -1
    } else {
        0
    }
}

impl AsFd for NodeWatch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inotify.as_fd()
    }
}
