//! Which processes have a device open, and what people call them.

mod holders;

pub use holders::{believed_name, find_holders, name, runs, still_holding};
