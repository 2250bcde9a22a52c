//! Intel's IPU6 and IPU7 cameras, through the `icamerasrc` plugin and the vendor's HAL.
//!
//! Initializing the element's class queries the HAL for its cameras, for the enum of `device-name`, so
//! even a search runs the vendor's code.

use std::path::Path;

use gstreamer::{self as gst, glib, prelude::*};
use rustix::fs::{Access, access};

use super::{Found, IMAGE_PROCESSOR, RANK_ICAMERASRC, Wanted, chain, filter, int};
use crate::i18n::gettext;
use crate::relay::{Fault, FaultKind};
use crate::settings::{Message, n_};

const FACTORY: &str = "icamerasrc";
const DEVICE_NAME: &str = "device-name";

/// The image processor's nodes: IPU6, then IPU7.
const PSYS_NODES: [&str; 2] = ["/dev/ipu-psys0", "/dev/ipu7-psys0"];

struct HalCamera {
    /// The value of `device-name`.
    nick: String,
    /// The HAL's name for display.
    name: String,
}

/// Only a filter may follow: the allocation query must reach the converter, because `icamerasrc`
/// crashes without a buffer pool.
pub fn build(name: Option<&str>, wanted: &Wanted) -> Result<gst::Element, Fault> {
    let element = make()?;
    set_buffer_count(&element, wanted.buffer_count);
    if let Some(name) = name {
        set_device(&element, name)?;
    }
    chain(&[element, filter(&caps(wanted))?])
}

/// Checks the camera of this name, or the HAL's first, and returns its display name.
pub fn check(name: Option<&str>) -> Result<String, Fault> {
    let element = make()?;
    check_nodes()?;
    let Some(cameras) = cameras(&element) else {
        return match name {
            Some(name) => set_device(&element, name).map(|()| name.to_owned()),
            None => Ok(gettext("Intel IPU camera")),
        };
    };
    let camera = match name {
        Some(name) => find_camera(&cameras, name)?,
        None => cameras.first().ok_or_else(no_camera)?,
    };
    Ok(camera.name.clone())
}

/// All cameras of the HAL, or one entry with the reason why there is none.
pub fn find() -> Vec<Found> {
    let cameras = make().and_then(|element| {
        check_nodes()?;
        match cameras(&element) {
            Some(cameras) if cameras.is_empty() => Err(no_camera()),
            cameras => Ok(cameras),
        }
    });
    match cameras {
        Ok(Some(cameras)) => (RANK_ICAMERASRC..)
            .zip(&cameras)
            .map(|(rank, camera)| found(Some(&camera.nick), &camera.name, rank, None))
            .collect(),
        Ok(None) => vec![found(
            None,
            &gettext("Intel IPU camera"),
            RANK_ICAMERASRC,
            None,
        )],
        Err(fault) => vec![lost(fault)],
    }
}

/// The entry for `icamerasrc` without a camera.
pub fn lost(fault: Fault) -> Found {
    found(
        None,
        &gettext("Intel IPU camera"),
        RANK_ICAMERASRC,
        Some(fault),
    )
}

fn found(nick: Option<&str>, name: &str, rank: u32, problem: Option<Fault>) -> Found {
    let spec = nick.map_or_else(|| FACTORY.to_owned(), |nick| format!("{FACTORY}:{nick}"));
    // Unusable cameras come last.
    let parts = match problem {
        None => vec![IMAGE_PROCESSOR.to_owned()],
        Some(_) => Vec::new(),
    };
    Found {
        problem,
        parts,
        ..super::found(FACTORY, spec, name.to_owned(), rank)
    }
}

fn make() -> Result<gst::Element, Fault> {
    let Some(factory) = gst::ElementFactory::find(FACTORY) else {
        return Err(Fault::new(
            FaultKind::NoCamera,
            n_(
                "the GStreamer plugin 'icamerasrc' is not installed: install it with the camera HAL \
                 (if it is, remove ~/.cache/gstreamer-1.0, which remembers that it was not)",
            ),
        ));
    };
    factory.create().build().map_err(|_| {
        Fault::new(
            FaultKind::NoCamera,
            n_("the GStreamer plugin 'icamerasrc' does not load: \
                 run `gst-inspect-1.0 icamerasrc` to see why"),
        )
    })
}

fn no_camera() -> Fault {
    Fault::new(
        FaultKind::NoCamera,
        n_(
            "the camera HAL lists no camera: check with `sudo dmesg | grep -i ipu` that the \
             sensor's driver and firmware are there",
        ),
    )
}

/// Checked here, because the HAL doesn't report missing permissions well.
fn check_nodes() -> Result<(), Fault> {
    for node in PSYS_NODES {
        let there = Path::new(node).exists();
        if there && access(node, Access::READ_OK | Access::WRITE_OK).is_err() {
            return Err(Fault::new(
                FaultKind::NoPermission,
                n_(
                    "no permission to open {device}: run `sudo usermod -aG video $USER`, log in \
                     again, and see that a udev rule gives the node to the group 'video'",
                ),
            )
            .with("device", node));
        }
    }
    Ok(())
}

