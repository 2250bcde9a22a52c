//! Ordinary cameras: V4L2 capture devices that give raw video or Motion JPEG.

mod choice;
mod node;

use std::path::Path;

use gstreamer::{self as gst, prelude::*};
use rustix::io::Errno;

use self::choice::{Choice, choose, modes};
use self::node::Node;
use super::{Found, RANK_V4L2, Wanted, chain, filter, make, missing, other, scaler};
use crate::i18n::{gettext, gettext_f};
use crate::relay::{Fault, FaultKind};
use crate::v4l2;

/// The source: the device's own picture where it has the wanted size, else the nearest one, scaled.
///
/// Opens the device to learn its sizes; a camera's light is off until it streams.
pub fn build(path: &Path, wanted: &Wanted) -> Result<gst::Element, Fault> {
    check(path)?;
    let element = make("v4l2src")?;
    element.set_property("device", path.to_string_lossy().as_ref());
    element
        .set_state(gst::State::Ready)
        .map_err(|_| {
            let path = path.display().to_string();
            other(gettext_f(
                "GStreamer cannot open {device}",
                &[("device", &path)],
            ))
        })
        .and_then(|_| assemble(&element, path, wanted))
        .inspect_err(|_| {
            // An element must not be dropped with its device open; that it closes is certain.
            let _ = element.set_state(gst::State::Null);
        })
}

fn assemble(camera: &gst::Element, path: &Path, wanted: &Wanted) -> Result<gst::Element, Fault> {
    let pad = camera.static_pad("src").ok_or_else(|| unsupported(path))?;
    let caps = pad.query_caps(None);
    let choice = choose(&modes(&caps, wanted), wanted).ok_or_else(|| unsupported(path))?;
    let mut elements = vec![camera.clone(), filter(&choice.caps())?];
    if choice.jpeg {
        elements.push(make("jpegdec")?);
    }
    if !choice.is_exact(wanted) {
        log_scaling(&choice, wanted);
        elements.extend(scaler(wanted)?);
    }
    chain(&elements)
}

fn log_scaling(choice: &Choice, wanted: &Wanted) {
    tracing::info!(
        "the camera has no {}x{} at this rate: scaling its {}x{}",
        wanted.width,
        wanted.height,
        choice.width,
        choice.height
    );
}

/// Checks that the node is a camera that this user can open; answers with its name.
pub fn check(path: &Path) -> Result<String, Fault> {
    examine(path, |reason| {
        let path = path.display().to_string();
        gettext_f(
            // Translators: {reason} is one of the sentences that begin with "it": "it gives no pictures".
            "{device} is not a camera for v4l2: {reason}",
            &[("device", &path), ("reason", &reason)],
        )
    })
}

/// Opens the node and asks what it is. `say` makes a line of the reason why it is no camera.
fn examine(path: &Path, say: impl FnOnce(String) -> String) -> Result<String, Fault> {
    // Looked up, not made: loading this plugin opens every video node, our own output included.
    if gst::ElementFactory::find("v4l2src").is_none() {
        return Err(missing("v4l2src"));
    }
    let device = v4l2::open(path).map_err(|errno| not_opened(path, errno))?;
    let facts = v4l2::identify(&device).map_err(|errno| not_opened(path, errno))?;
    match node::judge(&facts, &v4l2::formats(&device, facts.caps)) {
        None => Ok(facts.card),
        Some(reason) => Err(no_camera(say(gettext(reason)))),
    }
}

fn no_camera(reason: String) -> Fault {
    Fault::new(FaultKind::Unsupported, reason)
}

/// Every V4L2 node of the machine, usable or not, in the order of their numbers.
pub fn find() -> Vec<Found> {
    (RANK_V4L2..)
        .zip(node::list())
        .map(|(rank, node)| probe(rank, &node))
        .collect()
}

/// Looks at a node; opens it only if its name doesn't tell already that it is no camera. To open a
/// loopback device would look like a client, and to open a sensor node may power it up.
fn probe(rank: u32, node: &Node) -> Found {
    let examined = match node.is_known_as() {
        Some(reason) => Err(no_camera(gettext(reason))),
        None => examine(&node.path, |reason| reason),
    };
    let (name, problem) = match examined {
        Ok(card) => (card, None),
        Err(fault) => (node.name.clone(), Some(fault)),
    };
    Found {
        kind: "v4l2".to_owned(),
        spec: format!("v4l2:{}", node.path.display()),
        name,
        rank,
        problem,
    }
}

fn unsupported(path: &Path) -> Fault {
    Fault::new(
        FaultKind::Unsupported,
        gettext_f(
            "{device} gives neither raw video nor Motion JPEG: choose another source",
            &[("device", &path.display().to_string())],
        ),
    )
}

/// Why a node could not be opened or asked, and what to do.
fn not_opened(path: &Path, errno: Errno) -> Fault {
    let path = path.display().to_string();
    let device = [("device", path.as_str())];
    match errno {
        Errno::NOENT | Errno::NXIO | Errno::NODEV => Fault::new(
            FaultKind::NoCamera,
            gettext_f(
                "{device} is not there: plug the camera in, or see `lenscap devices`",
                &device,
            ),
        ),
        Errno::ACCESS | Errno::PERM => Fault::new(
            FaultKind::NoPermission,
            gettext_f(
                "no permission to open {device}: run `sudo usermod -aG video $USER`, then log in again",
                &device,
            ),
        ),
        Errno::BUSY => Fault::new(
            FaultKind::Busy,
            gettext_f(
                "{device} is used by another program: `fuser -v {device}` names it",
                &device,
            ),
        ),
        Errno::NOTTY | Errno::INVAL | Errno::ISDIR => Fault::new(
            FaultKind::Unsupported,
            gettext_f(
                "{device} is not a video device: see `lenscap devices`",
                &device,
            ),
        ),
        errno => other(gettext_f(
            "cannot open {device}: {error}",
            &[("device", &path), ("error", &errno.to_string())],
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, expected: FaultKind) {
        gst::init().expect("GStreamer");
        let fault = super::check(Path::new(path)).expect_err(path);
        assert_eq!(fault.kind, expected, "{fault}");
        assert!(fault.text.contains(path), "{fault}");
    }

    #[test]
    fn what_is_no_camera_is_told_with_its_reason() {
        check("/dev/video-none", FaultKind::NoCamera);
        check("/dev/null", FaultKind::Unsupported);
        check("/dev", FaultKind::Unsupported);
    }

    #[test]
    fn each_way_of_not_opening_has_its_own_card() {
        let kind = |errno| not_opened(Path::new("/dev/video0"), errno).kind;
        assert_eq!(kind(Errno::ACCESS), FaultKind::NoPermission);
        assert_eq!(kind(Errno::BUSY), FaultKind::Busy);
        assert_eq!(kind(Errno::NODEV), FaultKind::NoCamera);
        assert_eq!(kind(Errno::IO), FaultKind::Other);
    }
}
