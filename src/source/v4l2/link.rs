//! udev's stable names for nodes.

use std::fs;
use std::path::{Path, PathBuf};

/// In order of preference: by product and serial number, by port.
const DIRS: [&str; 2] = ["/dev/v4l/by-id", "/dev/v4l/by-path"];

/// A stable name of this node.
pub fn to(node: &Path) -> Option<PathBuf> {
    DIRS.iter().find_map(|dir| to_in(Path::new(dir), node))
}

fn to_in(dir: &Path, node: &Path) -> Option<PathBuf> {
    let node = node.canonicalize().ok()?;
    let links = fs::read_dir(dir).ok()?.flatten().map(|entry| entry.path());
    let leads_there = |link: &PathBuf| link.canonicalize().is_ok_and(|target| target == node);
    // The smallest name, as directories are unsorted.
    links.filter(leads_there).min()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn the_link_to_a_node_is_found() {
        let dev = tempfile::tempdir().expect("a temporary directory");
        let (dir, node) = (dev.path().join("by-id"), dev.path().join("video0"));
        fs::create_dir(&dir).expect("made");
        for name in ["video0", "video1"] {
            fs::write(dev.path().join(name), "").expect("written");
        }
        symlink("../video1", dir.join("usb-a")).expect("linked");
        symlink("../video0", dir.join("usb-c")).expect("linked");
        symlink("../video0", dir.join("usb-b")).expect("linked");
        symlink("../gone", dir.join("usb-0")).expect("linked");
        assert_eq!(to_in(&dir, &node), Some(dir.join("usb-b")));
        assert_eq!(to_in(&dir, &dev.path().join("video2")), None);
        assert_eq!(to_in(&dev.path().join("none"), &node), None);
    }
}
