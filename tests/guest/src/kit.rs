//! What the host handed over, put where it runs fast, and the environment that `GStreamer` needs to find it.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};

/// Our plugin, and the program under test.
#[derive(Debug)]
pub struct Kit {
    folder: PathBuf,
}

impl Kit {
    /// Copies all that lies beside this program out of the slow 9p share, and fills the plugin registry once, so that
    /// no timing has a registry scan in it.
    pub fn unpack() -> Result<Self> {
        let share = env::current_exe()?;
        let share = share.parent().context("a program lies in a folder")?;
        let kit = Self {
            folder: PathBuf::from("/opt/lenscap"),
        };
        fs::create_dir_all(&kit.folder)?;
        for name in ["lenscap", "lenscap-fix", "vcam.ko", "libgsticamerasrc.so"] {
            if share.join(name).exists() {
                fs::copy(share.join(name), kit.folder.join(name))?;
            }
        }
        let inspected = kit.command("gst-inspect-1.0").arg("icamerasrc").output()?;
        ensure!(
            inspected.status.success(),
            "{}",
            String::from_utf8_lossy(&inspected.stderr)
        );
        Ok(kit)
    }

    /// The driver that is no part of the guest, if it was built.
    pub fn vcam(&self) -> Option<PathBuf> {
        let module = self.folder.join("vcam.ko");
        module.exists().then_some(module)
    }

    pub fn lenscap(&self) -> PathBuf {
        self.folder.join("lenscap")
    }

    /// A command that finds the stand-in.
    pub fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        command
            .env("GST_PLUGIN_PATH", &self.folder)
            .env("GST_REGISTRY", self.folder.join("registry"));
        command
    }
}
