//! The program under test: started with options, controlled over D-Bus, and ended with the scenario.

use std::{
    collections::BTreeMap,
    fs::File,
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use glib::variant::{ToVariant, Variant};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::{
    proc,
    test_bed::{TestBed, run, wait_until},
    vcam,
};

const NAME: &str = "io.github.lenscap.Lenscap";
const PATH: &str = "/io/github/lenscap/Lenscap";
const INTERFACE: &str = "io.github.lenscap.Lenscap1";

/// Replaced by the test bed's driver.
const STAGES_OWN: &str = "stage";
/// Starting takes a second or two in emulation.
const START: Duration = Duration::from_secs(20);

/// Options and environment of an applet.
#[derive(Debug)]
pub struct AppletBuilder {
    options: BTreeMap<&'static str, String>,
    /// Further values of options.
    others: Vec<(&'static str, String)>,
    environment: BTreeMap<&'static str, String>,
}

impl Default for AppletBuilder {
    /// The fake camera at a size that an emulated processor can handle.
    fn default() -> Self {
        let options = [
            ("--source", "icamerasrc"),
            ("--output", STAGES_OWN),
            ("--width", "640"),
            ("--height", "480"),
            ("--framerate", "30"),
            ("--activation-delay-ms", "500"),
            ("--cooldown-ms", "1000"),
        ];
        Self {
            options: options
                .map(|(option, value)| (option, value.to_owned()))
                .into(),
            others: Vec::new(),
            environment: BTreeMap::new(),
        }
    }
}

impl AppletBuilder {
    pub fn option(mut self, option: &'static str, value: impl ToString) -> Self {
        self.options.insert(option, value.to_string());
        self
    }

    /// Adds a further value of an option.
    pub fn also(mut self, option: &'static str, value: impl ToString) -> Self {
        self.others.push((option, value.to_string()));
        self
    }

    pub fn without(mut self, option: &'static str) -> Self {
        self.options.remove(option);
        self
    }

    /// Uses the size in the config file, which may change.
    pub fn sized_by_config(self) -> Self {
        self.without("--width").without("--height")
    }

    /// A fault of the fake camera's first `starts` starts.
    pub fn fault(mut self, fault: &str, starts: u32) -> Self {
        self.environment.insert("STAND_IN_FAULT", fault.to_owned());
        self.environment
            .insert("STAND_IN_FAULT_STARTS", starts.to_string());
        self
    }

    pub fn environment(mut self, name: &'static str, value: impl ToString) -> Self {
        self.environment.insert(name, value.to_string());
        self
    }

    /// Starts it and waits until it is ready for clients.
    pub fn start(self, bed: &TestBed) -> Result<Applet> {
        let applet = self.start_unready(bed)?;
        applet.wait_for_state("idle", START)?;
        if bed.group.is_vcam() {
            vcam::keep_open(applet.pid())?;
            applet.wait_until_alone()?;
        }
        Ok(applet)
    }

    /// Starts it and waits until it is on the bus.
    pub fn start_unready(self, bed: &TestBed) -> Result<Applet> {
        let child = self.command(bed)?.spawn().context("starting lenscap")?;
        let bus = gio::bus_get_sync(gio::BusType::Session, gio::Cancellable::NONE)?;
        let applet = Applet { child, bus };
        let deadline = Instant::now() + START;
        while let Err(error) = applet.state() {
            ensure!(applet.is_running(), "lenscap ended at once");
            ensure!(
                Instant::now() < deadline,
                "lenscap is not on the bus: {error}"
            );
            thread::sleep(Duration::from_millis(50));
        }
        Ok(applet)
    }

    /// Starts it without a session bus.
    pub fn start_without_bus(self, bed: &TestBed) -> Result<ChildGuard> {
        let mut command = self.command(bed)?;
        Ok(ChildGuard(
            command.env_remove("DBUS_SESSION_BUS_ADDRESS").spawn()?,
        ))
    }

    fn command(&self, bed: &TestBed) -> Result<Command> {
        let log = File::options()
            .create(true)
            .append(true)
            .open(bed.folder.join("applet.log"))?;
        let mut command = bed.tools.command(bed.tools.lenscap());
        command.arg("run").arg("--no-tray");
        for (option, value) in &self.options {
            let value = match value.as_str() {
                STAGES_OWN => bed.output(),
                value => value,
            };
            command.arg(option).arg(value);
        }
        for (option, value) in &self.others {
            command.arg(option).arg(value);
        }
        command
            .env("HOME", &bed.home)
            .env("XDG_CONFIG_HOME", bed.folder.join("config"))
            .env("XDG_RUNTIME_DIR", bed.folder.join("runtime"))
            .env("STAND_IN_LOG", bed.camera().path)
            .envs(&self.environment)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        Ok(command)
    }
}

#[derive(Debug)]
pub struct Applet {
    child: Child,
    bus: gio::DBusConnection,
}

impl Applet {
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until neither udev nor the applet's own search for cameras has the new node open: the first revision of vcam
    /// can be opened only once.
    fn wait_until_alone(&self) -> Result<()> {
        run("udevadm", &["settle", "--timeout=10"])?;
        wait_until("the applet's start is over", START, || {
            Ok(proc::tree(self.pid()).len() == 1)
        })
    }

    pub fn is_running(&self) -> bool {
        proc::is_running(self.pid())
    }

    pub fn state(&self) -> Result<String> {
        self.property("State")?.get().context("State is no string")
    }

    /// The status, as `lenscap status --json` prints it.
    pub fn status(&self) -> Result<Value> {
        let text: String = self
            .property("Status")?
            .get()
            .context("Status is no string")?;
        Ok(serde_json::from_str(&text)?)
    }

    pub fn wait_for_state(&self, wanted: &str, timeout: Duration) -> Result<()> {
        let what = || {
            format!(
                "the state is {wanted} ({:?})",
                self.status().map(|s| s.to_string())
            )
        };
        wait_until(wanted, timeout, || Ok(self.state()? == wanted)).with_context(what)
    }

    /// Waits until the start-up work is done: the camera is known, and no child runs any more.
    pub fn wait_until_settled(&self, timeout: Duration) -> Result<()> {
        wait_until("the applet is done with its start", timeout, || {
            let is_found = self.status()?["source"]["name"].is_string();
            Ok(is_found && proc::tree(self.pid()).len() == 1)
        })
    }

    /// The current worker's process id.
    pub fn worker(&self) -> Result<u32> {
        let pid = self.status()?["worker_pid"]
            .as_u64()
            .context("no worker_pid in the status")?;
        Ok(u32::try_from(pid)?)
    }

    pub fn pause(&self) -> Result<()> {
        self.call(INTERFACE, "Pause", None).map(drop)
    }

    pub fn resume(&self) -> Result<()> {
        self.call(INTERFACE, "Resume", None).map(drop)
    }

    /// Opens a preview, which ends when the result is dropped.
    pub fn open_preview(&self) -> Result<gio::UnixFDList> {
        let (_, previews) = self.bus.call_with_unix_fd_list_sync(
            Some(NAME),
            PATH,
            INTERFACE,
            "OpenPreview",
            None,
            None,
            gio::DBusCallFlags::NO_AUTO_START,
            5000,
            gio::UnixFDList::NONE,
            gio::Cancellable::NONE,
        )?;
        previews.context("an answer without a preview")
    }

    /// Ends it and waits for its end.
    pub fn quit(mut self) -> Result<ExitStatus> {
        self.call(INTERFACE, "Quit", None)?;
        self.wait_for_end(Duration::from_secs(10))?
            .context("lenscap does not quit")
    }

    pub fn kill(&mut self) -> Result<()> {
        Ok(self.child.kill()?)
    }

    fn wait_for_end(&mut self, timeout: Duration) -> Result<Option<ExitStatus>> {
        let deadline = Instant::now() + timeout;
        loop {
            match self.child.try_wait()? {
                None if Instant::now() < deadline => thread::sleep(Duration::from_millis(20)),
                ended => return Ok(ended),
            }
        }
    }

    fn property(&self, name: &str) -> Result<Variant> {
        let answer = self.call(
            "org.freedesktop.DBus.Properties",
            "Get",
            Some(&(INTERFACE, name).to_variant()),
        )?;
        answer
            .try_child_value(0)
            .and_then(|value| value.as_variant())
            .context("an empty answer")
    }

    fn call(&self, interface: &str, method: &str, arguments: Option<&Variant>) -> Result<Variant> {
        let flags = gio::DBusCallFlags::NO_AUTO_START;
        let cancel = gio::Cancellable::NONE;
        Ok(self.bus.call_sync(
            Some(NAME),
            PATH,
            interface,
            method,
            arguments,
            None,
            flags,
            5000,
            cancel,
        )?)
    }
}

impl Drop for Applet {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            send(self.pid(), Signal::TERM);
        }
        // The five seconds for stopping a worker, and some for emulation.
        if !matches!(self.wait_for_end(Duration::from_secs(8)), Ok(Some(_))) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// Sends a signal to a process, if it exists.
pub fn send(pid: u32, signal: Signal) {
    if let Some(pid) = Pid::from_raw(pid.cast_signed()) {
        let _ = kill_process(pid, signal);
    }
}

/// Kills a child process on drop.
#[derive(Debug)]
pub struct ChildGuard(pub Child);

impl Drop for ChildGuard {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl ChildGuard {
    pub fn ensure_success(mut self, what: &str, timeout: Duration) -> Result<()> {
        let deadline = Instant::now() + timeout;
        loop {
            match self.0.try_wait()? {
                Some(status) => {
                    ensure!(status.success(), "{what}: {status}");
                    return Ok(());
                }
                None if Instant::now() > deadline => bail!("{what} does not end"),
                None => thread::sleep(Duration::from_millis(20)),
            }
        }
    }
}
