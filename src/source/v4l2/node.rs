//! V4L2 nodes, and which of them are cameras.

use std::fs;
use std::path::{Path, PathBuf};

use crate::settings::{LONGEST_NAME, MessageId, n_, one_line};
use crate::small_file;
use crate::v4l2::{self, Identity};

const CLASS: &str = "/sys/class/video4linux";

const LOOPBACK: MessageId = n_("it is a v4l2loopback device, which shows other programs' pictures");
const VCAM: MessageId = n_("it is a camera of vcam, which shows another program's picture");
const RAW_SENSOR: MessageId = n_("it is a raw sensor node, which needs icamerasrc or libcamera");
const PART: MessageId = n_("it is a part of a camera that libcamera puts together");

/// Supported formats (`V4L2_PIX_FMT_*`): raw video and JPEG, but neither Bayer nor streams such as
/// H.264.
const FORMATS: [&[u8; 4]; 25] = [
    b"YUYV", b"UYVY", b"YVYU", b"VYUY", b"NV12", b"NV21", b"NM12", b"NM21", b"NV16", b"NV61",
    b"NV24", b"YU12", b"YV12", b"YM12", b"422P", b"411P", b"RGB3", b"BGR3", b"RGB4", b"BGR4",
    b"XR24", b"BX24", b"GREY", b"MJPG", b"JPEG",
];

/// A node's properties in sysfs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// The device file.
    pub path: PathBuf,
    /// The driver's name for it.
    pub name: String,
    /// Whether it has the attributes of v4l2loopback.
    pub loopback: bool,
    /// Whether it must be one of vcam, whose node can be opened only once: to open it would block an
    /// application.
    pub vcam: bool,
    /// On USB, the interface and the product, such as `6:1.0-0bda:5532`, without the bus, whose
    /// number changes.
    pub usb: Option<String>,
}

/// All nodes, sorted by number.
pub fn list() -> Vec<Node> {
    list_in(Path::new(CLASS))
}

fn list_in(class: &Path) -> Vec<Node> {
    let entries = fs::read_dir(class).into_iter().flatten().flatten();
    let mut nodes: Vec<_> = entries.filter_map(|entry| node(&entry.path())).collect();
    nodes.sort_by_key(|(number, _)| *number);
    nodes.into_iter().map(|(_, node)| node).collect()
}

fn node(entry: &Path) -> Option<(u32, Node)> {
    let file = entry.file_name()?.to_str()?;
    let number = file.strip_prefix("video")?.parse().ok()?;
    let name = small_file::text(&entry.join("name")).unwrap_or_default();
    Some((
        number,
        Node {
            path: Path::new("/dev").join(file),
            name: one_line(&name, LONGEST_NAME),
            loopback: entry.join("max_openers").exists(),
            vcam: is_vcam(entry, Path::new("/sys/class/misc/vcam").exists()),
            usb: usb(&entry.join("device")),
        },
    ))
}

fn usb(device: &Path) -> Option<String> {
    let interface = device.canonicalize().ok()?;
    let id = |name| small_file::text(&interface.parent()?.join(name)).ok();
    let (vendor, product) = (id("idVendor")?, id("idProduct")?);
    let (_bus, port) = interface.file_name()?.to_str()?.split_once('-')?;
    Some(format!("{port}-{}:{}", vendor.trim(), product.trim()))
}

impl Node {
    /// Parts that identify the camera in other stacks.
    pub fn parts(&self) -> Vec<String> {
        let path = self.path.display().to_string();
        let usb = self.usb.iter().map(|usb| format!("usb {usb}"));
        std::iter::once(path).chain(usb).collect()
    }

    /// Why this node isn't a camera, if sysfs shows that.
    pub fn known_problem(&self) -> Option<MessageId> {
        if self.loopback {
            Some(LOOPBACK)
        } else if self.vcam {
            Some(VCAM)
        } else if is_sensor(&self.name) {
            Some(RAW_SENSOR)
        } else {
            None
        }
    }
}

/// Whether a node without a parent device is vcam's: only v4l2loopback has such nodes, too. `loaded` is
/// whether vcam is.
fn is_vcam(entry: &Path, loaded: bool) -> bool {
    loaded && !entry.join("device").exists()
}

pub fn is_supported(format: [u8; 4]) -> bool {
    FORMATS.contains(&&format)
}

fn is_sensor(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["ipu6", "ipu7"].iter().any(|chip| name.contains(chip))
}

