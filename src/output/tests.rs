//! What the tests of several rooms use.

pub mod fake;
pub(crate) mod walk;
