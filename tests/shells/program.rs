//! The program on a desktop, with a virtual camera that doesn't exist, which causes a failure.

use std::cell::RefCell;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::rc::Rc;

use gio::DBusNodeInfo;
use gio::prelude::*;
use lenscap::dbus::{INTERFACE, NAME, PATH};
use rustix::process::{Pid, Signal, kill_process};

use crate::session::Session;
use lenscap_support::desktop::wait;
use lenscap_support::host::Host;
use lenscap_support::server::Server;

/// A running applet in the session's home.
struct Program<'a> {
    session: &'a Session,
    child: Child,
    stderr: BufReader<ChildStderr>,
}

impl<'a> Program<'a> {
    /// Starts it with these desktop settings and waits until it is on the bus.
    fn start(session: &'a Session, desktop: &str, options: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lenscap"));
        command.args(options);
        Self::run(session, desktop, command)
    }

    fn run(session: &'a Session, desktop: &str, mut command: Command) -> Self {
        configure(session, desktop);
        let mut child = command
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .env("HOME", session.home.path())
            .env("XDG_RUNTIME_DIR", session.home.path())
            .env("XDG_STATE_HOME", session.home.path())
            .env("XDG_CONFIG_HOME", session.home.path())
            .spawn()
            .unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let program = Self {
            session,
            child,
            stderr,
        };
        wait("the applet", || {
            session.desktop.has_owner(NAME).then_some(())
        });
        program
    }

    /// Its log up to a line that contains this, or up to its end.
    fn log_until(&mut self, text: &str) -> String {
        let mut log = String::new();
        while !log.contains(text) && self.stderr.read_line(&mut log).unwrap() > 0 {}
        log
    }

    /// Its log up to its end.
    fn rest_of_log(&mut self) -> String {
        let mut log = Vec::new();
        self.stderr.read_to_end(&mut log).unwrap();
        String::from_utf8_lossy(&log).into_owned()
    }

    fn is_paused(&self) -> bool {
        let paused = self.session.desktop.get(NAME, PATH, INTERFACE, "Paused");
        paused.unwrap().get().unwrap()
    }

    fn wait_for_pause(&self, paused: bool) {
        wait("the property", || {
            (self.is_paused() == paused).then_some(())
        });
    }

    /// Waits until it has received the notification's id: messages of one sender arrive in order.
    fn learns_id(&self) {
        self.is_paused();
    }

    fn ask(&self, method: &str) {
        let asked = self
            .session
            .desktop
            .call(NAME, PATH, INTERFACE, method, None);
        asked.unwrap();
    }

    /// Activates one of the application's actions, as a notification's button does.
    fn act(&self, action: &str) {
        let nothing: [glib::Variant; 0] = [];
        let platform = glib::VariantDict::new(None).end();
        let parameters = glib::Variant::tuple_from_iter([
            action.to_variant(),
            glib::Variant::array_from_iter::<glib::Variant>(nothing),
            platform,
        ]);
        let actions = "org.gtk.Actions";
        let acted = self
            .session
            .desktop
            .call(NAME, PATH, actions, "Activate", Some(&parameters));
        acted.unwrap();
    }
}

impl Drop for Program<'_> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Writes the config file.
fn configure(session: &Session, desktop: &str) {
    let dir = session.home.path().join("lenscap");
    fs::create_dir_all(&dir).unwrap();
    let text = format!("[output]\ndevice = \"/nowhere/video0\"\n[desktop]\n{desktop}\n");
    fs::write(dir.join("new"), text).unwrap();
    fs::rename(dir.join("new"), dir.join("lenscap.toml")).unwrap();
}

#[test]
fn a_click_pauses_the_camera_and_another_resumes_it() {
    let session = Session::new();
    let host = Host::new(&session.desktop);
    let server = Server::new(&session.desktop);
    host.start();
    let mut program = Program::start(&session, "", &[]);
    let item = host.item(0);
    let looks = |headline: &str, status: &str, icon: &str| {
        wait(headline, || {
            (host.tooltip(&item).0 == headline).then_some(())
        });
        assert_eq!(host.text(&item, "Status"), status);
        let name = format!("io.github.lenscap.Lenscap-{icon}-symbolic");
        assert_eq!(host.text(&item, "IconName"), name);
    };
    looks("Camera not available", "NeedsAttention", "failed");
    let (_, shown) = server.shown("Camera not available");
    assert!(shown.body.contains("/nowhere/video0"), "{shown:?}");
    program.learns_id();
    host.activate(&item);
    program.wait_for_pause(true);
    looks("Camera is paused", "Active", "paused");
    server.is_clear();
    host.choose(&item, "Allow camera").unwrap();
    program.wait_for_pause(false);
    looks("Camera not available", "NeedsAttention", "failed");
    server.shown("Camera not available");
    program.learns_id();
    program.act("turn-off");
    program.wait_for_pause(true);
    server.is_clear();
    program.ask("Resume");
    server.shown("Camera not available");
    program.learns_id();
    // It may end before its reply is sent.
    let _ = host.choose(&item, "Quit");
    wait("the end", || {
        (!session.desktop.has_owner(NAME)).then_some(())
    });
    assert!(program.child.wait().unwrap().success());
    server.is_clear();
    assert_eq!(host.items.borrow().len(), 1);
}

