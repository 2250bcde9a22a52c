//! Diagnosis of the set-up: what is wrong, why it matters, and how to fix it.
//!
//! The [`Check`]s run in order, from the camera to the applications. `gather` collects the facts
//! once, with a time limit for each probe; `judge` is pure and turns facts into findings; `to_text`
//! and `to_json` render them. [`Action`]s that need root are carried out by the helper `lenscap-fix`,
//! the others by this process.
//!
//! The README lists the same checks; a test compares them.

mod action;
mod check;
mod facts;
mod finding;
mod helper;
mod judge;
mod permissions;
mod probe;
mod render;

pub use action::{Action, RootAction};
pub use check::Check;
pub(crate) use finding::{CheckResult, Finding, Outcome, Severity};
pub(crate) use helper::{FixError, Helper};
pub(crate) use judge::judge;
pub(crate) use permissions::reset as reset_permissions;
pub(crate) use probe::gather;
pub(crate) use render::{to_json, to_text};
