//! What the tests of other rooms use.

pub mod fake;
