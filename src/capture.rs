//! The capture worker: one fresh child process per activation, the only place where a camera is opened.

pub mod protocol;
pub mod sandbox;
