//! A fake icamerasrc: a `GStreamer` plugin that behaves like the camera stack it replaces, including its faults.
//!
//! Put its folder on `GST_PLUGIN_PATH`; [`config::CameraConfig`] lists the environment variables that control it. Clients
//! can check each [`picture`]: its frame number, its capture time, and whether it is torn.

pub mod config;
mod element;
pub mod http;
pub mod picture;
pub mod stall_monitor;

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
