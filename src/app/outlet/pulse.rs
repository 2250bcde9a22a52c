//! The pulse of an output that somebody streams from: a picture at the nominal rate, whatever the
//! camera does.
//!
//! A driver could repeat the last frame by itself (`sustain_framerate`), but does so under the index
//! that a client may still hold: GStreamer takes that for a driver's bug and ends the stream.

use std::time::Duration;

use glib::translate::ToGlibPtr;
use glib::{ControlFlow, MainContext, Source};

use crate::descriptor::Watched;

/// Fires at every frame time that nobody puts it off.
pub struct Pulse {
    source: Option<Source>,
    frame_time: Duration,
    _watched: Watched,
}

impl Pulse {
    /// Calls `beat` at this rate, until it breaks.
    pub fn new(framerate: u32, beat: impl FnMut() -> ControlFlow + 'static) -> Self {
        let frame_time = Duration::from_secs(1) / framerate;
        let id = glib::timeout_add_local(frame_time, beat);
        Self {
            source: MainContext::default().find_source_by_id(&id),
            frame_time,
            _watched: Watched::new(id),
        }
    }

    /// A camera frame was shown. The next may take twice its time and a little more: sensors halve
    /// their rate in the dark, and a repeat between would only get in their frames' way.
    pub fn after_frame(&self) {
        self.put_off(self.frame_time * 9 / 4);
    }

    /// A placeholder was shown.
    pub fn after_card(&self) {
        self.put_off(self.frame_time);
    }

    fn put_off(&self, by: Duration) {
        let Some(source) = &self.source else {
            return;
        };
        let now = glib::monotonic_time();
        let at = i64::try_from(by.as_micros()).map_or(i64::MAX, |by| now.saturating_add(by));
        // SAFETY: the source is alive, destroyed or not, and the call only sets a time of it.
        unsafe { glib::ffi::g_source_set_ready_time(source.to_glib_none().0, at) };
    }
}
