//! What several tests need: programs that play the other side, sessions, and places.
//!
//! A test's `unwrap` and `expect` are its own here, too.

#![allow(missing_docs, reason = "names say it, to the tests alone")]
#![allow(
    clippy::return_self_not_must_use,
    reason = "a test that drops one fails"
)]
#![allow(clippy::new_without_default, reason = "what is started has no default")]

pub mod applet;
pub mod bus;
pub mod desktop;
pub mod fake_applet;
pub mod host;
mod left_out;
pub mod logind;
pub mod machine;
pub mod preview;
mod program;
pub mod server;
pub mod session;
pub mod standin;
pub mod wireplumber;

use std::path::{Path, PathBuf};

pub use left_out::left_out;
pub use program::{applet_of_this_test, program};

/// A file or folder of the project.
pub fn in_tree(path: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.canonicalize().expect("the project").join(path)
}
