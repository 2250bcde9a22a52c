//! Loads the vcam driver and works around its first revision's faults: see [`keep_open`].

use std::{
    fs,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Mutex,
};

use anyhow::{Context, Result};
use rustix::io::FdFlags;
use rustix::process::{Pid, PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open};

use crate::{test_bed::run, tools::GuestTools};

static KEPT: Mutex<Vec<OwnedFd>> = Mutex::new(Vec::new());

/// Loads the driver once for all scenarios.
pub fn load(tools: &GuestTools) -> Result<()> {
    if Path::new("/dev/vcam").exists() {
        return Ok(());
    }
    let module = tools
        .vcam()
        .context("there is no vcam.ko beside this program")?;
    for below in ["videodev", "videobuf2-v4l2", "videobuf2-vmalloc"] {
        run("modprobe", &[below])?;
    }
    run("insmod", &[&module.display().to_string()])?;
    run("udevadm", &["settle", "--timeout=10"]).map(drop)
}

/// Keeps an applet's `/dev/vcam` open for ever. When it is closed, the driver frees the camera twice, and after a few
/// applets the kernel crashes. So every applet has a new camera, and older ones remain without a picture.
pub fn keep_open(applet: u32) -> Result<()> {
    let pid = Pid::from_raw(applet.cast_signed()).context("a process id")?;
    let pidfd = pidfd_open(pid, PidfdFlags::empty())?;
    for entry in fs::read_dir(format!("/proc/{applet}/fd"))?.flatten() {
        if fs::read_link(entry.path()).is_ok_and(|file| file == Path::new("/dev/vcam")) {
            let number = entry.file_name().to_string_lossy().parse()?;
            let kept = pidfd_getfd(&pidfd, number, PidfdGetfdFlags::empty())?;
            KEPT.lock().unwrap().push(kept);
        }
    }
    Ok(())
}

/// Passes the open files to a process that runs until power-off, because the end of this one would close them.
pub fn keep_open_beyond() -> Result<()> {
    let kept = KEPT.lock().unwrap();
    for file in kept.iter() {
        rustix::io::fcntl_setfd(file, FdFlags::empty())?;
    }
    if !kept.is_empty() {
        Command::new("sleep")
            .arg("infinity")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
    }
    Ok(())
}

/// The node of the newest camera, which has the highest number.
pub fn newest_node() -> PathBuf {
    let entries = fs::read_dir("/sys/class/video4linux").into_iter().flatten();
    let numbers = entries.flatten().filter_map(|entry| {
        let name = fs::read_to_string(entry.path().join("name")).ok()?;
        let number = entry
            .file_name()
            .to_str()?
            .strip_prefix("video")?
            .parse::<u32>()
            .ok()?;
        (name.trim() == "Lenscap Camera").then_some(number)
    });
    PathBuf::from(format!("/dev/video{}", numbers.max().unwrap_or(0)))
}
