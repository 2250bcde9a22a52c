//! The state machine.

/// The state of a relay.
#[derive(Debug)]
pub struct State;
