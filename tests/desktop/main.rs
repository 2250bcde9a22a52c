//! The real applet and the desktop around it, which the test plays.

mod applet;
mod autostart;
mod config;
mod session;
