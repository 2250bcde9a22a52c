//! A machine for the doctor: set up like an installed one, with one fault at a time.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::{
    applet::ChildGuard,
    test_bed::{TestBed, run},
};

/// The modules for `modprobe`, where DKMS would have installed them.
const UPDATES: &str = "updates/dkms/v4l2loopback.ko";

/// Few of GStreamer's plugins, as scanning all of them would take long.
const PLUGINS: &str = "/opt/plugins";
/// GStreamer's registry.
pub const REGISTRY: &str = "/opt/registry";

/// Our options, and the list of modules to load at boot.
pub const OPTIONS: [&str; 2] = [
    "/etc/modprobe.d/zz-lenscap.conf",
    "/etc/modules-load.d/lenscap.conf",
];

/// Programs in printed fixes that the guest lacks. `sudo` runs its command as the caller, who is root; `dkms` installs a
/// module that was built before; `usermod` and `systemctl` support just the needed arguments.
const STAND_INS: [(&str, &str); 4] = [
    ("/usr/bin/sudo", r#"exec "$@""#),
    (
        "/usr/bin/usermod",
        r#"[ "$1" = -aG ] && sed -i -E "s/^($2:[^:]*:[^:]*:.*[^:])$/\1,$3/; s/^($2:[^:]*:[^:]*:)$/\1$3/" /etc/group"#,
    ),
    (
        "/usr/bin/dkms",
        r#"[ "$1 $2" = "autoinstall -k" ] && install -D /opt/built.ko /lib/modules/$3/updates/dkms/v4l2loopback.ko && depmod $3"#,
    ),
    (
        "/usr/bin/systemctl",
        r#"case "$*" in
  "disable --now "*v4l2-relayd.service) pkill -x v4l2-relayd ;;
  "--user restart pipewire.socket pipewire wireplumber") pipewire >/dev/null 2>&1 & wireplumber >/dev/null 2>&1 & ;;
  *) exit 1 ;;
esac"#,
    ),
];

#[derive(Debug)]
pub struct BrokenMachine<'a> {
    pub bed: &'a TestBed<'a>,
    /// Whether there is a desktop session, in which PipeWire should be running.
    in_session: bool,
}

/// A finding of the doctor.
#[derive(Debug, Clone)]
pub struct Line {
    pub rung: String,
    /// `problem` or `note`.
    pub status: String,
    pub code: String,
    pub what: String,
    pub fix: Option<String>,
    pub action: Option<String>,
}

/// The result of a run of the doctor.
#[derive(Debug)]
pub struct Diagnosis {
    pub lines: Vec<Line>,
    pub code: Option<i32>,
    /// The helper's report.
    pub told: String,
}

impl Diagnosis {
    /// The problems, as `check code`.
    pub fn problems(&self) -> Vec<String> {
        let problems = self.lines.iter().filter(|line| line.status == "problem");
        problems
            .map(|line| format!("{} {}", line.rung, line.code))
            .collect()
    }

    /// The line with this finding, problem or note.
    pub fn line(&self, rung: &str, code: &str) -> Result<&Line> {
        let mut lines = self.lines.iter();
        lines
            .find(|line| line.rung == rung && line.code == code)
            .with_context(|| format!("no {rung} {code} in {:?}", self.lines))
    }

    /// The only problem, which must be this one.
    pub fn only(&self, rung: &str, code: &str) -> Result<&Line> {
        let problems = self.problems();
        ensure!(problems == [format!("{rung} {code}")], "{problems:?}");
        ensure!(self.code == Some(1), "the exit code is {:?}", self.code);
        self.line(rung, code)
    }

    pub fn ensure_well(&self) -> Result<()> {
        ensure!(self.problems().is_empty(), "{:?} {}", self.lines, self.told);
        ensure!(self.code == Some(0), "the exit code is {:?}", self.code);
        Ok(())
    }
}

impl<'a> BrokenMachine<'a> {
    /// Sets the machine up without problems.
    pub fn new(bed: &'a TestBed<'a>) -> Result<Self> {
        let in_session = false;
        let machine = Self { bed, in_session };
        for (path, script) in STAND_INS {
            write_program(path, script)?;
        }
        link(bed.tools.lenscap(), "/usr/bin/lenscap")?;
        fs::create_dir_all(PLUGINS)?;
        for name in ["libgstcoreelements.so", "libgstvideo4linux2.so"] {
            let plugin = Path::new("/usr/lib/x86_64-linux-gnu/gstreamer-1.0").join(name);
            link(plugin, &format!("{PLUGINS}/{name}"))?;
        }
        let built = format!("/lib/modules/v4l2loopback-{}.ko", bed.group.module);
        fs::copy(built, "/opt/built.ko")?;
        run("dkms", &["autoinstall", "-k", &kernel()?])?;
        let helper = bed.tools.lenscap().with_file_name("lenscap-fix");
        run(&helper.display().to_string(), &["write-module-options"])?;
        machine.load(&[])?;
        Ok(machine)
    }

