//! `lenscap doctor` on the machine that runs the tests, with private buses and servers.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use gio::prelude::*;
use gio::{Cancellable, DBusCallFlags, DBusConnection};
use glib::Variant;
use lenscap::doctor::Check;
use lenscap_support::bus::{Bus, own_name};
use lenscap_support::fake_applet::{FakeApplet, report};
use lenscap_support::standin::{Call, Object, StandIn};
use pipewire::properties::properties;
use rustix::fs::{FlockOperation, flock};
use serde_json::Value;

/// Output and exit code of a run.
struct Run {
    lines: Vec<Value>,
    code: Option<i32>,
}

impl Run {
    /// The statuses and codes of a check's lines.
    fn of(&self, check: Check) -> Vec<(&str, Option<&str>)> {
        let lines = self
            .lines
            .iter()
            .filter(|line| line["rung"] == check.name());
        lines
            .map(|line| (line["status"].as_str().unwrap(), line["code"].as_str()))
            .collect()
    }
}

/// `lenscap doctor` without a session, in this home.
fn doctor(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lenscap"));
    command
        .arg("doctor")
        .env("HOME", home)
        .env_remove("XDG_RUNTIME_DIR")
        .env_remove("DBUS_SESSION_BUS_ADDRESS");
    for name in ["CONFIG", "DATA", "CACHE"] {
        command.env_remove(format!("XDG_{name}_HOME"));
    }
    command
}

fn run(command: &mut Command) -> Run {
    let output = command.arg("--json").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
    Run {
        lines: lines.collect(),
        code: output.status.code(),
    }
}

fn home() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

#[test]
fn every_check_is_reported_in_order_and_problems_set_the_exit_code() {
    let home = home();
    let report = run(&mut doctor(home.path()));
    let mut checks: Vec<_> = report
        .lines
        .iter()
        .map(|line| line["rung"].clone())
        .collect();
    checks.dedup();
    assert_eq!(checks, Check::ALL.map(Check::name));
    let broken = report.lines.iter().any(|line| line["status"] == "problem");
    assert_eq!(report.code, Some(i32::from(broken)));
    let text = doctor(home.path()).output().unwrap().stdout;
    let text = String::from_utf8(text).unwrap();
    for check in Check::ALL {
        assert!(text.contains(&check.title()), "{text}");
    }
}

#[test]
fn a_broken_config_file_is_a_problem() {
    let home = home();
    let dir = home.path().join(".config/lenscap");
    fs::create_dir_all(&dir).unwrap();
    fs::write(dir.join("lenscap.toml"), "[camera]\nwidth = 1001\n").unwrap();
    let report = run(&mut doctor(home.path()));
    assert_eq!(
        report.of(Check::Applet),
        [("problem", Some("config_broken"))]
    );
    assert_eq!(report.code, Some(1));
}

#[test]
fn a_broken_autostart_entry_is_fixed_by_the_printed_command() {
    let home = home();
    let dir = home.path().join(".config/autostart");
    fs::create_dir_all(&dir).unwrap();
    let entry = dir.join("io.github.lenscap.Lenscap.desktop");
    fs::write(&entry, "[Desktop Entry]\nExec=/nowhere/lenscap\n").unwrap();
    let ask = || run(&mut doctor(home.path()));
    let report = ask();
    let expected = [("problem", Some("autostart_broken"))];
    assert_eq!(report.of(Check::Startup), expected);
    let mut lines = report.lines.iter();
    let line = lines.find(|line| line["code"] == "autostart_broken");
    let fix = line.unwrap()["fix"].as_str().unwrap();
    let fixed = Command::new("/bin/sh").args(["-c", fix]).status();
    assert!(fixed.unwrap().success(), "{fix}");
    assert_eq!(ask().of(Check::Startup), [("ok", None)]);
}

#[test]
fn the_running_applets_status_is_used() {
    let (bus, home) = (Bus::new(), home());
    let ask = || run(doctor(home.path()).env("DBUS_SESSION_BUS_ADDRESS", &bus.address));
    assert_eq!(ask().of(Check::Applet), [("note", Some("not_running"))]);
    let applet = FakeApplet::new(&bus, Ok(()));
    let mut paused = report();
    paused.paused = true;
    applet.show(&paused);
    // The change is a separate message that may still be on its way.
    let end = Instant::now() + Duration::from_secs(20);
    while ask().of(Check::Applet) != [("note", Some("paused"))] {
        assert!(Instant::now() < end, "{:?}", ask().of(Check::Applet));
    }
}

