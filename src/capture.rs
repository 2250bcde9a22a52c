//! The capture worker: one fresh child process per activation, the only place where a camera is opened.
//!
//! The applet starts it as `lenscap capture`, with a socket as standard input. It receives its [`Job`]
//! and the memory of the frame slots ([`protocol`]), confines itself ([`sandbox`]), loads the camera's
//! plugins, and waits. On `Open`, it plays a pipeline whose sink offers the slots as a buffer pool, so
//! that conversion writes directly to memory shared with the applet; a slot belongs to the applet from
//! its announcement until its release (`handover`). No worker outlives the applet (`lifeline`) or
//! opens a second camera.
//!
//! [`Job`]: protocol::Job

pub mod card;
pub mod child;
mod diagnosis;
pub mod elements;
mod handover;
pub mod ledger;
mod lifeline;
mod pipeline;
mod pool;
pub mod probe;
pub mod protocol;
pub mod sandbox;
mod sink;
mod slots;
mod stdout;
mod waiting;
pub mod worker;

/// The nice level of background work, half of the range.
const NICE: i32 = 10;

/// Lowers the priority of this thread and of those that it starts, so that drawing never delays a
/// frame or the start of a camera.
pub fn lower_priority() {
    if let Err(error) = rustix::process::nice(NICE) {
        tracing::debug!("cannot lower the priority: {error}");
    }
}
