//! The vcam driver: on disk, in the kernel, and the node for its memory.

use std::path::Path;

use super::{camera, module};
use crate::doctor::facts::{NodeAccess, VcamFacts};
use crate::output::{UDMABUF, VCAM};

pub fn gather(root: &Path, kernel: &str) -> VcamFacts {
    let tree = root.join("lib/modules").join(kernel);
    VcamFacts {
        installed: module::find_any(&tree, &["vcam"]).is_some(),
        control: node(root, VCAM),
        udmabuf: node(root, UDMABUF),
    }
}

fn node(root: &Path, path: &str) -> Option<NodeAccess> {
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
    fn the_driver_is_found_by_its_nodes_and_its_module() {
        let root = machine(&[("lib/modules/6.20/modules.dep", "kernel/vcam.ko.zst:\n")]);
        let on_disk = VcamFacts {
            installed: true,
            ..VcamFacts::default()
        };
        assert_eq!(gather(root.path(), "6.20"), on_disk);
        assert_eq!(gather(root.path(), "6.12"), VcamFacts::default());
        let root = machine(&[("dev/vcam", ""), ("dev/udmabuf", "")]);
        fs::set_permissions(root.path().join("dev/vcam"), Permissions::from_mode(0o600)).unwrap();
        let found = gather(root.path(), "6.20");
        let nodes = [found.control.unwrap(), found.udmabuf.unwrap()];
        let nodes = nodes.map(|node| (node.path.display().to_string(), node.open));
        let expected = ["/dev/vcam", "/dev/udmabuf"].map(|path| (path.to_owned(), true));
        assert_eq!(nodes, expected);
    }
}