#[test]
fn an_applet_that_holds_the_lock_and_is_on_no_bus_is_a_problem() {
    let (bus, home, runtime) = (Bus::new(), home(), tempfile::tempdir().unwrap());
    let own = std::process::id();
    let lock = File::create(runtime.path().join("lenscap.lock")).unwrap();
    writeln!(&lock, "{own}").unwrap();
    flock(&lock, FlockOperation::NonBlockingLockExclusive).unwrap();
    let doctor = || {
        let mut command = doctor(home.path());
        command
            .env("DBUS_SESSION_BUS_ADDRESS", &bus.address)
            .env("XDG_RUNTIME_DIR", runtime.path());
        command
    };
    let report = run(&mut doctor());
    let expected = [("problem", Some("unreachable"))];
    assert_eq!(report.of(Check::Applet), expected);
    let line = report
        .lines
        .iter()
        .find(|line| line["code"] == "unreachable");
    let fix = line.unwrap()["fix"].as_str().unwrap();
    assert!(fix.starts_with(&format!("kill {own} && ")), "{fix}");
    assert_eq!(report.code, Some(1));
    let text = doctor().output().unwrap().stdout;
    assert!(
        !String::from_utf8(text)
            .unwrap()
            .contains("No problems found")
    );
}

#[test]
fn desktop_services_are_found_on_the_bus() {
    let (bus, home) = (Bus::new(), home());
    let ask = || run(doctor(home.path()).env("DBUS_SESSION_BUS_ADDRESS", &bus.address));
    let skipped = run(&mut doctor(home.path()));
    assert_eq!(skipped.of(Check::Desktop), [("skipped", None)]);
    assert!(
        ask()
            .of(Check::Desktop)
            .contains(&("note", Some("no_notifications")))
    );
    let connection = bus.connect();
    own_name(&connection, "org.freedesktop.Notifications");
    let report = ask();
    assert!(
        report
            .of(Check::Desktop)
            .contains(&("note", Some("no_tray")))
    );
    assert!(
        !report
            .of(Check::Desktop)
            .contains(&("note", Some("no_notifications")))
    );
}

const STORE: &str = "org.freedesktop.impl.portal.PermissionStore";
const STORE_PATH: &str = "/org/freedesktop/impl/portal/PermissionStore";

/// Calls the permission store, which the bus starts.
fn call_store(bus: &DBusConnection, method: &str, parameters: &Variant) -> Variant {
    let reply = bus.call_sync(
        Some(STORE),
        STORE_PATH,
        STORE,
        method,
        Some(parameters),
        None,
        DBusCallFlags::NONE,
        20_000,
        Cancellable::NONE,
    );
    reply.expect("xdg-desktop-portal is needed for this test")
}

#[test]
fn denials_of_the_camera_portal_are_reported_and_reset() {
    let (bus, home) = (Bus::with_services(&[STORE]), home());
    let connection = bus.connect();
    let set = |application: &str, answer: &str| {
        let entry = ("devices", true, "camera", application, vec![answer]);
        call_store(&connection, "SetPermission", &entry.to_variant());
    };
    let doctor = || {
        let mut command = doctor(home.path());
        command.env("DBUS_SESSION_BUS_ADDRESS", &bus.address);
        command
    };
    // No answer is stored yet.
    assert_eq!(run(&mut doctor()).of(Check::Permissions), [("ok", None)]);
    set("", "no");
    set("org.example.Refused", "no");
    set("org.example.Allowed", "yes");
    let report = run(&mut doctor());
    let denied = [("problem", Some("camera_denied"))];
    assert_eq!(report.of(Check::Permissions), denied);
    let line = report
        .lines
        .iter()
        .find(|line| line["code"] == "camera_denied");
    let line = line.unwrap();
    let what = line["what"].as_str().unwrap();
    assert!(what.contains("applications outside sandboxes and org.example.Refused, "));
    let fix = line["fix"].as_str().unwrap();
    let mut shell = Command::new("/bin/sh");
    let shell = shell.env("DBUS_SESSION_BUS_ADDRESS", &bus.address);
    assert!(shell.args(["-c", fix]).status().unwrap().success(), "{fix}");
    assert_eq!(run(&mut doctor()).of(Check::Permissions), [("ok", None)]);

    set("", "no");
    let fixed = run(doctor().arg("--fix=reset-permissions"));
    assert_eq!(fixed.of(Check::Permissions), [("ok", None)]);
    let left = call_store(&connection, "Lookup", &("devices", "camera").to_variant());
    let left: HashMap<String, Vec<String>> = left.child_value(0).get().unwrap();
    let allowed = ("org.example.Allowed".to_owned(), vec!["yes".to_owned()]);
    assert_eq!(left, HashMap::from([allowed]));
}

