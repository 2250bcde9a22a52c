//! Ordinary cameras: V4L2 capture devices with raw video or Motion JPEG.

mod choice;
mod link;
mod node;
mod sizes;

use std::path::Path;

use gstreamer::{self as gst, prelude::*};
use rustix::io::Errno;

use self::choice::{Choice, choose, modes};
use self::node::Node;
use super::{Found, Mode, RANK_V4L2, Wanted, chain, filter, make, missing, other, scaler};
use crate::relay::{Fault, FaultKind};
use crate::settings::{Message, MessageId, n_};
use crate::v4l2;

/// The device's own picture if it has the requested size, else the nearest one, scaled.
///
/// Opens the device to query its sizes; a camera's LED is off until it streams.
pub fn build(path: &Path, wanted: &Wanted) -> Result<gst::Element, Fault> {
    check(path)?;
    let element = make("v4l2src")?;
    element.set_property("device", path.to_string_lossy().as_ref());
    element
        .set_state(gst::State::Ready)
        .map_err(|_| other(n_("GStreamer cannot open {device}")).with("device", path.display()))
        .and_then(|_| assemble(&element, path, wanted))
        .inspect_err(|_| {
            // An element must not be dropped with its device open. Closing can't fail.
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

/// Checks that the node is a camera that this user can open, and returns its name.
pub fn check(path: &Path) -> Result<String, Fault> {
    examine(path, |reason| {
        // Translators: {reason} is one of the sentences that begin with "it": "it gives no pictures".
        Message::new(n_("{device} is not a camera for v4l2: {reason}"))
            .with("device", path.display())
            .with_message("reason", reason)
    })
    .map(|(card, _)| card)
}

/// Opens the node and asks what it is: its name and its modes. `say` makes a line of the reason why
/// it is no camera.
fn examine(
    path: &Path,
    say: impl FnOnce(MessageId) -> Message,
) -> Result<(String, Vec<Mode>), Fault> {
    // Looked up, not made: loading this plugin opens every video node, our own output included.
    if gst::ElementFactory::find("v4l2src").is_none() {
        return Err(missing("v4l2src"));
    }
    let device = v4l2::open(path).map_err(|errno| not_opened(path, errno))?;
    let facts = v4l2::identify(&device).map_err(|errno| not_opened(path, errno))?;
    let formats = v4l2::formats(&device, facts.caps);
    match node::judge(&facts, &formats) {
        None => Ok((facts.card, sizes::modes(&device, &formats))),
        Some(reason) => Err(no_camera(say(reason))),
    }
}

fn no_camera(reason: impl Into<Message>) -> Fault {
    Fault::new(FaultKind::Unsupported, reason)
}

/// All V4L2 nodes, usable or not, sorted by number.
pub fn find() -> Vec<Found> {
    (RANK_V4L2..)
        .zip(node::list())
        .map(|(rank, node)| probe(rank, &node))
        .collect()
}

/// Probes a node. Opens it only if sysfs doesn't show already that it isn't a camera: on a loopback
/// device we would be taken for a client, and a sensor node may power up.
fn probe(rank: u32, node: &Node) -> Found {
    let examined = match node.known_problem() {
        Some(reason) => Err(no_camera(reason)),
        None => examine(&node.path, Message::new),
    };
    let spec = format!("v4l2:{}", node.path.display());
    let found = super::found("v4l2", spec, node.name.clone(), rank);
    let found = Found {
        parts: node.parts(),
        ..found
    };
    match examined {
        Ok((name, modes)) => Found {
            id: link::to(&node.path)
                .map_or_else(String::new, |link| format!("v4l2:{}", link.display())),
            name,
            modes,
            ..found
        },
        Err(fault) => Found {
            problem: Some(fault),
            ..found
        },
    }
}

fn unsupported(path: &Path) -> Fault {
    Fault::new(
        FaultKind::Unsupported,
        n_("{device} gives neither raw video nor Motion JPEG: choose another source"),
    )
    .with("device", path.display())
}

/// The fault of a node that could not be opened or queried.
fn not_opened(path: &Path, errno: Errno) -> Fault {
    let path = path.display();
    match errno {
        Errno::NOENT | Errno::NXIO | Errno::NODEV => Fault::new(
            FaultKind::NoCamera, n_("{device} is not there: plug the camera in, or see `lenscap devices`")).with("device", path),
        Errno::ACCESS | Errno::PERM => Fault::new(
            FaultKind::NoPermission, n_("no permission to open {device}: run `sudo usermod -aG video $USER`, then log in again")).with("device", path),
        Errno::BUSY => Fault::new(
            FaultKind::Busy, n_("{device} is used by another program: `fuser -v {device}` names it")).with("device", path),
        Errno::NOTTY | Errno::INVAL | Errno::ISDIR => Fault::new(
            FaultKind::Unsupported, n_("{device} is not a video device: see `lenscap devices`")).with("device", path),
        errno => other( n_("cannot open {device}: {error}")).with("device", path).with("error", errno),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, expected: FaultKind) {
        gst::init().expect("GStreamer");
        let fault = super::check(Path::new(path)).expect_err(path);
        assert_eq!(fault.kind, expected, "{fault}");
        assert!(fault.to_string().contains(path), "{fault}");
    }

    #[test]
    fn nodes_that_are_not_cameras_have_a_fault() {
        check("/dev/video-none", FaultKind::NoCamera);
        check("/dev/null", FaultKind::Unsupported);
        check("/dev", FaultKind::Unsupported);
    }

    /// The elements after a camera with Motion JPEG in another size.
    #[test]
    fn motion_jpeg_is_decoded_and_scaled() {
        gst::init().expect("GStreamer");
        let wanted = Wanted {
            width: 320,
            height: 240,
            framerate: 30,
            buffer_count: 7,
        };
        let camera = "videotestsrc is-live=true ! \
                      video/x-raw,format=I420,width=640,height=480,framerate=30/1 ! jpegenc ! \
                      image/jpeg,width=640,height=480,framerate=30/1 ! identity";
        let camera = gst::parse::bin_from_description(camera, true).expect("a camera");
        let source = assemble(camera.upcast_ref(), Path::new("/dev/video0"), &wanted);
        let source = source.expect("a source");
        let sink = gstreamer_app::AppSink::builder().sync(false).build();
        let pipeline = gst::Pipeline::new();
        pipeline
            .add_many([&source, sink.upcast_ref()])
            .expect("added");
        source.link(&sink).expect("linked");
        pipeline.set_state(gst::State::Playing).expect("playing");
        let frame = sink.try_pull_sample(gst::ClockTime::from_seconds(10));
        pipeline.set_state(gst::State::Null).expect("stopped");
        let caps = frame.expect("a frame").caps_owned().expect("caps");
        let info = gstreamer_video::VideoInfo::from_caps(&caps).expect("raw video");
        assert_eq!((info.width(), info.height()), (320, 240));
    }

    #[test]
    fn errors_at_opening_have_distinct_fault_kinds() {
        let kind = |errno| not_opened(Path::new("/dev/video0"), errno).kind;
        assert_eq!(kind(Errno::ACCESS), FaultKind::NoPermission);
        assert_eq!(kind(Errno::BUSY), FaultKind::Busy);
        assert_eq!(kind(Errno::NODEV), FaultKind::NoCamera);
        assert_eq!(kind(Errno::IO), FaultKind::Other);
    }
}
