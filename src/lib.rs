//! Lenscap: a virtual camera that is always ready, a real one that is on only while somebody looks.
pub mod app;
pub mod capture;
pub mod cli;
pub mod clients;
pub mod config;
pub mod dbus;
pub mod instance;
pub mod output;
pub mod placeholder;
pub mod relay;
pub mod report;
pub mod settings;
pub mod source;
