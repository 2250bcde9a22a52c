//! The environment of a scenario: a freshly loaded driver, an empty home, and the camera's log.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, bail, ensure};

use crate::{client::Client, proc, tools::GuestTools, vcam};

/// Parameters of a run of scenarios.
#[derive(Debug, Clone)]
pub struct Group {
    /// v4l2loopback's series: 0.12, 0.13, 0.15; or vcam.
    pub module: String,
    pub exclusive_caps: bool,
    /// Long scenarios.
    pub soak: bool,
}

impl Group {
    pub fn is_vcam(&self) -> bool {
        self.module == "vcam"
    }
}

#[derive(Debug)]
pub struct TestBed<'a> {
    pub tools: &'a GuestTools,
    pub group: &'a Group,
    /// Logs and XDG directories.
    pub folder: PathBuf,
    /// The parent of the home directory, which the sandbox hides.
    pub home: PathBuf,
}

impl<'a> TestBed<'a> {
    pub fn set(tools: &'a GuestTools, group: &'a Group) -> Result<Self> {
        let folder = PathBuf::from("/tmp/stage");
        let home = PathBuf::from("/home/user");
        for old in [&folder, &home]
            .into_iter()
            .filter(|folder| folder.exists())
        {
            fs::remove_dir_all(old)?;
        }
        for new in [&home, &folder.join("config"), &folder.join("runtime")] {
            fs::create_dir_all(new)?;
        }
        let bed = Self {
            tools,
            group,
            folder,
            home,
        };
        if group.is_vcam() {
            vcam::load(tools)?;
        } else {
            bed.unload()?;
            bed.load(8)?;
        }
        Ok(bed)
    }

    /// The virtual camera's node; with vcam, the newest applet's.
    pub fn device(&self) -> PathBuf {
        if self.group.is_vcam() {
            vcam::newest_node()
        } else {
            PathBuf::from("/dev/video10")
        }
    }

    /// The applet's option for the driver.
    pub fn output(&self) -> &'static str {
        if self.group.is_vcam() {
            "vcam"
        } else {
            "v4l2loopback:/dev/video10"
        }
    }

    /// Whether the driver reports which clients stream.
    pub fn reports_streams(&self) -> bool {
        self.group.module != "0.12"
    }

    /// `short`, or `long` in a soak test.
    pub fn length<T>(&self, short: T, long: T) -> T {
        if self.group.soak { long } else { short }
    }

    pub fn camera(&self) -> CameraLog {
        CameraLog {
            path: self.folder.join("camera.log"),
        }
    }

    /// The log of this scenario's applets.
    pub fn applet_log(&self) -> Result<String> {
        Ok(fs::read_to_string(self.folder.join("applet.log"))?)
    }

    /// Sets the camera's size in the config file, which is replaced as by an editor.
    pub fn set_size(&self, width: u32, height: u32) -> Result<()> {
        let folder = self.folder.join("config/lenscap");
        fs::create_dir_all(&folder)?;
        let text =
            format!("[camera]\nwidth = {width}\nheight = {height}\n[desktop]\ntray = false\n");
        fs::write(folder.join("new.toml"), text)?;
        Ok(fs::rename(
            folder.join("new.toml"),
            folder.join("lenscap.toml"),
        )?)
    }

    pub fn client(&self) -> Result<Client> {
        Client::start(&self.device())
    }

    /// Loads the driver with this number of buffers.
    pub fn load(&self, max_buffers: u32) -> Result<()> {
        run("modprobe", &["videodev"])?;
        let file = format!("/lib/modules/v4l2loopback-{}.ko", self.group.module);
        let caps = format!("exclusive_caps={}", u8::from(self.group.exclusive_caps));
        let buffers = format!("max_buffers={max_buffers}");
        run(
            "insmod",
            &[&file, "video_nr=10", "card_label=Lenscap", &caps, &buffers],
        )?;
        run("udevadm", &["settle", "--timeout=10"])?;
        ensure!(
            self.device().exists(),
            "the driver made no {}",
            self.device().display()
        );
        Ok(())
    }

    /// Waits until a writer has set its format, without opening the device, which would fix the format.
    #[expect(clippy::unused_self, reason = "it is the stage's device")]
    pub fn wait_for_writer(&self) -> Result<()> {
        let format = "/sys/devices/virtual/video4linux/video10/format";
        wait_until("a writer streams", Duration::from_secs(20), || {
            Ok(!fs::read_to_string(format)?.trim().is_empty())
        })?;
        // The first frame follows within milliseconds.
        thread::sleep(Duration::from_millis(500));
        Ok(())
    }

    #[expect(clippy::unused_self, reason = "reads as the opposite of load")]
    pub fn unload(&self) -> Result<()> {
        if Path::new("/sys/module/v4l2loopback").exists() {
            run("rmmod", &["v4l2loopback"])?;
        }
        Ok(())
    }
}

/// The fake camera's log of when it was on.
#[derive(Debug)]
pub struct CameraLog {
    pub path: PathBuf,
}

impl CameraLog {
    /// The number of times the camera was opened.
    pub fn openings(&self) -> usize {
        self.pids("opened").len()
    }

    /// The live process that has the camera open.
    pub fn holder(&self) -> Option<u32> {
        let closed = self.pids("closed");
        self.pids("opened")
            .into_iter()
            .find(|pid| !closed.contains(pid) && proc::is_running(*pid))
    }

    pub fn wait_until_closed(&self, timeout: Duration) -> Result<()> {
        wait_until("the camera is closed", timeout, || {
            Ok(self.holder().is_none())
        })
    }

    fn pids(&self, what: &str) -> Vec<u32> {
        let log = fs::read_to_string(&self.path).unwrap_or_default();
        log.lines()
            .filter_map(|line| {
                line.strip_prefix(what)?
                    .split_whitespace()
                    .next()?
                    .parse()
                    .ok()
            })
            .collect()
    }
}

/// Runs a command, which must succeed, and returns its output.
pub fn run(program: &str, arguments: &[&str]) -> Result<String> {
    let done = Command::new(program).args(arguments).output()?;
    let output = String::from_utf8_lossy(&done.stdout).into_owned();
    let complaint = String::from_utf8_lossy(&done.stderr);
    ensure!(
        done.status.success(),
        "{program} {arguments:?}: {} {output}{complaint}",
        done.status
    );
    Ok(output)
}

pub fn wait_until(what: &str, timeout: Duration, done: impl Fn() -> Result<bool>) -> Result<()> {
    let deadline = Instant::now() + timeout;
    while !done()? {
        if Instant::now() > deadline {
            bail!("not within {timeout:?}: {what}");
        }
        thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}
