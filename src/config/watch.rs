//! Tells when the config file may read differently from before.
//!
//! A file is watched by its directory, because editors and the preferences window replace it by
//! renaming another over it, and by the directories of every symlink on the way. What doesn't exist
//! yet is awaited in the nearest directory that does. Nothing is polled. The one thing left out is
//! the renaming of a directory further up: watching for it would wake us for every file in the home.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::io::{self, ErrorKind};
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use glib::{ControlFlow, IOCondition, SourceId};
use inotify::{Event, EventMask, Inotify, WatchDescriptor, WatchMask, Watches};

use crate::descriptor::{self, Watched};

/// How long the file may be gone before that counts as a change. Some editors move the old file away
/// or delete it before they write the new one; without this, a save would flash the defaults.
const GONE_FOR: Duration = Duration::from_millis(250);

/// Symlinks followed before the path counts as a loop; the kernel's own limit.
const MOST_LINKS: usize = 40;

/// Room for a burst of events; one takes at most 272 bytes (a header and a name).
const EVENT_BYTES: usize = 4096;

/// Watches a file for as long as it lives.
pub struct Watcher {
    _watched: Watched,
}

struct Inner {
    path: PathBuf,
    watches: Watches,
    /// The names that matter, by the directory they are in.
    places: RefCell<HashMap<WatchDescriptor, Vec<OsString>>>,
    gone: Cell<Option<SourceId>>,
    changed: Box<dyn Fn()>,
}

/// What an event means for the file.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Meaning {
    Nothing,
    Gone,
    Changed,
}

impl Watcher {
    /// Calls `changed` from the main loop whenever the file at `path` may read differently. Make
    /// the watcher first and read the file then, and nothing is missed in between.
    pub fn new(path: &Path, changed: impl Fn() + 'static) -> io::Result<Self> {
        let inotify = Inotify::init()?;
        let inner = Rc::new(Inner {
            path: std::path::absolute(path)?,
            watches: inotify.watches(),
            places: RefCell::default(),
            gone: Cell::default(),
            changed: Box::new(changed),
        });
        inner.arm()?;
        let watched = descriptor::watch(inotify, IOCondition::IN, move |inotify| {
            inner.ready(inotify);
            ControlFlow::Continue
        });
        Ok(Self { _watched: watched })
    }
}

impl Inner {
    /// Watches every place on the way to the file, and nothing else.
    fn arm(&self) -> io::Result<()> {
        let mut places = places(&self.path);
        loop {
            self.watch(&places)?;
            // A directory made between looking and watching would go unseen: look again.
            let now = self::places(&self.path);
            if now == places {
                return Ok(());
            }
            places = now;
        }
    }

    fn watch(&self, places: &[(PathBuf, OsString)]) -> io::Result<()> {
        let mask = WatchMask::CLOSE_WRITE
            | WatchMask::MOVED_TO
            | WatchMask::CREATE
            | WatchMask::MOVED_FROM
            | WatchMask::DELETE
            | WatchMask::MOVE_SELF
            | WatchMask::DELETE_SELF
            | WatchMask::ONLYDIR;
        let mut watches = self.watches.clone();
        let mut wanted: HashMap<WatchDescriptor, Vec<OsString>> = HashMap::new();
        for (dir, name) in places {
            match watches.add(dir, mask) {
                Ok(descriptor) => wanted.entry(descriptor).or_default().push(name.clone()),
                // Gone since we looked; the caller looks again.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        for old in self.places.replace(wanted.clone()).into_keys() {
            if !wanted.contains_key(&old) {
                // Fails where the directory is gone, and its watch with it.
                let _ = watches.remove(old);
            }
        }
        Ok(())
    }

    /// Reads what has happened since the last turn of the main loop, and acts on it once.
    fn ready(self: &Rc<Self>, inotify: &mut Inotify) {
        let meaning = self.drain(inotify);
        if meaning == Meaning::Nothing {
            return;
        }
        if let Err(error) = self.arm() {
            tracing::warn!(
                "changes of {} go unnoticed now: {error}",
                self.path.display()
            );
        }
        self.forget_gone();
        // Something else may have appeared in its place before we looked.
        if meaning == Meaning::Changed || self.path.exists() {
            (self.changed)();
        } else {
            self.await_return();
        }
    }

    fn drain(&self, inotify: &mut Inotify) -> Meaning {
        let mut buffer = [0; EVENT_BYTES];
        let mut meaning = Meaning::Nothing;
        // An error is WouldBlock: all is read. The descriptor knows no other.
        while let Ok(events) = inotify.read_events(&mut buffer) {
            for event in events {
                meaning = meaning.max(self.meaning(&event));
            }
        }
        meaning
    }

    fn meaning(&self, event: &Event<&OsStr>) -> Meaning {
        if event.mask.contains(EventMask::Q_OVERFLOW) {
            return Meaning::Changed;
        }
        let places = self.places.borrow();
        let Some(names) = places.get(&event.wd) else {
            return Meaning::Nothing;
        };
        match event.name {
            None => Meaning::Gone,
            Some(name) if !names.iter().any(|known| known == name) => Meaning::Nothing,
            Some(_)
                if event
                    .mask
                    .intersects(EventMask::DELETE | EventMask::MOVED_FROM) =>
            {
                Meaning::Gone
            }
            Some(_) if event.mask.contains(EventMask::CREATE) && self.is_being_written() => {
                Meaning::Nothing
            }
            Some(_) => Meaning::Changed,
        }
    }

    /// Whether the file was just made and is still empty: closing it will tell when it can be read.
    /// A link to a finished file is not, and no close would follow it.
    fn is_being_written(&self) -> bool {
        std::fs::metadata(&self.path).is_ok_and(|file| file.is_file() && file.len() == 0)
    }

    fn await_return(self: &Rc<Self>) {
        let weak = Rc::downgrade(self);
        let timer = glib::timeout_add_local_once(GONE_FOR, move || {
            if let Some(inner) = weak.upgrade() {
                inner.gone.take();
                (inner.changed)();
            }
        });
        self.gone.set(Some(timer));
    }

    fn forget_gone(&self) {
        if let Some(timer) = self.gone.take() {
            timer.remove();
        }
    }
}

/// Every directory, with a name in it, whose change can change what `path` (absolute) leads to: the
/// file itself, each symlink on the way, and the first name that doesn't exist.
fn places(path: &Path) -> Vec<(PathBuf, OsString)> {
    let mut places = Vec::new();
    let mut at = PathBuf::new();
    let mut ahead = parts(path);
    let mut links = 0;
    while let Some(part) = ahead.pop() {
        let next = at.join(&part);
        if part == ".." || part == "/" {
            at = if part == "/" { next } else { parent(&at) };
            continue;
        }
        let target = std::fs::read_link(&next).ok();
        if ahead.is_empty() || target.is_some() || !next.exists() {
            places.push((at.clone(), part));
        }
        match target {
            Some(target) if links < MOST_LINKS => {
                links += 1;
                ahead.extend(parts(&target));
            }
            None if next.exists() => at = next,
            // A loop of links, or the end of what exists.
            _ => break,
        }
    }
    places
}

/// The parts of a path, the first one last, ready to be popped.
fn parts(path: &Path) -> Vec<OsString> {
    let named = path.components().filter(|part| *part != Component::CurDir);
    named
        .map(|part| part.as_os_str().to_owned())
        .rev()
        .collect()
}

fn parent(path: &Path) -> PathBuf {
    path.parent().unwrap_or(path).to_owned()
}