/// The cameras in the enum of `device-name`; `None` if the element has no such enum.
fn cameras(element: &gst::Element) -> Option<Vec<HalCamera>> {
    let class = device_names(element)?;
    let camera = |value: &glib::EnumValue| HalCamera {
        nick: value.nick().to_owned(),
        name: value.name().to_owned(),
    };
    Some(class.values().iter().map(camera).collect())
}

fn device_names(element: &gst::Element) -> Option<glib::EnumClass> {
    let property = element.find_property(DEVICE_NAME)?;
    glib::EnumClass::with_type(property.value_type())
}

fn find_camera<'a>(cameras: &'a [HalCamera], name: &str) -> Result<&'a HalCamera, Fault> {
    let known = cameras.iter().find(|camera| camera.nick == name);
    known.ok_or_else(|| {
        let nicks: Vec<_> = cameras.iter().map(|camera| camera.nick.as_str()).collect();
        let text = match nicks[..] {
            [] => Message::new(n_(
                "icamerasrc knows no camera '{name}': the camera HAL lists none",
            ))
            .with("name", name),
            _ => Message::new(n_(
                "icamerasrc knows no camera '{name}': use one of {names}",
            ))
            .with("name", name)
            .with("names", nicks.join(", ")),
        };
        Fault::new(FaultKind::NoCamera, text)
    })
}

/// Chooses a camera. Never falls back to another one, which may show something else.
fn set_device(element: &gst::Element, name: &str) -> Result<(), Fault> {
    let value = match device_names(element) {
        Some(class) => {
            find_camera(&cameras(element).unwrap_or_default(), name)?;
            class.to_value_by_nick(name)
        }
        None => element
            .find_property(DEVICE_NAME)
            .filter(|property| property.value_type() == glib::Type::STRING)
            .map(|_| name.to_value()),
    };
    let value = value.ok_or_else(|| {
        Fault::new(
            FaultKind::Unsupported,
            n_("this icamerasrc cannot choose a camera by name: use the source icamerasrc alone"),
        )
    })?;
    element.set_property_from_value(DEVICE_NAME, &value);
    Ok(())
}

/// Sets the number of buffers if the element has that property, within its range.
fn set_buffer_count(element: &gst::Element, count: u32) {
    let property = element.find_property("buffer-count");
    if let Some(range) =
        property.and_then(|property| property.downcast::<glib::ParamSpecInt>().ok())
    {
        let count = int(count).clamp(range.minimum(), range.maximum());
        element.set_property("buffer-count", count);
    }
}

/// Exactly the requested size. The element's caps are the same for all cameras: a size that this one
/// lacks is accepted, but there is no picture, so that only the timeout finds out. NV12 is preferred,
/// as the image processor's own format.
fn caps(wanted: &Wanted) -> gst::Caps {
    let any = gst::Structure::builder("video/x-raw")
        .field("width", int(wanted.width))
        .field("height", int(wanted.height))
        .field("framerate", gst::Fraction::new(int(wanted.framerate), 1))
        .build();
    let mut nv12 = any.clone();
    nv12.set("format", "NV12");
    gst::Caps::builder_full()
        .structure(nv12)
        .structure(any)
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cameras() -> Vec<HalCamera> {
        let camera = |nick: &str| HalCamera {
            nick: nick.to_owned(),
            name: nick.to_uppercase(),
        };
        vec![camera("ov02c10-uf"), camera("ov08x40-wf")]
    }

    #[test]
    fn the_fault_of_an_unknown_camera_lists_the_known_ones() {
        let cameras = cameras();
        let known = find_camera(&cameras, "ov08x40-wf").map(|camera| camera.name.as_str());
        assert_eq!(known, Ok("OV08X40-WF"));
        let fault = find_camera(&cameras, "webcam").err().expect("unknown");
        assert_eq!(fault.kind, FaultKind::NoCamera);
        assert_eq!(
            fault.to_string(),
            "icamerasrc knows no camera 'webcam': use one of ov02c10-uf, ov08x40-wf"
        );
    }

    /// `videotestsrc` lacks `buffer-count`, as some builds of `icamerasrc` do.
    #[test]
    fn missing_properties_are_not_set() {
        gst::init().expect("GStreamer");
        let element = super::super::make("videotestsrc").expect("videotestsrc");
        set_buffer_count(&element, 7);
        let fault = set_device(&element, "front").expect_err("no such property");
        assert_eq!(fault.kind, FaultKind::Unsupported);
    }

    #[test]
    fn nv12_is_preferred() {
        gst::init().expect("GStreamer");
        let wanted = Wanted {
            width: 640,
            height: 480,
            framerate: 30,
            buffer_count: 7,
        };
        let caps = caps(&wanted);
        let formats: Vec<_> = caps
            .iter()
            .map(|one| one.get::<&str>("format").ok())
            .collect();
        assert_eq!(formats, [Some("NV12"), None]);
    }
}
