//! The vcam driver: in the kernel, on disk, and what it needs.

use std::path::Path;

use super::{camera, module};
use crate::doctor::facts::{Node, Vcam};
use crate::output::{UDMABUF, VCAM};

/// What is known of the driver, for this kernel release.
pub fn gather(root: &Path, kernel: &str) -> Vcam {
    let tree = root.join("lib/modules").join(kernel);
    Vcam {
        installed: module::find_any(&tree, &["vcam"]).is_some(),
        control: node(root, VCAM),
        udmabuf: node(root, UDMABUF),
    }
}

fn node(root: &Path, path: &str) -> Option<Node> {
    let exists = root.join(path.trim_start_matches('/')).exists();
    exists.then(|| camera::node(root, path.into(), false))
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::doctor::probe::tests::machine;

    #[test]
    fn the_driver_is_known_by_its_nodes_and_its_module() {
        let root = machine(&[("lib/modules/6.20/modules.dep", "kernel/vcam.ko.zst:\n")]);
        let on_disk = Vcam {
            installed: true,
            ..Vcam::default()
        };
        assert_eq!(gather(root.path(), "6.20"), on_disk);
        assert_eq!(gather(root.path(), "6.12"), Vcam::default());
        let root = machine(&[("dev/vcam", ""), ("dev/udmabuf", "")]);
        fs::set_permissions(root.path().join("dev/vcam"), Permissions::from_mode(0o600)).unwrap();
        let found = gather(root.path(), "6.20");
        let nodes = [found.control.unwrap(), found.udmabuf.unwrap()];
        let nodes = nodes.map(|node| (node.path.display().to_string(), node.open));
        let expected = ["/dev/vcam", "/dev/udmabuf"].map(|path| (path.to_owned(), true));
        assert_eq!(nodes, expected);
    }
}
