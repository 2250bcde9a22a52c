//! Which processes have a device open, and what people call them.

mod holders;

pub use holders::{find_holders, name, runs, still_holding};
