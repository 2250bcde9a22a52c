//! The desktop's side of the applet: tray hosts and notification servers, on a bus of the test's own.

#[path = "../bus/daemon.rs"]
mod daemon;
mod desktop;
mod host;
mod keeper;
mod notify;
mod program;
mod server;
mod session;
mod tray;
