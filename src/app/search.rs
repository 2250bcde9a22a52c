//! Which camera to open.

use std::cell::Cell;
use std::rc::Rc;

use super::{Applet, children};
use crate::relay::{Event, Fault, FaultKind};
use crate::settings::SourceSpec;
use crate::source::Found;

/// The search for a source.
#[derive(Default)]
pub(super) struct Search {
    /// Counts searches: what an older one finds is of no interest.
    newest: Cell<u64>,
    /// Whether one has come to an end. What the command line names must be there by then.
    ended: Cell<bool>,
}

impl Applet {
    /// Looks for the source that the settings ask for, in a child process.
    pub(super) fn find_source(self: &Rc<Self>) {
        let number = self.search.newest.get() + 1;
        self.search.newest.set(number);
        let spec = self.settings.borrow().camera.source.clone();
        let applet = Rc::downgrade(self);
        glib::spawn_future_local(async move {
            let named = (spec != SourceSpec::Auto).then(|| spec.to_string());
            let found = children::probe(named).await;
            let Some(applet) = applet.upgrade() else {
                return;
            };
            if applet.search.newest.get() == number {
                let chosen = match spec {
                    SourceSpec::Auto => found.map_err(|error| missing(&error)).and_then(choose),
                    _ => checked(&spec, found),
                };
                applet.found(chosen);
            }
        });
    }

    fn found(&self, chosen: Result<Found, Fault>) {
        let first = !self.search.ended.replace(true);
        match chosen {
            Ok(found) => {
                if self.source.borrow().as_ref() != Some(&found) {
                    tracing::info!("camera: {} ({})", found.name, found.spec);
                }
                self.source.replace(Some(found));
                self.events.send(Event::SourceReady);
            }
            Err(fault) if first && self.overrides.names_source() => self.fail(&fault),
            Err(fault) => {
                tracing::warn!("{fault}");
                self.source.replace(None);
                self.events.send(Event::SourceMissing(fault));
            }
        }
    }
}

/// The best of what was found by itself; says why the others were not taken.
fn choose(mut found: Vec<Found>) -> Result<Found, Fault> {
    found.sort_by_key(|found| found.rank);
    for (found, problem) in found.iter().filter_map(|found| Some((found, found.problem.as_ref()?))) {
        tracing::info!("skipped {}: {problem}", found.spec);
    }
    if let Some(usable) = found.iter().find(|found| found.problem.is_none()) {
        return Ok(usable.clone());
    }
    let kind = found
        .iter()
        .filter_map(|found| found.problem.as_ref())
        .map(|problem| problem.kind)
        .find(|kind| *kind == FaultKind::NoPermission)
        .unwrap_or(FaultKind::NoCamera);
    Err(Fault::new(kind, "no camera found; 'lenscap devices' says why each one is not used"))
}

/// A source that was named: usable unless its check says otherwise. A check that came to no end
/// says nothing; the worker will find out.
fn checked(spec: &SourceSpec, found: anyhow::Result<Vec<Found>>) -> Result<Found, Fault> {
    let found = match found {
        Ok(found) => found.into_iter().next(),
        Err(error) => {
            tracing::warn!("cannot check {spec}: {error:#}");
            None
        }
    };
    let found = found.unwrap_or_else(|| Found {
        kind: spec.kind().to_owned(),
        spec: spec.to_string(),
        name: spec.to_string(),
        rank: 0,
        problem: None,
    });
    match found.problem {
        Some(problem) => Err(problem),
        None => Ok(found),
    }
}

fn missing(error: &anyhow::Error) -> Fault {
    Fault::new(FaultKind::NoCamera, format!("{error:#}; plug the camera in again, or restart lenscap"))
}
