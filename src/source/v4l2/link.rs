//! The names that udev gives to a node, which stay when its number changes.

use std::fs;
use std::path::{Path, PathBuf};

/// The directories of such names, the best first: by the product and its serial number, then by the
/// socket it is plugged into.
const DIRS: [&str; 2] = ["/dev/v4l/by-id", "/dev/v4l/by-path"];

/// A lasting name of this node.
pub fn to(node: &Path) -> Option<PathBuf> {
    DIRS.iter().find_map(|dir| to_in(Path::new(dir), node))
}

fn to_in(dir: &Path, node: &Path) -> Option<PathBuf> {
    let node = node.canonicalize().ok()?;
    let links = fs::read_dir(dir).ok()?.flatten().map(|entry| entry.path());
    let leads_there = |link: &PathBuf| link.canonicalize().is_ok_and(|target| target == node);
    // The first in order: the kernel lists them in none.
    links.filter(leads_there).min()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_node_is_found_behind_its_links() {
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
