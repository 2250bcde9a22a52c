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
    /// Watches a node that exists. Programs that have it open already are not counted.
    pub fn new(path: &Path) -> io::Result<Self> {
        let inotify = Inotify::init()?;
        let mask = WatchMask::OPEN | WatchMask::CLOSE_WRITE | WatchMask::CLOSE_NOWRITE;
        inotify.watches().add(path, mask)?;
        Ok(Self { inotify })
    }

    /// Opens and closes since the last call. Equal events that follow each other are merged by the
    /// kernel, and when its queue overflows some are lost: the true count is in /proc.
    pub fn read(&mut self) -> io::Result<Traffic> {
        let mut buffer = [0; 4096];
        let mut traffic = Traffic::default();
        loop {
            match self.inotify.read_events(&mut buffer) {
                Ok(events) => events.for_each(|event| traffic.count(event.mask)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(traffic),
                Err(error) => return Err(error),
            }
        }
    }
}

/// What happened to a node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Times it was opened.
    pub opens: i32,
    /// Times it was closed.
    pub closes: i32,
}

impl Traffic {
    fn count(&mut self, mask: EventMask) {
        if mask.contains(EventMask::OPEN) {
            self.opens += 1;
        } else if mask.intersects(EventMask::CLOSE_WRITE | EventMask::CLOSE_NOWRITE) {
            self.closes += 1;
        }
    }
}

impl AsFd for NodeWatch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inotify.as_fd()
    }
}