    /// Starts a desktop session, without PipeWire.
    pub fn log_in(&mut self) {
        self.in_session = true;
    }

    pub fn remove_module(&self) -> Result<()> {
        self.bed.unload()?;
        let kernel = kernel()?;
        fs::remove_file(format!("/lib/modules/{kernel}/{UPDATES}"))?;
        run("depmod", &[&kernel]).map(drop)
    }

    /// Reloads the module with its configuration and further options.
    pub fn load(&self, options: &[&str]) -> Result<()> {
        self.bed.unload()?;
        run("modprobe", &[&["v4l2loopback"], options].concat())?;
        run("udevadm", &["settle", "--timeout=10"]).map(drop)
    }

    /// Writes the user's config file.
    pub fn configure(&self, text: &str) -> Result<()> {
        let folder = self.bed.folder.join("config/lenscap");
        fs::create_dir_all(&folder)?;
        Ok(fs::write(folder.join("lenscap.toml"), text)?)
    }

    /// A command with the environment of the user's session.
    pub fn command(&self, program: &str) -> Command {
        let mut command = self.bed.tools.command(program);
        self.set_environment(&mut command);
        command
    }

    fn set_environment(&self, command: &mut Command) {
        command
            .env("HOME", &self.bed.home)
            .env("XDG_CONFIG_HOME", self.bed.folder.join("config"))
            .env("STAND_IN_LOG", self.bed.camera().path)
            .env("GST_PLUGIN_SYSTEM_PATH_1_0", PLUGINS)
            .env("GST_REGISTRY", REGISTRY)
            .stdin(Stdio::null());
        if self.in_session {
            command.env("XDG_RUNTIME_DIR", self.bed.folder.join("runtime"));
        } else {
            command.env_remove("XDG_RUNTIME_DIR");
        }
    }

    /// Whether PipeWire lists a V4L2 camera.
    pub fn is_listed(&self) -> Result<bool> {
        let nodes = self.command("pw-cli").args(["ls", "Node"]).output()?;
        Ok(String::from_utf8_lossy(&nodes.stdout).contains("v4l2_input"))
    }

    /// Runs the doctor.
    pub fn doctor(&self, arguments: &[&str]) -> Result<Diagnosis> {
        let mut command = self.command("lenscap");
        diagnose(command.args(["doctor", "--json"]).args(arguments))
    }

    /// Runs the doctor as a user: with `--init-groups` in a new session, with `--clear-groups` in one without the account's
    /// groups.
    pub fn doctor_as(&self, user: &str, groups: &str) -> Result<Diagnosis> {
        let mut command = self.command("setpriv");
        command
            .args(["--reuid", user, "--regid", user, groups])
            .args(["lenscap", "doctor", "--json"])
            .env_remove("DBUS_SESSION_BUS_ADDRESS");
        diagnose(&mut command)
    }

    /// Runs a program under another name.
    pub fn run_as(&self, name: &str, program: &str, arguments: &[&str]) -> Result<ChildGuard> {
        let path = format!("/usr/bin/{name}");
        fs::copy(program, &path)?;
        let mut command = self.bed.tools.command(path);
        command
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        Ok(ChildGuard(command.spawn()?))
    }

    /// Runs a printed fix.
    pub fn run_fix(&self, fix: &str) -> Result<()> {
        let output = self.command("sh").args(["-c", fix]).output()?;
        let complaint = String::from_utf8_lossy(&output.stderr);
        ensure!(
            output.status.success(),
            "{fix}: {} {complaint}",
            output.status
        );
        run("udevadm", &["settle", "--timeout=10"]).map(drop)
    }
}

/// The running kernel's release.
pub fn kernel() -> Result<String> {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease")?;
    Ok(release.trim().to_owned())
}

fn link(to: impl AsRef<Path>, at: &str) -> Result<()> {
    let _ = fs::remove_file(at);
    Ok(symlink(to, at)?)
}

fn write_program(path: &str, script: &str) -> Result<()> {
    let _ = fs::remove_file(path);
    fs::write(path, format!("#!/bin/sh\n{script}\n"))?;
    Ok(fs::set_permissions(
        path,
        fs::Permissions::from_mode(0o755),
    )?)
}

fn diagnose(command: &mut Command) -> Result<Diagnosis> {
    let output = command.output()?;
    let text = String::from_utf8(output.stdout)?;
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    let lines: Vec<Value> = text
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()
        .with_context(|| text.clone())?;
    ensure!(!lines.is_empty(), "the doctor says nothing: {told}");
    Ok(Diagnosis {
        lines: lines.iter().filter_map(Line::read).collect(),
        code: output.status.code(),
        told,
    })
}

impl Line {
    fn read(line: &Value) -> Option<Self> {
        let text = |key: &str| line[key].as_str().map(str::to_owned);
        Some(Self {
            rung: text("rung")?,
            status: text("status")?,
            code: text("code")?,
            what: text("what")?,
            fix: text("fix"),
            action: text("action"),
        })
    }
}
