//! The settings as the core needs them: how clients are noticed, how long to wait for what, and what
//! covers the camera.

use std::time::Duration;

use crate::settings::{Delay, Settings, SourceSpec};

/// How an output's clients are noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Watch {
    /// The driver's event: it distinguishes streams from opens.
    UsageEvent,
    /// Opens and closes of the device node, confirmed by /proc.
    Inotify,
    /// The driver's call that waits for streams to begin and to end.
    VcamWait,
    /// The state of our stream: PipeWire runs it while a consumer is linked to it and plays.
    Pipewire,
}

impl Watch {
    /// The name in the status.
    pub fn name(self) -> &'static str {
        match self {
            Self::UsageEvent => "usage-event",
            Self::Inotify => "inotify",
            Self::VcamWait => "vcam-wait",
            Self::Pipewire => "pipewire",
        }
    }
}

/// A client that leaves may be back at once: Chromium restarts its stream within this time.
const DEBOUNCE: Duration = Duration::from_millis(300);
/// The delay where only opens are seen: long enough for every application's device list.
const DELAY_BY_OPENS: Duration = Duration::from_millis(1000);
/// How long a camera may take to its first frame. Covers a size that the sensor lacks: it
/// negotiates and then gives nothing.
const START_TIMEOUT: Duration = Duration::from_secs(10);
/// Shorter poll intervals would only waste processor time.
const LEAST_POLL: Duration = Duration::from_millis(10);
/// The least time without a frame that counts as silence.
const LEAST_SILENCE: Duration = Duration::from_secs(1);
/// The same for a camera in the network: a wireless one pauses when it changes stations.
const LEAST_SILENCE_IN_NETWORK: Duration = Duration::from_secs(4);
/// Frame times without a frame that count as silence, where that is longer.
const SILENT_FRAMES: u32 = 10;

/// How long to wait for what, and what covers the camera.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// From a client's first sign to opening the camera.
    pub activation: Delay,
    /// From the last client's end to believing it.
    pub debounce: Duration,
    /// From the last client's leaving to closing the camera.
    pub cooldown: Duration,
    /// How often known holders are checked while only opens are seen.
    pub poll_interval: Duration,
    /// From opening the camera to its first frame, at most.
    pub start_timeout: Duration,
    /// From one frame to the next, at most.
    pub silence: Duration,
    /// Whether a locked screen covers the camera.
    pub cover_when_locked: bool,
}

impl Plan {
    /// Resolves what the settings leave open.
    pub fn new(settings: &Settings) -> Self {
        let least_silence = match settings.camera.source {
            SourceSpec::Network(_) => LEAST_SILENCE_IN_NETWORK,
            _ => LEAST_SILENCE,
        };
        let frame_time = Duration::from_secs(1) / settings.camera.framerate;
        Self {
            activation: settings.delays.activation,
            debounce: DEBOUNCE,
            cooldown: settings.delays.cooldown,
            poll_interval: settings.delays.poll_interval.max(LEAST_POLL),
            start_timeout: START_TIMEOUT,
            silence: (frame_time * SILENT_FRAMES).max(least_silence),
            cover_when_locked: settings.desktop.cover_when_locked,
        }
    }

    /// From a client's first sign to opening the camera, by the way in which it was noticed.
    pub fn activation_delay(&self, watch: Watch) -> Duration {
        match (self.activation, watch) {
            (Delay::Fixed(delay), _) => delay,
            (Delay::Auto, Watch::UsageEvent | Watch::VcamWait | Watch::Pipewire) => Duration::ZERO,
            (Delay::Auto, Watch::Inotify) => DELAY_BY_OPENS,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delay_is_zero_only_where_streams_are_told_from_opens() {
        let plan = Plan::new(&Settings::default());
        let delay = |watch| plan.activation_delay(watch).as_millis();
        assert_eq!(delay(Watch::UsageEvent), 0);
        assert_eq!(delay(Watch::VcamWait), 0);
        assert_eq!(delay(Watch::Pipewire), 0);
        assert_eq!(delay(Watch::Inotify), 1000);
    }

    #[test]
    fn silence_is_ten_frames_but_at_least_a_second() {
        let mut settings = Settings::default();
        let mut silence = |framerate| {
            settings.camera.framerate = framerate;
            Plan::new(&settings).silence.as_millis()
        };
        assert_eq!(silence(30), 1000);
        assert_eq!(silence(5), 2000);
        let settings = &mut Settings::default();
        settings.camera.source = "rtsp://camera".parse().expect("a source");
        let plan = Plan::new(settings);
        assert_eq!(plan.silence.as_millis(), 4000);
    }
}
