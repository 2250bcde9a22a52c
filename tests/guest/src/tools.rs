//! The programs from the host, copied to memory, and the environment in which `GStreamer` finds the plugin.

use std::{
    env, fs,
    io::{BufRead, BufReader},
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};

use crate::applet::ChildGuard;

/// The plugin and the program under test.
#[derive(Debug)]
pub struct GuestTools {
    folder: PathBuf,
}

impl GuestTools {
    /// Copies the files beside this program from the slow 9p share, and fills the plugin registry, so that no measured
    /// time includes a scan.
    pub fn unpack() -> Result<Self> {
        let share = env::current_exe()?;
        let share = share.parent().context("a program lies in a folder")?;
        let tools = Self {
            folder: PathBuf::from("/opt/lenscap"),
        };
        fs::create_dir_all(&tools.folder)?;
        for name in ["lenscap", "lenscap-fix", "vcam.ko", "libgsticamerasrc.so"] {
            if share.join(name).exists() {
                fs::copy(share.join(name), tools.folder.join(name))?;
            }
        }
        // Previews are for the preferences alone: that is this program here.
        let own = env::current_exe()?;
        symlink(own, tools.folder.join("lenscap-preferences"))?;
        let inspected = tools
            .command("gst-inspect-1.0")
            .arg("icamerasrc")
            .output()?;
        ensure!(
            inspected.status.success(),
            "{}",
            String::from_utf8_lossy(&inspected.stderr)
        );
        Ok(tools)
    }

    /// The vcam driver, if it was built.
    pub fn vcam(&self) -> Option<PathBuf> {
        let module = self.folder.join("vcam.ko");
        module.exists().then_some(module)
    }

    pub fn lenscap(&self) -> PathBuf {
        self.folder.join("lenscap")
    }

    /// A command with the environment for the fake camera.
    pub fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        command
            .env("GST_PLUGIN_PATH", &self.folder)
            .env("GST_REGISTRY", self.folder.join("registry"));
        command
    }

    /// The camera's own start time, alone: from exec to the first buffer.
    pub fn time_to_first_buffer(&self) -> Result<Duration> {
        const CAPS: &str = "video/x-raw,format=NV12,width=640,height=480,framerate=30/1";
        let started = Instant::now();
        let mut command = self.command("gst-launch-1.0");
        command
            .args(["-v", "icamerasrc", "!", CAPS])
            .args(["!", "fakesink", "silent=false"])
            .env("STAND_IN_WITHOUT_POOL", "1")
            .stdout(Stdio::piped());
        let mut child = ChildGuard(command.spawn()?);
        let lines = BufReader::new(child.0.stdout.take().context("stdout is piped")?).lines();
        lines
            .map_while(Result::ok)
            .find(|line| line.contains("chain"))
            .context("no buffer came")?;
        Ok(started.elapsed())
    }
}