/// Why a device isn't a camera for this source; `None` if it is.
pub fn judge(facts: &Identity, formats: &[[u8; 4]]) -> Option<MessageId> {
    let can = |caps| facts.caps & caps != 0;
    let driver = facts.driver.as_str();
    if driver == "v4l2 loopback" {
        return Some(LOOPBACK);
    }
    if driver == "vcam" {
        return Some(VCAM);
    }
    if ["isys", "intel-ipu6-isys", "intel-ipu7-isys"].contains(&driver) || is_sensor(&facts.card) {
        return Some(RAW_SENSOR);
    }
    if can(v4l2::VIDEO_M2M | v4l2::VIDEO_M2M_MPLANE) {
        return Some(n_("it converts pictures and takes none"));
    }
    if !can(v4l2::VIDEO_CAPTURE | v4l2::VIDEO_CAPTURE_MPLANE) {
        return Some(if can(v4l2::META_CAPTURE | v4l2::META_OUTPUT) {
            n_("it gives data about pictures, no pictures")
        } else if can(v4l2::VIDEO_OUTPUT | v4l2::VIDEO_OUTPUT_MPLANE) {
            n_("it takes pictures and gives none")
        } else {
            n_("it gives no pictures")
        });
    }
    if can(v4l2::IO_MC) {
        return Some(PART);
    }
    (!formats.iter().copied().any(is_supported))
        .then_some(n_("it gives neither raw video nor Motion JPEG"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(driver: &str, card: &str, caps: u32, formats: &[&[u8; 4]], expected: Option<&str>) {
        let facts = Identity {
            driver: driver.to_owned(),
            card: card.to_owned(),
            caps,
        };
        let formats: Vec<_> = formats.iter().map(|format| **format).collect();
        let judged = judge(&facts, &formats);
        match expected {
            Some(part) => {
                let reason = String::from(judged.expect("a reason"));
                assert!(reason.contains(part), "{card}: {reason}");
            }
            None => assert_eq!(judged, None, "{card}"),
        }
    }

    #[test]
    fn only_cameras_are_accepted() {
        let capture = v4l2::VIDEO_CAPTURE;
        check("uvcvideo", "Webcam", capture, &[b"MJPG", b"YUYV"], None);
        check("uvcvideo", "Webcam", capture, &[b"H264"], Some("neither"));
        check("uvcvideo", "Webcam", v4l2::META_CAPTURE, &[], Some("data"));
        check(
            "vivid",
            "vivid",
            v4l2::VIDEO_OUTPUT,
            &[],
            Some("takes pictures"),
        );
        check(
            "vivid",
            "vivid",
            v4l2::VIDEO_CAPTURE_MPLANE,
            &[b"NM12"],
            None,
        );
        check(
            "rkisp",
            "scaler",
            v4l2::VIDEO_M2M | capture,
            &[b"NV12"],
            Some("converts"),
        );
        check(
            "vimc",
            "RGB/YUV Capture",
            capture | v4l2::IO_MC,
            &[b"RGB3"],
            Some("libcamera"),
        );
        check("isys", "x", capture, &[b"BA10"], Some("icamerasrc"));
        check(
            "intel-ipu6-isys",
            "x",
            capture,
            &[b"YUYV"],
            Some("icamerasrc"),
        );
        check(
            "x",
            "Intel IPU7 ISYS Capture 3",
            capture,
            &[b"YUYV"],
            Some("icamerasrc"),
        );
        check(
            "v4l2 loopback",
            "Camera",
            capture,
            &[b"YUYV"],
            Some("v4l2loopback"),
        );
        check("vcam", "Lenscap", capture, &[b"YUYV"], Some("vcam"));
    }

    #[test]
    fn a_vcam_node_is_recognized_without_opening_it() {
        let class = tempfile::tempdir().expect("a temporary directory");
        for entry in ["video0/device", "video1"] {
            fs::create_dir_all(class.path().join(entry)).expect("made");
        }
        let is_vcam = |name, loaded| is_vcam(&class.path().join(name), loaded);
        assert!(is_vcam("video1", true));
        assert!(!is_vcam("video1", false));
        assert!(!is_vcam("video0", true));
        let mut nodes = list_in(class.path());
        nodes[1].vcam = true;
        assert_eq!(nodes[1].known_problem(), Some(VCAM));
    }

    #[test]
    fn nodes_are_sorted_by_number() {
        let class = tempfile::tempdir().expect("a temporary directory");
        for (file, name) in [
            ("video10", "Lenscap"),
            ("video2", "Cam"),
            ("v4l-subdev0", "ov02c10"),
        ] {
            let entry = class.path().join(file);
            fs::create_dir(&entry).expect("made");
            fs::write(entry.join("name"), format!("{name}\n")).expect("written");
        }
        fs::write(class.path().join("video10/max_openers"), "10").expect("written");
        let port = class.path().join("usb1/1-6");
        fs::create_dir_all(port.join("1-6:1.0")).expect("made");
        fs::write(port.join("idVendor"), "0bda\n").expect("written");
        fs::write(port.join("idProduct"), "5532\n").expect("written");
        let device = class.path().join("video2/device");
        std::os::unix::fs::symlink(port.join("1-6:1.0"), device).expect("linked");
        let nodes = list_in(class.path());
        let names: Vec<_> = nodes.iter().map(|node| node.name.as_str()).collect();
        assert_eq!(names, ["Cam", "Lenscap"]);
        assert_eq!(nodes[0].known_problem(), None);
        assert_eq!(nodes[0].parts(), ["/dev/video2", "usb 6:1.0-0bda:5532"]);
        assert_eq!(nodes[1].parts(), ["/dev/video10"]);
        assert_eq!(nodes[1].known_problem(), Some(LOOPBACK));
        assert_eq!(list_in(Path::new("/nonexistent")), []);
    }
}
