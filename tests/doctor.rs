//! `lenscap doctor` on the machine that runs the tests, with buses and servers of the tests' own.

#[expect(dead_code)] // other tests look at requests
mod bus;
#[expect(dead_code)] // it sends neither signals nor descriptors
mod standin;

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use bus::{Applet, Bus, own_name, report};
use gio::prelude::*;
use gio::{Cancellable, DBusCallFlags, DBusConnection};
use glib::Variant;
use lenscap::doctor::Rung;
use pipewire::properties::properties;
use rustix::fs::{FlockOperation, flock};
use serde_json::Value;
use standin::{Call, Object, StandIn};

/// What a run said, and how it ended.
struct Said {
    lines: Vec<Value>,
    code: Option<i32>,
}

impl Said {
    /// The statuses and codes of a rung's lines.
    fn of(&self, rung: Rung) -> Vec<(&str, Option<&str>)> {
        let lines = self.lines.iter().filter(|line| line["rung"] == rung.name());
        lines
            .map(|line| (line["status"].as_str().unwrap(), line["code"].as_str()))
            .collect()
    }
}

/// A doctor without a session of its own, whose home is empty.
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

fn run(command: &mut Command) -> Said {
    let output = command.arg("--json").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
    Said {
        lines: lines.collect(),
        code: output.status.code(),
    }
}

fn home() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

#[test]
fn every_rung_is_told_of_in_order_and_the_exit_code_says_whether_all_is_well() {
    let home = home();
    let said = run(&mut doctor(home.path()));
    let mut rungs: Vec<_> = said.lines.iter().map(|line| line["rung"].clone()).collect();
    rungs.dedup();
    assert_eq!(rungs, Rung::ALL.map(Rung::name));
    let broken = said.lines.iter().any(|line| line["status"] == "problem");
    assert_eq!(said.code, Some(i32::from(broken)));
    let text = doctor(home.path()).output().unwrap().stdout;
    let text = String::from_utf8(text).unwrap();
    for rung in Rung::ALL {
        assert!(text.contains(&rung.title()), "{text}");
    }
}

#[test]
fn a_broken_config_file_is_something_to_fix() {
    let home = home();
    let dir = home.path().join(".config/lenscap");
    fs::create_dir_all(&dir).unwrap();
    fs::write(dir.join("lenscap.toml"), "[camera]\nwidth = 1001\n").unwrap();
    let said = run(&mut doctor(home.path()));
    assert_eq!(said.of(Rung::Applet), [("problem", Some("config_broken"))]);
    assert_eq!(said.code, Some(1));
}

#[test]
fn an_entry_that_starts_nothing_is_mended_as_printed() {
    let home = home();
    let dir = home.path().join(".config/autostart");
    fs::create_dir_all(&dir).unwrap();
    let entry = dir.join("io.github.lenscap.Lenscap.desktop");
    fs::write(&entry, "[Desktop Entry]\nExec=/nowhere/lenscap\n").unwrap();
    let ask = || run(&mut doctor(home.path()));
    let said = ask();
    let expected = [("problem", Some("autostart_broken"))];
    assert_eq!(said.of(Rung::Startup), expected);
    let mut lines = said.lines.iter();
    let line = lines.find(|line| line["code"] == "autostart_broken");
    let fix = line.unwrap()["fix"].as_str().unwrap();
    let mended = Command::new("/bin/sh").args(["-c", fix]).status();
    assert!(mended.unwrap().success(), "{fix}");
    assert_eq!(ask().of(Rung::Startup), [("ok", None)]);
}

#[test]
fn the_running_applet_is_asked() {
    let (bus, home) = (Bus::new(), home());
    let ask = || run(doctor(home.path()).env("DBUS_SESSION_BUS_ADDRESS", &bus.address));
    assert_eq!(ask().of(Rung::Applet), [("note", Some("not_running"))]);
    let applet = Applet::new(&bus, Ok(()));
    let mut paused = report();
    paused.paused = true;
    applet.show(&paused);
    // A change is a message of its own, on its way meanwhile.
    let end = Instant::now() + Duration::from_secs(20);
    while ask().of(Rung::Applet) != [("note", Some("paused"))] {
        assert!(Instant::now() < end, "{:?}", ask().of(Rung::Applet));
    }
}

/// Started again or not, it is in the way: all is not well.
#[test]
fn an_applet_that_holds_the_lock_and_is_on_no_bus_is_something_to_fix() {
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
    let said = run(&mut doctor());
    let expected = [("problem", Some("unreachable"))];
    assert_eq!(said.of(Rung::Applet), expected);
    let line = said.lines.iter().find(|line| line["code"] == "unreachable");
    let fix = line.unwrap()["fix"].as_str().unwrap();
    assert!(fix.starts_with(&format!("kill {own} && ")), "{fix}");
    assert_eq!(said.code, Some(1));
    let text = doctor().output().unwrap().stdout;
    assert!(!String::from_utf8(text).unwrap().contains("All is well"));
}

