//! The vcam driver, with its first revision's faults kept from the tests: see [`keep_open`].

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

use crate::{kit::Kit, stage::run};

static KEPT: Mutex<Vec<OwnedFd>> = Mutex::new(Vec::new());

/// Loads the driver, once: it has one instance for all.
pub fn load(kit: &Kit) -> Result<()> {
    if Path::new("/dev/vcam").exists() {
        return Ok(());
    }
    let module = kit
        .vcam()
        .context("there is no vcam.ko beside this program")?;
    for below in ["videodev", "videobuf2-v4l2", "videobuf2-vmalloc"] {
        run("modprobe", &[below])?;
    }
    run("insmod", &[&module.display().to_string()])?;
    run("udevadm", &["settle", "--timeout=10"]).map(drop)
}

/// Holds an applet's `/dev/vcam` open for good. When it is closed the driver frees the camera twice, and after a few
/// applets the kernel would be gone. So every applet gets a camera of its own, and the older ones stay, without a picture.
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

/// Hands what is kept open to a process that lives until the power is off: this one's end would close it all.
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

/// The node of the newest camera: the older ones keep their numbers.
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
