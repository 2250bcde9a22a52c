//! Cameras of PipeWire, such as those of other programs.

use gstreamer::{self as gst, prelude::*};

use super::{Found, RANK_PIPEWIRE, Wanted, chain, filter, found, libcamera, monitor};
use super::{make as make_element, not_installed, scaler};
use crate::relay::{Fault, FaultKind};
use crate::settings::{Message, n_};

const KIND: &str = "pipewire";
const FACTORY: &str = "pipewiresrc";
const PROVIDER: &str = "pipewiredeviceprovider";
const PACKAGE: &str = "PipeWire's GStreamer plugin (Debian: gstreamer1.0-pipewire)";

/// The `node.name` of our own virtual camera, which must not be the source.
const OURS: &str = "lenscap";

/// The node of this name, or the first camera that is not our own.
pub fn build(node: Option<&str>, wanted: &Wanted) -> Result<gst::Element, Fault> {
    if node == Some(OURS) {
        return Err(own_camera());
    }
    let node = match node {
        Some(node) => node.to_owned(),
        None => first()?,
    };
    let element = make()?;
    element.set_property("target-object", node);
    // Without the camera's timestamps, the delay on the way here would add to the latency.
    element.set_property("do-timestamp", true);
    // The element hangs unless caps follow it directly.
    let raw = filter(&gst::Caps::new_empty_simple("video/x-raw"))?;
    let convert = make_element("videoconvert")?;
    let [scale, size] = scaler(wanted)?;
    chain(&[element, raw, convert, scale, size])
}

/// Checks that the node exists and is not our own.
pub fn check(node: Option<&str>) -> Result<Found, Fault> {
    make()?;
    if node == Some(OURS) {
        return Err(own_camera());
    }
    let mut cameras = find().into_iter();
    let camera = match node {
        Some(node) => cameras.find(|found| found.spec == spec(node)),
        None => cameras.next(),
    };
    camera.ok_or_else(|| absent(node))
}

/// The first node that is a camera and not our own.
fn first() -> Result<String, Fault> {
    let found = find().into_iter().next().ok_or_else(|| absent(None))?;
    Ok(found.spec[KIND.len() + 1..].to_owned())
}

/// All of PipeWire's cameras but our own.
pub fn find() -> Vec<Found> {
    let cameras = monitor::cameras(PROVIDER);
    let named = cameras.into_iter().filter_map(|camera| {
        let node = monitor::property(&camera, "node.name")?;
        (node != OURS).then_some((camera, node))
    });
    (RANK_PIPEWIRE..)
        .zip(named)
        .map(|(rank, (camera, node))| Found {
            modes: monitor::modes(&camera),
            parts: parts(|name| monitor::property(&camera, name)),
            ..found(KIND, spec(&node), camera.display_name().into(), rank)
        })
        .collect()
}

fn spec(node: &str) -> String {
    format!("{KIND}:{node}")
}

/// The device of a node, if it has one.
fn parts(property: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let video = property("api.v4l2.path");
    let camera = property("api.libcamera.path").map(|id| libcamera::stack_part(&id));
    video.into_iter().chain(camera).collect()
}

fn make() -> Result<gst::Element, Fault> {
    let element = gst::ElementFactory::make(FACTORY).build();
    element.map_err(|_| not_installed(FACTORY, PACKAGE))
}

fn own_camera() -> Fault {
    Fault::new(
        FaultKind::Unsupported,
        n_("this is Lenscap's own virtual camera: choose another source, see `lenscap devices`"),
    )
}

fn absent(node: Option<&str>) -> Fault {
    let message = match node {
        None => {
            n_("PipeWire offers no camera: see `lenscap devices`, and that PipeWire runs").into()
        }
        Some(node) => Message::new(n_(
            "PipeWire offers no camera '{node}': see `lenscap devices`, and that PipeWire runs",
        ))
        .with("node", node),
    };
    Fault::new(FaultKind::NoCamera, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_camera_is_never_the_source() {
        gst::init().expect("GStreamer");
        let wanted = Wanted {
            width: 640,
            height: 480,
            framerate: 30,
            buffer_count: 7,
        };
        for fault in [check(Some(OURS)).err(), build(Some(OURS), &wanted).err()] {
            assert_eq!(fault, Some(own_camera()));
        }
    }

    #[test]
    fn a_nodes_part_is_its_device() {
        let of = |known: &str| {
            let value = (known != "none").then(|| "x".to_owned());
            parts(|name| value.clone().filter(|_| name == known))
        };
        assert_eq!(of("api.v4l2.path"), ["x"]);
        assert_eq!(of("api.libcamera.path"), ["libcamera x"]);
        assert_eq!(of("none"), [""; 0]);
    }
}