#[test]
fn what_is_on_the_bus_is_the_desktop() {
    let (bus, home) = (Bus::new(), home());
    let ask = || run(doctor(home.path()).env("DBUS_SESSION_BUS_ADDRESS", &bus.address));
    let skipped = run(&mut doctor(home.path()));
    assert_eq!(skipped.of(Rung::Desktop), [("skipped", None)]);
    assert!(
        ask()
            .of(Rung::Desktop)
            .contains(&("note", Some("no_notifications")))
    );
    let connection = bus.connect();
    own_name(&connection, "org.freedesktop.Notifications");
    let said = ask();
    assert!(said.of(Rung::Desktop).contains(&("note", Some("no_tray"))));
    assert!(
        !said
            .of(Rung::Desktop)
            .contains(&("note", Some("no_notifications")))
    );
}

const STORE: &str = "org.freedesktop.impl.portal.PermissionStore";
const STORE_PATH: &str = "/org/freedesktop/impl/portal/PermissionStore";

/// Calls the permission store, the real one unless there is another; the bus starts it.
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
fn what_the_camera_portal_refuses_is_told_and_forgotten() {
    let (bus, home) = (Bus::with_services(&[STORE]), home());
    let connection = bus.connect();
    let answer = |application: &str, word: &str| {
        let entry = ("devices", true, "camera", application, vec![word]);
        call_store(&connection, "SetPermission", &entry.to_variant());
    };
    let doctor = || {
        let mut command = doctor(home.path());
        command.env("DBUS_SESSION_BUS_ADDRESS", &bus.address);
        command
    };
    // Nobody was asked yet.
    assert_eq!(run(&mut doctor()).of(Rung::Permissions), [("ok", None)]);
    answer("", "no");
    answer("org.example.Refused", "no");
    answer("org.example.Allowed", "yes");
    let said = run(&mut doctor());
    let denied = [("problem", Some("camera_denied"))];
    assert_eq!(said.of(Rung::Permissions), denied);
    let line = said
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
    assert_eq!(run(&mut doctor()).of(Rung::Permissions), [("ok", None)]);

    answer("", "no");
    let mended = run(doctor().arg("--fix=reset-permissions"));
    assert_eq!(mended.of(Rung::Permissions), [("ok", None)]);
    let left = call_store(&connection, "Lookup", &("devices", "camera").to_variant());
    let left: HashMap<String, Vec<String>> = left.child_value(0).get().unwrap();
    let allowed = ("org.example.Allowed".to_owned(), vec!["yes".to_owned()]);
    assert_eq!(left, HashMap::from([allowed]));
}

#[test]
fn a_permission_store_that_forgets_nothing_says_why() {
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
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(said, "reset-permissions: no such thing\n");
    let ladder = String::from_utf8(output.stdout).unwrap();
    assert!(ladder.contains("\"camera_denied\""), "{ladder}");
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
fn pipewire_is_down_without_a_manager_or_well() {
    let home = home();
    let ask = |runtime: &Path| run(doctor(home.path()).env("XDG_RUNTIME_DIR", runtime));
    let nowhere = tempfile::tempdir().unwrap();
    let down = ask(nowhere.path());
    assert_eq!(
        down.of(Rung::Pipewire),
        [("problem", Some("pipewire_down"))]
    );
    let mut server = Server::new();
    let lonely = ask(server.runtime.path());
    let expected = [("problem", Some("no_session_manager"))];
    assert_eq!(lonely.of(Rung::Pipewire), expected);
    let manager = Manager::new(&server.socket());
    assert_eq!(
        ask(server.runtime.path()).of(Rung::Pipewire),
        [("ok", None)]
    );
    drop(manager);
    // Dead, with its socket left behind.
    server.process.kill().unwrap();
    server.process.wait().unwrap();
    assert!(server.socket().exists());
    let dead = ask(server.runtime.path());
    let expected = [("problem", Some("pipewire_down"))];
    assert_eq!(dead.of(Rung::Pipewire), expected);
    assert_eq!(dead.code, Some(1));
}

/// A client that says it is a session manager, for as long as it lives.
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

/// How a plugin is looked at that GStreamer remembers as broken: it alone, and as if for the first
/// time.
#[test]
fn elements_are_told_by_the_plugins_of_one_directory() {
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
