//! Tray and notifications with fake hosts and servers on a private bus.

mod keeper;
mod notify;
mod program;
mod session;
mod tray;