#[test]
fn desktop_settings_take_effect_at_once() {
    let session = Session::new();
    let host = Host::new(&session.desktop);
    let server = Server::new(&session.desktop);
    host.start();
    let program = Program::start(&session, "tray = false\nnotifications = false", &[]);
    for method in ["Pause", "Resume"] {
        program.ask(method);
        program.wait_for_pause(method == "Pause");
    }
    configure(&session, "tray = true\nnotifications = false");
    let item = host.item(0);
    assert_eq!(server.count(), 0);
    configure(&session, "tray = false\nnotifications = true");
    wait("its end", || {
        (!session.desktop.has_owner(&item)).then_some(())
    });
    server.shown("Camera not available");
    program.learns_id();
    configure(&session, "tray = true\nnotifications = false");
    let another = host.item(1);
    server.is_clear();
    assert_ne!(item, another);
    assert_eq!(host.items.borrow().len(), 2);
}

/// A user's service may do less than the preferences need, and starts before the desktop has a display: systemd
/// starts them as a service of their own.
#[test]
fn a_service_has_systemd_start_the_preferences() {
    let session = Session::new();
    let xml = r#"<node><interface name="org.freedesktop.systemd1.Manager">
        <method name="StartTransientUnit"><arg type="s" direction="in"/><arg type="s" direction="in"/>
        <arg type="a(sv)" direction="in"/><arg type="a(sa(sv))" direction="in"/>
        <arg type="o" direction="out"/></method></interface></node>"#;
    let manager = DBusNodeInfo::for_xml(xml).unwrap();
    let manager = manager.lookup_interface("org.freedesktop.systemd1.Manager");
    let started = Rc::new(RefCell::new(Vec::new()));
    let orders = started.clone();
    let _object = session
        .desktop
        .bus
        .register_object("/org/freedesktop/systemd1", &manager.unwrap())
        .method_call(move |_, _, _, _, _, order, invocation| {
            orders.borrow_mut().push(order.print(false).to_string());
            match orders.borrow().len() {
                1 | 3 => invocation.return_value(Some(&("/job",).to_variant())),
                _ => invocation.return_dbus_error("org.freedesktop.systemd1.UnitExists", "it runs"),
            }
        })
        .build()
        .unwrap();
    session.desktop.take_name("org.freedesktop.systemd1");

    let dir = session.home.path().join("bin");
    fs::create_dir(&dir).unwrap();
    fs::copy(env!("CARGO_BIN_EXE_lenscap"), dir.join("lenscap")).unwrap();
    fs::write(dir.join("lenscap-preferences"), "").unwrap();
    let mut command = Command::new(dir.join("lenscap"));
    command.env("INVOCATION_ID", "1");
    let program = Program::run(&session, "tray = false", command);
    program.ask("ShowPreferences");
    wait("a service", || (started.borrow().len() == 1).then_some(()));
    program.ask("ShowPreferences"); // while it runs, another one has its window come to the front
    wait("another service", || {
        (started.borrow().len() == 3).then_some(())
    });
    for (order, unit) in started
        .borrow()
        .iter()
        .zip(["@0.service", "@0.service", "@1.service"])
    {
        assert!(order.contains(unit), "{order}");
        assert!(order.contains("bin/lenscap-preferences'"), "{order}");
    }
}

/// A script replaces the preferences window.
#[test]
fn elsewhere_the_preferences_are_a_child() {
    let session = Session::new();
    let dir = session.home.path().join("bin");
    fs::create_dir(&dir).unwrap();
    fs::copy(env!("CARGO_BIN_EXE_lenscap"), dir.join("lenscap")).unwrap();
    let window = "#!/bin/sh\nexec \"${0%/*}/lenscap\" pause\n";
    fs::write(dir.join("lenscap-preferences"), window).unwrap();
    let executable = fs::Permissions::from_mode(0o755);
    fs::set_permissions(dir.join("lenscap-preferences"), executable).unwrap();
    let mut command = Command::new(dir.join("lenscap"));
    command.env_remove("INVOCATION_ID");
    let program = Program::run(&session, "tray = false", command);
    program.ask("ShowPreferences");
    program.wait_for_pause(true);
}

#[test]
fn no_tray_disables_the_icon() {
    let session = Session::new();
    let host = Host::new(&session.desktop);
    let server = Server::new(&session.desktop);
    host.start();
    let mut program = Program::start(&session, "tray = true", &["--no-tray"]);
    // It would exist by now, as notifications come from the same report.
    server.shown("Camera not available");
    program.learns_id();
    program.ask("Quit");
    assert!(program.child.wait().unwrap().success());
    server.is_clear();
    assert_eq!(*host.items.borrow(), Vec::<String>::new());
}

/// GIO would log messages about sending on a closed connection, and zbus about each closed connection.
#[test]
fn a_closed_bus_is_not_used() {
    let session = Session::new();
    let host = Host::new(&session.desktop);
    host.start();
    let mut program = Program::start(&session, "notifications = false", &[]);
    host.item(0);
    let bus = "org.freedesktop.DBus";
    let asked = session.desktop.call(
        bus,
        "/org/freedesktop/DBus",
        bus,
        "GetConnectionUnixProcessID",
        Some(&(bus,).to_variant()),
    );
    let daemon: u32 = asked.unwrap().child_value(0).get().unwrap();
    let daemon = Pid::from_raw(daemon.try_into().unwrap()).unwrap();
    kill_process(daemon, Signal::KILL).unwrap();
    wait("the end of the bus", || {
        session.desktop.bus.is_closed().then_some(())
    });
    configure(&session, "notifications = true");
    let mut log = program.log_until("settings changed");
    let applet = Pid::from_child(&program.child);
    kill_process(applet, Signal::TERM).unwrap();
    log += &program.rest_of_log();
    assert!(log.contains(" WARN /nowhere/video0"), "{log}");
    for complaint in ["CRITICAL", "NameLost", "panicked"] {
        assert!(!log.contains(complaint), "{log}");
    }
}
