//! Lenscap: a virtual camera that is always ready, a real one that is on only while somebody looks.
pub mod capture;
pub mod cli;
pub mod relay;
pub mod settings;
pub mod source;
