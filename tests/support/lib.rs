//! What several tests need.

mod left_out;
mod program;

use std::path::{Path, PathBuf};

pub use left_out::left_out;
pub use program::program;

/// A file or folder of the project.
pub fn in_tree(path: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.canonicalize().expect("the project").join(path)
}
