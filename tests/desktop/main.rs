//! The real applet and the desktop around it, which the test plays.

mod applet;
mod autostart;
#[path = "../bus/mod.rs"]
#[allow(dead_code)] // here the applet is real
mod bus;
mod config;
#[path = "../logind/mod.rs"]
mod logind;
mod session;
#[path = "../standin/mod.rs"]
#[allow(dead_code)] // logind signals nothing within its answers
mod standin;
