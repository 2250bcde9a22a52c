//! Who is looking: signs of clients, as the kernel and PipeWire give them. What they mean is the relay's affair.

mod holders;
mod node;
mod pipewire;
mod usage_event;
mod vcam_wait;

pub use holders::{find_holders, name, still_holding};
pub use node::{NodeWatch, Traffic};
pub use pipewire::Viewers;
pub use usage_event::UsageEvent;
pub use vcam_wait::watch_vcam;
