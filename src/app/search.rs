//! Which camera to open.

use std::cell::Cell;
use std::rc::Rc;

use super::{Applet, children};
use crate::i18n::gettext_f;
use crate::relay::{Event, Fault, FaultKind};
use crate::settings::SourceSpec;
use crate::source::{self, Found};

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
                    SourceSpec::Auto => found
                        .map_err(|error| missing(&error))
                        .and_then(|found| choose(&found)),
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

/// The source that `auto` stands for; says why the others were not taken.
fn choose(found: &[Found]) -> Result<Found, Fault> {
    for found in found {
        if let Some(problem) = &found.problem {
            tracing::info!("skipped {}: {problem}", found.spec);
        }
    }
    source::best(found).cloned()
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
    Fault::new(
        FaultKind::NoCamera,
        gettext_f(
            "{error}; plug the camera in again, or restart lenscap",
            &[("error", &format!("{error:#}"))],
        ),
    )
}
