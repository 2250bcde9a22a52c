//! Where the picture goes: virtual cameras.
//!
//! An output is opened once and kept for the applet's life: a writer that closes its device ends
//! the calls of the applications that read from it.

mod find;
mod mapping;
mod v4l2;
mod v4l2loopback;

pub use find::{FoundOutput, find_all, nodes, open};
pub use mapping::Mapping;
pub use v4l2::Device;
pub use v4l2loopback::V4l2loopback;
