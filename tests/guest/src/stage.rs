//! Where one scenario plays: a freshly loaded driver, an empty home, and a log of the camera.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, bail, ensure};

use crate::{client::Client, kit::Kit, proc, vcam};

/// How a group of scenarios is to be played.
#[derive(Debug, Clone)]
pub struct Group {
    /// v4l2loopback's series: 0.12, 0.13, 0.15; or vcam.
    pub module: String,
    pub exclusive_caps: bool,
    /// The long forms.
    pub soak: bool,
}

impl Group {
    pub fn is_vcam(&self) -> bool {
        self.module == "vcam"
    }
}

#[derive(Debug)]
pub struct Stage<'a> {
    pub kit: &'a Kit,
    pub group: &'a Group,
    /// Logs, and the user's directories that are not the home.
    pub folder: PathBuf,
    /// Where homes are: the worker is kept out of it, and of what lies around it.
    pub home: PathBuf,
}

impl<'a> Stage<'a> {
    pub fn set(kit: &'a Kit, group: &'a Group) -> Result<Self> {
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
        let stage = Self {
            kit,
            group,
            folder,
            home,
        };
        if group.is_vcam() {
            vcam::load(kit)?;
        } else {
            stage.unload()?;
            stage.load(8)?;
        }
        Ok(stage)
    }

    /// The virtual camera's node; with vcam, the newest applet's.
    pub fn device(&self) -> PathBuf {
        if self.group.is_vcam() {
            vcam::newest_node()
        } else {
            PathBuf::from("/dev/video10")
        }
    }

    /// How the applet is told to use the driver.
    pub fn output(&self) -> &'static str {
        if self.group.is_vcam() {
            "vcam"
        } else {
            "v4l2loopback:/dev/video10"
        }
    }

    /// Does the driver tell when a client streams?
    pub fn reports_streams(&self) -> bool {
        self.group.module != "0.12"
    }

    /// `short` usually, `long` in a soak.
    pub fn length<T>(&self, short: T, long: T) -> T {
        if self.group.soak { long } else { short }
    }

    pub fn camera(&self) -> CameraLog {
        CameraLog {
            path: self.folder.join("camera.log"),
        }
    }

    /// What the applets of this scenario have said so far.
    pub fn applet_log(&self) -> Result<String> {
        Ok(fs::read_to_string(self.folder.join("applet.log"))?)
    }

    /// Sets the camera's size in the config, as an editor saves it: at once.
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

    /// Loads the driver; the applet is to cope with whatever number of buffers it has.
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

    /// Waits until a writer has set its format, without opening the device: that may pin the format.
    #[expect(clippy::unused_self, reason = "it is the stage's device")]
    pub fn wait_for_writer(&self) -> Result<()> {
        let format = "/sys/devices/virtual/video4linux/video10/format";
        wait_until("a writer streams", Duration::from_secs(20), || {
            Ok(!fs::read_to_string(format)?.trim().is_empty())
        })?;
        // From the format to the first frame is a matter of milliseconds.
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

/// The stand-in's own account of when the camera was on.
#[derive(Debug)]
pub struct CameraLog {
    pub path: PathBuf,
}

impl CameraLog {
    /// How often the camera was opened.
    pub fn openings(&self) -> usize {
        self.pids("opened").len()
    }

    /// The process that has the camera open: a dead one has not.
    pub fn holder(&self) -> Option<u32> {
        let closed = self.pids("closed");
        self.pids("opened")
            .into_iter()
            .find(|pid| !closed.contains(pid) && proc::is_running(*pid))
    }

    pub fn wait_until_closed(&self, patience: Duration) -> Result<()> {
        wait_until("the camera is closed", patience, || {
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

/// Runs a command to its end, which has to be a good one.
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

pub fn wait_until(what: &str, patience: Duration, done: impl Fn() -> Result<bool>) -> Result<()> {
    let deadline = Instant::now() + patience;
    while !done()? {
        if Instant::now() > deadline {
            bail!("not within {patience:?}: {what}");
        }
        thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}
