//! Cameras of libcamera, which supports IPU6 and others without the vendor's stack.

use gstreamer::{self as gst, prelude::*};

use super::{Found, RANK_LIBCAMERA, Wanted, chain, int, monitor, not_installed, scaler};
use super::{IMAGE_PROCESSOR, filter, found};
use crate::i18n::gettext_f;
use crate::relay::{Fault, FaultKind};
use crate::settings::{Message, n_};

const FACTORY: &str = "libcamerasrc";
const PROVIDER: &str = "libcameraprovider";
const PACKAGE: &str = "libcamera's GStreamer plugin (Debian: gstreamer1.0-libcamera)";

/// The camera with this id, or libcamera's first.
///
/// libcamera may provide another size, the nearest that the sensor has, which is then scaled.
pub fn build(id: Option<&str>, wanted: &Wanted) -> Result<gst::Element, Fault> {
    let element = make()?;
    if let Some(id) = id {
        element.set_property("camera-name", id);
    }
    let [scale, size] = scaler(wanted)?;
    chain(&[element, filter(&caps(wanted))?, scale, size])
}

/// In order of preference: the requested picture, the requested size at any rate (libcamera 0.0 has no
/// rates), any raw video, which excludes unprocessed Bayer formats.
fn caps(wanted: &Wanted) -> gst::Caps {
    let any = gst::Structure::new_empty("video/x-raw");
    let mut size = any.clone();
    size.set("width", int(wanted.width));
    size.set("height", int(wanted.height));
    let mut exact = size.clone();
    exact.set("framerate", gst::Fraction::new(int(wanted.framerate), 1));
    gst::Caps::builder_full()
        .structure(exact)
        .structure(size)
        .structure(any)
        .build()
}

/// Checks that the camera exists.
pub fn check(id: Option<&str>) -> Result<Found, Fault> {
    make()?;
    let mut cameras = find().into_iter();
    let camera = match id {
        Some(id) => cameras.find(|found| found.spec == spec(id)),
        None => cameras.next(),
    };
    camera.ok_or_else(|| {
        let message = match id {
            None => n_("libcamera knows no camera: `lenscap devices` lists cameras of other kinds")
                .into(),
            Some(id) => Message::new(n_(
                "libcamera knows no camera '{id}': `lenscap devices` lists those that it knows",
            ))
            .with("id", id),
        };
        Fault::new(FaultKind::NoCamera, message)
    })
}

/// All cameras of libcamera. Those that other stacks find too are matched by their parts.
pub fn find() -> Vec<Found> {
    let cameras = monitor::cameras(PROVIDER);
    (RANK_LIBCAMERA..)
        .zip(cameras)
        .map(|(rank, camera)| {
            let id = camera.display_name();
            Found {
                modes: monitor::modes(&camera),
                parts: parts(&id),
                ..found("libcamera", spec(&id), name(&id), rank)
            }
        })
        .collect()
}

fn spec(id: &str) -> String {
    format!("libcamera:{id}")
}

/// The part that identifies a libcamera camera in other stacks.
pub fn stack_part(id: &str) -> String {
    format!("libcamera {id}")
}

fn parts(id: &str) -> Vec<String> {
    let shared = usb_part(id).unwrap_or_else(|| IMAGE_PROCESSOR.to_owned());
    vec![stack_part(id), shared]
}

/// The USB interface that an id ends with, as in `\_SB_.PCI0.XHC_.RHUB.HS06-6:1.0-0bda:5532`.
fn usb_part(id: &str) -> Option<String> {
    let mut pieces = id.rsplit('-');
    let (product, interface) = (pieces.next()?, pieces.next()?);
    let (vendor, model) = product.split_once(':')?;
    let is_number = |text: &str| text.len() == 4 && u16::from_str_radix(text, 16).is_ok();
    (is_number(vendor) && is_number(model) && interface.contains(':'))
        .then(|| format!("usb {interface}-{product}"))
}

/// A name for display, because ids are firmware paths.
fn name(id: &str) -> String {
    if usb_part(id).is_some() {
        let product = id.rsplit('-').next().unwrap_or(id);
        return gettext_f("USB camera {product}", &[("product", product)]);
    }
    let last = id.rsplit(['/', '.', ' ']).find(|part| !part.is_empty());
    let name = last.unwrap_or(id);
    gettext_f("Built-in camera {name}", &[("name", name)])
}

fn make() -> Result<gst::Element, Fault> {
    let element = gst::ElementFactory::make(FACTORY).build();
    element.map_err(|_| not_installed(FACTORY, PACKAGE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usb_cameras_are_recognized_by_their_ids() {
        let usb = r"\_SB_.PCI0.XHC_.RHUB.HS06-6:1.0-0bda:5532";
        assert_eq!(parts(usb)[1], "usb 6:1.0-0bda:5532");
        assert_eq!(name(usb), "USB camera 0bda:5532");
        for id in [
            r"\_SB_.PC00.LNK1",
            "platform/vimc.0 Sensor B",
            "a-b-c:d",
            "",
        ] {
            assert_eq!(usb_part(id), None, "{id}");
            assert_eq!(parts(id)[1], IMAGE_PROCESSOR, "{id}");
        }
        assert_eq!(name(r"\_SB_.PC00.LNK1"), "Built-in camera LNK1");
    }

    #[test]
    fn the_requested_size_is_preferred_to_any_raw_video() {
        gst::init().expect("GStreamer");
        let wanted = Wanted {
            width: 640,
            height: 480,
            framerate: 30,
            buffer_count: 7,
        };
        let caps = caps(&wanted);
        assert_eq!(caps.size(), 3);
        let first = caps.structure(0).expect("a structure");
        assert_eq!(first.get::<i32>("width"), Ok(640));
        let other: gst::Caps = "video/x-raw,format=NV12,width=800,height=600"
            .parse()
            .expect("caps");
        assert!(caps.can_intersect(&other));
    }
}
