//! The capture worker: one fresh child process per activation, the only place where a camera is opened.
//!
//! The applet starts it as `lenscap capture`, with a socket as standard input. It gets its [`Job`]
//! and the memory of the frame slots ([`protocol`]), gives up what it will not need ([`sandbox`]),
//! loads the camera's plugins, and waits. Told to open, it plays a pipeline whose sink offers the
//! slots as a buffer pool, so that conversion ends in memory that the applet sees; a slot is the
//! applet's from the moment it is announced until it is given back ([`handover`]). Nothing here may
//! outlive the applet ([`lifeline`]), and nothing here is ever reused for a second camera.
//!
//! [`Job`]: protocol::Job

pub mod card;
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
pub mod worker;

/// How far behind everything else stands what is in no hurry: half of what there is.
const BEHIND: i32 = 10;

/// Has this thread let others go first, as those do that it starts: a frame that is due must not wait
/// for a drawing, nor must a camera.
pub fn step_back() {
    if let Err(error) = rustix::process::nice(BEHIND) {
        tracing::debug!("not behind others: {error}");
    }
}
