//! The real applet with a fake desktop.

mod applet;
mod autostart;
mod config;
mod session;
