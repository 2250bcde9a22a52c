//! A stand-in for icamerasrc: a `GStreamer` plugin that behaves, and misbehaves, like the camera stack it replaces.
//!
//! Put its folder on `GST_PLUGIN_PATH`; [`orders::Orders`] lists the environment variables that give it faults.
//! [`picture`] is what it draws, in a form that a client can check: which frame, taken when, torn or whole.

mod element;
pub mod http;
pub mod metronome;
pub mod orders;
pub mod picture;

use element::register;

gstreamer::plugin_define!(
    icamerasrc,
    "A stand-in for icamerasrc",
    register,
    env!("CARGO_PKG_VERSION"),
    "MIT/X11",
    "lenscap-guest",
    "lenscap",
    "https://gstreamer.freedesktop.org"
);
