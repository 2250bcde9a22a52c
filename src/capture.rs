//! The capture worker: one fresh child process per activation, the only place where a camera is opened.

pub mod card;
pub mod probe;
pub mod protocol;
pub mod worker;
