//! What `lenscap-fix` can do, and the facts about the system that it and the doctor share.

pub mod module;
pub mod relayd;
mod root_action;

pub use root_action::RootAction;
