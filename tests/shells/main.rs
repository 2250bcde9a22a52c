//! The desktop's side of the applet: tray hosts and notification servers, on a bus of the test's own.

mod keeper;
mod notify;
mod program;
mod session;
mod tray;
