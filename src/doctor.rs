//! What is wrong with the set-up, why it matters, and what mends it.
//!
//! One ladder, climbed from the camera to the applications. [`Facts`] are gathered once, each probe
//! bounded in time; [`judge`] is pure and says of every [`Rung`] what it found there; rendering
//! ([`to_text`], [`to_json`]) knows no probes. Of the [`Action`]s, those that need root are done by
//! the helper `lenscap-fix`, whose list they are, and the rest by this process.
//!
//! The README's ladder is this one: a test compares them.

mod action;
mod facts;
mod helper;
mod judge;
mod permissions;
mod probe;
mod render;
mod rung;
mod verdict;

pub use action::Action;
pub use facts::Facts;
pub use helper::{Failure, Helper};
pub use judge::judge;
pub use permissions::reset as reset_permissions;
pub use probe::gather;
pub use render::{to_json, to_text};
pub use rung::Rung;
pub use verdict::{Finding, Outcome, Severity, Verdict};
