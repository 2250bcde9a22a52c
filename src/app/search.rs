//! Which camera to open.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use glib::SourceId;

use super::latest::Latest;
use super::{Applet, children};
use crate::i18n::translate;
use crate::relay::{Event, Fault, FaultKind, Status};
use crate::settings::{SourceSpec, masked, n_};
use crate::source::{self, Found};

/// Devices come in bursts (a camera has several nodes, and udev touches each): the search waits for the
/// end of the burst.
const BURST: Duration = Duration::from_millis(700);

/// The search for a source, and what it found.
#[derive(Default)]
pub(super) struct SourceSearch {
    /// The result of an older one is ignored.
    numbers: Latest,
    /// Whether one has ended. What the command line names must be there by then.
    ended: Cell<bool>,
    /// Whether devices changed while a camera was open: its software is not queried meanwhile.
    due: Cell<bool>,
    /// The end of a burst.
    timer: RefCell<Option<SourceId>>,
    chosen: RefCell<Option<Chosen>>,
}

impl SourceSearch {
    /// The camera to open, once one was found.
    pub fn chosen(&self) -> Option<Chosen> {
        self.chosen.borrow().clone()
    }
}

/// The result of a search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Chosen {
    /// The camera to open.
    pub found: Found,
    /// The one that the settings name and that is not there.
    pub instead_of: Option<String>,
}

impl Applet {
    /// Searches for the source that the settings name, in a child process. Where the config file names
    /// one that is not there, the best of the others is its fallback.
    pub(super) fn find_source(self: &Rc<Self>) {
        let number = self.search.numbers.begin();
        self.search.due.set(false);
        let spec = self.config.settings().camera.source.clone();
        let may_fall_back = !self.config.overrides().names_source();
        let applet = Rc::downgrade(self);
        glib::spawn_future_local(async move {
            let chosen = search(&spec, may_fall_back).await;
            if let Some(applet) = applet.upgrade()
                && applet.search.numbers.is_newest(number)
            {
                applet.found(chosen);
            }
        });
    }

    /// Searches again at the end of a burst of changed devices.
    pub(super) fn search_after_burst(self: &Rc<Self>) {
        let search = Self::callback(&Rc::downgrade(self), |applet| {
            applet.search.timer.take();
            applet.search_again();
        });
        let timer = glib::timeout_add_local_once(BURST, search);
        if let Some(earlier) = self.search.timer.replace(Some(timer)) {
            earlier.remove();
        }
    }

    /// Searches again because devices came or went; later, if a camera is open now.
    fn search_again(self: &Rc<Self>) {
        if self.relay.borrow().status().camera_open {
            self.search.due.set(true);
        } else {
            self.find_source();
        }
    }

    /// Searches again when that was put off and the camera is closed now. Not every camera shows in
    /// `/dev`, so it is time as well when a client comes that would get no picture, and when a fallback
    /// is closed.
    pub(super) fn search_if_due(self: &Rc<Self>, before: &Status, after: &Status) {
        let came = before.clients.is_empty() && !after.clients.is_empty();
        let closed = before.camera_open && !after.camera_open;
        let due = match &*self.search.chosen.borrow() {
            None => came && self.search.ended.get(),
            Some(chosen) => closed && chosen.instead_of.is_some(),
        };
        if due || (self.search.due.get() && !after.camera_open) {
            self.find_source();
        }
    }

    fn found(&self, chosen: Result<Chosen, Fault>) {
        let first = !self.search.ended.replace(true);
        match chosen {
            Ok(chosen) => {
                if self.search.chosen.borrow().as_ref() != Some(&chosen) {
                    log(&chosen);
                }
                self.search.chosen.replace(Some(chosen));
                self.events.send(Event::SourceReady);
            }
            Err(fault) if first && self.config.overrides().names_source() => {
                self.fail(&translate(&fault.message));
            }
            Err(fault) => {
                tracing::warn!("{fault}");
                self.search.chosen.replace(None);
                self.events.send(Event::SourceMissing(fault));
            }
        }
    }
}

fn log(Chosen { found, instead_of }: &Chosen) {
    let spec = masked(&found.spec);
    match instead_of {
        None => tracing::info!("camera: {} ({spec})", found.name),
        Some(wanted) => tracing::warn!(
            "camera: {} ({spec}), as {wanted} is not there; that one is used again once it is",
            found.name
        ),
    }
}

async fn search(spec: &SourceSpec, may_fall_back: bool) -> Result<Chosen, Fault> {
    let only = |found| Chosen {
        found,
        instead_of: None,
    };
    if *spec == SourceSpec::Auto {
        let found = children::find_all().await;
        let found = found.map_err(|error| missing(&error))?;
        return choose(&found).map(only);
    }
    let named = checked(spec, children::check(spec).await);
    match named {
        Err(fault) if may_fall_back && fault.kind == FaultKind::NoCamera => {
            let others = children::find_all().await.unwrap_or_default();
            fallback(spec, &others).ok_or(fault)
        }
        named => named.map(only),
    }
}

/// The source that `auto` means; logs why others were skipped.
fn choose(found: &[Found]) -> Result<Found, Fault> {
    for found in found {
        if let Some(problem) = &found.problem {
            tracing::info!("skipped {}: {problem}", found.spec);
        }
    }
    source::best(found).cloned()
}

/// The best of the cameras that are there, in place of the one that the settings name.
fn fallback(wanted: &SourceSpec, found: &[Found]) -> Option<Chosen> {
    let best = source::best(found).ok()?;
    Some(Chosen {
        found: best.clone(),
        instead_of: Some(wanted.to_string()),
    })
}

/// A source that was named: usable unless its check finds a problem. After a check that didn't
/// end, the worker will find out.
fn checked(spec: &SourceSpec, found: anyhow::Result<Vec<Found>>) -> Result<Found, Fault> {
    let found = match found {
        Ok(found) => found.into_iter().find(|found| found.kind == spec.kind()),
        Err(error) => {
            tracing::warn!("cannot check {spec}: {error:#}");
            None
        }
    };
    let found = found.unwrap_or_else(|| source::unchecked(spec));
    match found.problem {
        Some(problem) => Err(problem),
        None => Ok(found),
    }
}

fn missing(error: &anyhow::Error) -> Fault {
    Fault::new(
        FaultKind::NoCamera,
        n_("{error}; plug the camera in again, or restart lenscap"),
    )
    .with("error", format!("{error:#}"))
}
