//! What the stand-in is told to do, by environment variables, and the log of what it did.

use std::{env, fs, io::Write, process, str::FromStr, time::Duration};

/// The stand-in's orders.
#[derive(Debug, Clone)]
pub struct Orders {
    /// `STAND_IN_START_MS`: from opening to the first frame, 300 as a sensor that has to settle.
    pub start: Duration,
    /// `STAND_IN_EVERY`: one of so many frames comes, 1 as by day. Sensors give fewer in the dark.
    pub every: u32,
    /// `STAND_IN_SIZES`: what the sensor has, such as `640x480,1280x720`. Any other size negotiates, and stays dark.
    pub sizes: Vec<String>,
    /// `STAND_IN_FAULT`: see [`Fault`].
    fault: Option<Fault>,
    /// `STAND_IN_FAULT_STARTS`: only so many first starts have the fault (by the log, so one is needed).
    fault_starts: usize,
    /// `STAND_IN_WITHOUT_POOL=1`: put up with a downstream that offers no pool, as a bare fakesink.
    pub without_pool: bool,
    /// `STAND_IN_LOG`: a file that gets a line for every opening and closing.
    log: Option<String>,
}

/// A fault, written `kind` or `kind:FRAMES` (so many good frames before it).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The process aborts.
    Crash(u32),
    /// The process gets a segmentation fault.
    Segfault(u32),
    /// No frame any more, and no way to stop the element.
    Hang(u32),
    /// No frame any more.
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

impl Orders {
    /// The orders in the environment; a wrong one is a mistake in a test, and ends the process.
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

    /// The fault of this start; to be asked before the start is noted.
    pub fn fault_now(&self) -> Option<Fault> {
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
