//! Which camera to open.

use std::cell::Cell;
use std::rc::Rc;

use super::turns::Turns;
use super::{Applet, children};
use crate::i18n::gettext_f;
use crate::relay::{Event, Fault, FaultKind, Status};
use crate::settings::{SourceSpec, masked};
use crate::source::{self, Found};

/// The search for a source.
#[derive(Default)]
pub(super) struct Search {
    /// What an older one finds is of no interest.
    turns: Turns,
    /// Whether one has come to an end. What the command line names must be there by then.
    ended: Cell<bool>,
    /// Whether devices changed while a camera was open: its software is not asked meanwhile.
    due: Cell<bool>,
}

/// What a search came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Chosen {
    /// The camera to open.
    pub found: Found,
    /// The one that was asked for and is not there.
    pub instead_of: Option<String>,
}

impl Applet {
    /// Looks for the source that the settings ask for, in a child process. Where the config file
    /// asks for one that is not there, the best of the others stands in for it.
    pub(super) fn find_source(self: &Rc<Self>) {
        let turn = self.search.turns.begin();
        self.search.due.set(false);
        let spec = self.settings.borrow().camera.source.clone();
        let may_stand_in = !self.overrides.names_source();
        let applet = Rc::downgrade(self);
        glib::spawn_future_local(async move {
            let chosen = search(&spec, may_stand_in).await;
            if let Some(applet) = applet.upgrade()
                && applet.search.turns.is_newest(turn)
            {
                applet.found(chosen);
            }
        });
    }

    /// Looks again because devices came or went; later, if a camera is open now.
    pub(super) fn look_again(self: &Rc<Self>) {
        if self.relay.borrow().status().camera_open {
            self.search.due.set(true);
        } else {
            self.find_source();
        }
    }

    /// Looks again when that was put off and the camera is closed now. Not every camera shows in
    /// `/dev`, so it is time as well when somebody comes who would get no picture, and when one that
    /// stood in for another is closed.
    pub(super) fn look_again_if_due(self: &Rc<Self>, before: &Status, after: &Status) {
        let came = before.clients.is_empty() && !after.clients.is_empty();
        let closed = before.camera_open && !after.camera_open;
        let due = match &*self.source.borrow() {
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
                if self.source.borrow().as_ref() != Some(&chosen) {
                    log(&chosen);
                }
                self.source.replace(Some(chosen));
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

async fn search(spec: &SourceSpec, may_stand_in: bool) -> Result<Chosen, Fault> {
    let only = |found| Chosen {
        found,
        instead_of: None,
    };
    if *spec == SourceSpec::Auto {
        let found = children::probe(None).await;
        let found = found.map_err(|error| missing(&error))?;
        return choose(&found).map(only);
    }
    let asked = checked(spec, children::probe(Some(spec)).await);
    match asked {
        Err(fault) if may_stand_in && fault.kind == FaultKind::NoCamera => {
            let others = children::probe(None).await.unwrap_or_default();
            stand_in(spec, &others).ok_or(fault)
        }
        asked => asked.map(only),
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

/// The best of the cameras that are there, in place of the one that was asked for.
fn stand_in(wanted: &SourceSpec, found: &[Found]) -> Option<Chosen> {
    let best = source::best(found).ok()?;
    Some(Chosen {
        found: best.clone(),
        instead_of: Some(wanted.to_string()),
    })
}

/// A source that was named: usable unless its check says otherwise. A check that came to no end
/// says nothing; the worker will find out.
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
        gettext_f(
            "{error}; plug the camera in again, or restart lenscap",
            &[("error", &format!("{error:#}"))],
        ),
    )
}