#[test]
fn an_error_of_the_permission_store_is_reported() {
    let xml = "<node><interface name='org.freedesktop.impl.portal.PermissionStore'>
        <method name='Lookup'>
          <arg type='s' direction='in'/><arg type='s' direction='in'/>
          <arg type='a{sas}' direction='out'/><arg type='v' direction='out'/>
        </method>
        <method name='DeletePermission'>
          <arg type='s' direction='in'/><arg type='s' direction='in'/><arg type='s' direction='in'/>
        </method>
    </interface></node>";
    let (bus, home) = (Bus::new(), home());
    let path = STORE_PATH;
    let objects = vec![Object { path, xml }];
    let _store = StandIn::new(bus.connect(), STORE, objects, |call: &Call| {
        let refused = HashMap::from([("", vec!["no"])]);
        let data = 0_u8.to_variant();
        (call.name == "Lookup").then(|| (refused, data).to_variant())
    });
    let output = doctor(home.path())
        .env("DBUS_SESSION_BUS_ADDRESS", &bus.address)
        .args(["--json", "--fix=reset-permissions"])
        .output()
        .unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(errors, "reset-permissions: no such thing\n");
    let results = String::from_utf8(output.stdout).unwrap();
    assert!(results.contains("\"camera_denied\""), "{results}");
}

/// A media server that ends with the test.
struct Server {
    process: Child,
    runtime: tempfile::TempDir,
}

impl Server {
    fn new() -> Self {
        let runtime = tempfile::tempdir().unwrap();
        let process = Command::new("pipewire")
            .env("XDG_RUNTIME_DIR", runtime.path())
            .env_remove("DBUS_SESSION_BUS_ADDRESS")
            .stderr(Stdio::null())
            .spawn()
            .expect("pipewire is needed for this test");
        let server = Self { process, runtime };
        let end = Instant::now() + Duration::from_secs(20);
        while UnixStream::connect(server.socket()).is_err() {
            assert!(Instant::now() < end, "PipeWire does not listen");
            thread::sleep(Duration::from_millis(5));
        }
        server
    }

    fn socket(&self) -> PathBuf {
        self.runtime.path().join("pipewire-0")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn pipewire_is_down_lacks_a_manager_or_works() {
    let home = home();
    let ask = |runtime: &Path| run(doctor(home.path()).env("XDG_RUNTIME_DIR", runtime));
    let nowhere = tempfile::tempdir().unwrap();
    let down = ask(nowhere.path());
    assert_eq!(
        down.of(Check::Pipewire),
        [("problem", Some("pipewire_down"))]
    );
    let mut server = Server::new();
    let lonely = ask(server.runtime.path());
    let expected = [("problem", Some("no_session_manager"))];
    assert_eq!(lonely.of(Check::Pipewire), expected);
    let manager = Manager::new(&server.socket());
    assert_eq!(
        ask(server.runtime.path()).of(Check::Pipewire),
        [("ok", None)]
    );
    drop(manager);
    // Killed, with its socket left behind.
    server.process.kill().unwrap();
    server.process.wait().unwrap();
    assert!(server.socket().exists());
    let dead = ask(server.runtime.path());
    let expected = [("problem", Some("pipewire_down"))];
    assert_eq!(dead.of(Check::Pipewire), expected);
    assert_eq!(dead.code, Some(1));
}

/// A client that claims to be a session manager, until dropped.
struct Manager {
    _core: pipewire::core::CoreRc,
    _context: pipewire::context::ContextRc,
    _main_loop: pipewire::main_loop::MainLoopRc,
}

impl Manager {
    fn new(socket: &Path) -> Self {
        pipewire::init();
        let main_loop = pipewire::main_loop::MainLoopRc::new(None).unwrap();
        let context = pipewire::context::ContextRc::new(&main_loop, None).unwrap();
        let name = properties! {
            "application.name" => "WirePlumber",
            "remote.name" => socket.to_str().unwrap(),
        };
        let core = context.connect_rc(Some(name)).unwrap();
        let pending = core.sync(0).unwrap();
        let done = main_loop.clone();
        let _listener = core
            .add_listener_local()
            .done(move |_, sequence| {
                if sequence == pending {
                    done.quit();
                }
            })
            .register();
        main_loop.run();
        Self {
            _core: core,
            _context: context,
            _main_loop: main_loop,
        }
    }
}

/// How the doctor tests a plugin that GStreamer's registry lists as broken.
#[test]
fn elements_of_a_single_plugin_directory_are_listed() {
    let elements = |dir: Option<&Path>| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lenscap"));
        command.args([
            "capture",
            "--elements",
            "videotestsrc",
            "capsfilter",
            "icamera",
        ]);
        if let Some(dir) = dir {
            command
                .env("GST_PLUGIN_SYSTEM_PATH_1_0", dir)
                .env("GST_PLUGIN_PATH_1_0", "")
                .env("GST_REGISTRY_1_0", dir.join("registry.bin"));
        }
        let output = command.output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(elements(None), "videotestsrc\ncapsfilter\n");
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(elements(Some(dir.path())), "");
    let one = tempfile::tempdir().unwrap();
    let name = "libgstvideotestsrc.so";
    symlink(plugins().join(name), one.path().join(name)).unwrap();
    assert_eq!(elements(Some(one.path())), "videotestsrc\n");
}

fn plugins() -> PathBuf {
    let output = Command::new("pkg-config")
        .args(["--variable=pluginsdir", "gstreamer-1.0"])
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap().trim().into()
}
