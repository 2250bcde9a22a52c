//! The fake camera's configuration in environment variables, and its log.

use std::{env, fs, io::Write, process, str::FromStr, time::Duration};

#[derive(Debug, Clone)]
pub struct CameraConfig {
    /// `STAND_IN_START_MS`: from opening to the first frame; 300 by default, like a real sensor.
    pub start: Duration,
    /// `STAND_IN_EVERY`: only every nth frame is delivered; 1 by default. Sensors deliver fewer in the dark.
    pub every: u32,
    /// `STAND_IN_SIZES`: the sensor's sizes, such as `640x480,1280x720`. Others negotiate, but provide no frame.
    pub sizes: Vec<String>,
    /// `STAND_IN_FAULT`: see [`Fault`].
    fault: Option<Fault>,
    /// `STAND_IN_FAULT_STARTS`: only the first n starts have the fault (counted in the log, which is required).
    fault_starts: usize,
    /// `STAND_IN_WITHOUT_POOL=1`: tolerates a downstream without a pool, such as fakesink.
    pub without_pool: bool,
    /// `STAND_IN_LOG`: a file for a line about every opening and closing.
    log: Option<String>,
}

/// A fault, written `kind` or `kind:FRAMES` (after that many frames).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    Crash(u32),
    /// The process gets a segmentation fault.
    Segfault(u32),
    /// No more frames, and the element can't be stopped.
    Hang(u32),
    Silent(u32),
    /// The element can't be started.
    StartFail,
}

impl FromStr for Fault {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (kind, frames) = text.split_once(':').unwrap_or((text, "0"));
        let frames = frames
            .parse()
            .map_err(|_| format!("no number of frames in {text}"))?;
        match kind {
            "crash" => Ok(Self::Crash(frames)),
            "segfault" => Ok(Self::Segfault(frames)),
            "hang" => Ok(Self::Hang(frames)),
            "silent" => Ok(Self::Silent(frames)),
            "start-fail" => Ok(Self::StartFail),
            _ => Err(format!("no fault {text}")),
        }
    }
}

impl CameraConfig {
    /// From the environment. Panics on invalid values, which are errors in a test.
    pub fn from_env() -> Self {
        Self {
            start: Duration::from_millis(number("STAND_IN_START_MS").unwrap_or(300)),
            every: number("STAND_IN_EVERY")
                .map_or(1, |n| u32::try_from(n).expect("STAND_IN_EVERY")),
            sizes: text("STAND_IN_SIZES")
                .unwrap_or_else(|| "640x480,1280x720,1920x1080".to_owned())
                .split(',')
                .map(str::to_owned)
                .collect(),
            fault: text("STAND_IN_FAULT").map(|fault| fault.parse().expect("STAND_IN_FAULT")),
            fault_starts: number("STAND_IN_FAULT_STARTS").map_or(usize::MAX, |n| {
                usize::try_from(n).expect("STAND_IN_FAULT_STARTS")
            }),
            without_pool: text("STAND_IN_WITHOUT_POOL").is_some(),
            log: text("STAND_IN_LOG"),
        }
    }

    /// The fault of this start; call it before the start is logged.
    pub fn next_fault(&self) -> Option<Fault> {
        self.fault
            .filter(|_| self.starts_so_far() < self.fault_starts)
    }

    /// Appends `opened` or `closed`, the process and the time to the log.
    pub fn note(&self, what: &str) {
        let Some(path) = &self.log else { return };
        let line = format!("{what} {} {}\n", process::id(), crate::picture::now_us());
        let file = fs::OpenOptions::new().create(true).append(true).open(path);
        file.and_then(|mut file| file.write_all(line.as_bytes()))
            .expect("STAND_IN_LOG");
    }

    fn starts_so_far(&self) -> usize {
        let log = self
            .log
            .as_ref()
            .and_then(|path| fs::read_to_string(path).ok());
        log.unwrap_or_default()
            .lines()
            .filter(|line| line.starts_with("opened"))
            .count()
    }
}

fn text(name: &str) -> Option<String> {
    env::var(name).ok().filter(|text| !text.is_empty())
}

fn number(name: &str) -> Option<u64> {
    text(name).map(|text| {
        text.parse()
            .unwrap_or_else(|_| panic!("no number in {name}"))
    })
}
