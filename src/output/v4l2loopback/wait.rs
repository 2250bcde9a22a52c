//! The wait for a device that another program writes to.

use std::path::PathBuf;
use std::rc::Rc;

use glib::{ControlFlow, IOCondition};
use inotify::{Inotify, WatchMask};

use super::find;
use crate::descriptor::{self, Watched};
use crate::settings::{OutputKind, OutputSpec, Settings};

/// Retries when a program that could write to one of the devices closes it.
///
/// Only closes of a file that was open for writing count. Our own check opens for reading, so it can't
/// be mistaken for the other program's close: inotify merges equal events that follow each other, and
/// counting them would miss one.
pub fn wait(spec: &OutputSpec, settings: &Settings, retry: &Rc<dyn Fn()>) -> Vec<Watched> {
    let nodes: Vec<PathBuf> = match (spec.kind, &spec.device) {
        (OutputKind::Vcam | OutputKind::Pipewire, _) => return Vec::new(),
        (_, Some(path)) => vec![path.clone()],
        (_, None) => find::nodes(),
    };
    let watched = nodes
        .iter()
        .filter_map(|node| wait_for_one(node.clone(), retry.clone()));
    let watched: Vec<_> = watched.collect();
    // It may have been closed before the watch began.
    if nodes.iter().any(|node| find::check(node, settings).is_ok()) {
        let retry = retry.clone();
        let soon = glib::idle_add_local_once(move || retry());
        return watched.into_iter().chain([Watched::new(soon)]).collect();
    }
    watched
}

fn wait_for_one(node: PathBuf, retry: Rc<dyn Fn()>) -> Option<Watched> {
    let inotify = Inotify::init().ok()?;
    inotify.watches().add(node, WatchMask::CLOSE_WRITE).ok()?;
    let ready = move |inotify: &mut Inotify| {
        let mut buffer = [0; 4096];
        if inotify.read_events(&mut buffer).is_err() {
            return ControlFlow::Break;
        }
        // A retry makes new watches and drops this one, which must not happen within its callback.
        let retry = retry.clone();
        glib::idle_add_local_once(move || retry());
        ControlFlow::Continue
    };
    Some(descriptor::watch(inotify, IOCondition::IN, ready))
}
