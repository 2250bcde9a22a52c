//! Fast user switching, with a logind of the test's own: the applet steps aside for the session that
//! has the screen.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::applet::Home;
use super::bus::Bus;
use super::standin::{Call, Object, StandIn};
use glib::prelude::*;
use glib::variant::ObjectPath;
use lenscap::report::Report;

const MANAGER: &str = "/org/freedesktop/login1";
const OURS: &str = "/org/freedesktop/login1/session/_32";
const USER: &str = "/org/freedesktop/login1/user/_1000";

const MANAGER_XML: &str = "<node><interface name='org.freedesktop.login1.Manager'>
    <method name='GetSessionByPID'><arg type='u' direction='in'/><arg type='o' direction='out'/></method>
    <method name='GetSession'><arg type='s' direction='in'/><arg type='o' direction='out'/></method>
    <method name='GetUser'><arg type='u' direction='in'/><arg type='o' direction='out'/></method>
</interface></node>";
const SESSION_XML: &str = "<node><interface name='org.freedesktop.login1.Session'>
    <property name='Active' type='b' access='read'/>
</interface></node>";
const USER_XML: &str = "<node><interface name='org.freedesktop.login1.User'>
    <property name='Display' type='(so)' access='read'/>
</interface></node>";

/// How logind gets to know our session.
#[derive(Clone, Copy, Debug, PartialEq)]
enum By {
    /// Its processes.
    Process,
    /// Its number, in the environment.
    Number,
    /// Being the user's graphical one.
    Display,
}

/// A logind that knows one session.
struct Logind {
    active: Arc<AtomicBool>,
    there: Arc<AtomicBool>,
    service: StandIn,
}

impl Logind {
    fn new(bus: &Bus, by: By) -> Self {
        let active = Arc::new(AtomicBool::new(true));
        let there = Arc::new(AtomicBool::new(true));
        let (is_active, is_there) = (active.clone(), there.clone());
        let object = |path, xml| Object { path, xml };
        let objects = vec![
            object(MANAGER, MANAGER_XML),
            object(OURS, SESSION_XML),
            object(USER, USER_XML),
        ];
        let path = |text: &str| ObjectPath::try_from(text.to_owned()).unwrap();
        let answer = move |call: &Call| {
            let there = is_there.load(Ordering::SeqCst);
            match call.name {
                "Active" => Some(is_active.load(Ordering::SeqCst).to_variant()),
                "GetSessionByPID" => {
                    (there && by == By::Process).then(|| (path(OURS),).to_variant())
                }
                "GetSession" => {
                    let ours = call.parameters.get() == Some(("2".to_owned(),));
                    (there && ours && by == By::Number).then(|| (path(OURS),).to_variant())
                }
                "GetUser" => (by == By::Display).then(|| (path(USER),).to_variant()),
                "Display" if there => Some(("2", path(OURS)).to_variant()),
                "Display" => Some(("", path("/")).to_variant()),
                _ => None,
            }
        };
        let service = StandIn::new(bus.connect(), "org.freedesktop.login1", objects, answer);
        Self {
            active,
            there,
            service,
        }
    }

    /// The screen goes to this session, or to another.
    fn switch(&self, active: bool) {
        self.active.store(active, Ordering::SeqCst);
        let changed = HashMap::from([("Active", active.to_variant())]);
        let parameters = (
            "org.freedesktop.login1.Session",
            changed,
            Vec::<String>::new(),
        );
        let properties = "org.freedesktop.DBus.Properties";
        self.service.signal(
            OURS,
            properties,
            "PropertiesChanged",
            &parameters.to_variant(),
        );
    }

    /// The session comes or ends.
    fn attend(&self, there: bool) {
        self.there.store(there, Ordering::SeqCst);
        let name = if there {
            "SessionNew"
        } else {
            "SessionRemoved"
        };
        let path = ObjectPath::try_from(OURS.to_owned()).unwrap();
        let manager = "org.freedesktop.login1.Manager";
        self.service
            .signal(MANAGER, manager, name, &("2", path).to_variant());
    }
}

fn is_elsewhere(report: &Report) -> bool {
    let error = report.error.as_deref().unwrap_or_default();
    error.contains("another session is active")
}

/// Tries to open what it was told to open: it is this session's turn.
fn is_here(report: &Report) -> bool {
    let error = report.error.as_deref().unwrap_or_default();
    error.contains("/dev/null")
}

#[test]
fn the_device_goes_with_the_screen() {
    for by in [By::Process, By::Number, By::Display] {
        let (session, system) = (Bus::new(), Bus::new());
        let logind = Logind::new(&system, by);
        let home = Home::new(&session.address).with_system_bus(&system.address);
        home.configure("");
        let applet = home.start();
        applet.wait(is_here);
        logind.switch(false);
        let report = applet.wait(is_elsewhere);
        assert!(report.outputs.is_empty() && !report.camera_open);
        // Nothing that happens meanwhile takes the device back.
        home.configure("[delays]\ncooldown_ms = 1\n");
        home.configure("width = 640\n");
        applet.tell("pause");
        assert!(is_elsewhere(&applet.wait(|report| report.paused)));
        logind.switch(true);
        applet.wait(is_here);
    }
}

#[test]
fn a_session_that_is_inactive_from_the_start_is_noticed() {
    let (session, system) = (Bus::new(), Bus::new());
    let logind = Logind::new(&system, By::Process);
    logind.active.store(false, Ordering::SeqCst);
    let home = Home::new(&session.address).with_system_bus(&system.address);
    home.configure("");
    let applet = home.start();
    applet.wait(is_elsewhere);
}

#[test]
fn a_session_may_come_after_the_applet_and_go_before_it() {
    let (session, system) = (Bus::new(), Bus::new());
    let logind = Logind::new(&system, By::Display);
    logind.there.store(false, Ordering::SeqCst);
    logind.active.store(false, Ordering::SeqCst);
    let home = Home::new(&session.address).with_system_bus(&system.address);
    home.configure("");
    let applet = home.start();
    applet.wait(is_here);
    logind.attend(true);
    applet.wait(is_elsewhere);
    logind.attend(false);
    applet.wait(is_here);
}

#[test]
fn without_logind_it_is_always_our_turn() {
    let (session, system) = (Bus::new(), Bus::new());
    let home = Home::new(&session.address).with_system_bus(&system.address);
    home.configure("");
    home.start().wait(is_here);
    let alone = Home::new(&session.address);
    alone.configure("");
    alone.start().wait(is_here);
}

#[test]
fn a_pause_survives_a_restart_and_a_crash() {
    let session = Bus::new();
    let home = Home::new(&session.address);
    home.configure("");
    let applet = home.start();
    assert!(!applet.wait(is_here).paused);
    applet.tell("pause");
    applet.wait(|report| report.paused);
    applet.kill();
    let applet = home.start();
    assert!(applet.wait(is_here).paused);
    drop(applet);
    let applet = home.start();
    assert!(applet.wait(is_here).paused);
    applet.tell("resume");
    applet.wait(|report| !report.paused);
    applet.kill();
    assert!(!home.start().wait(is_here).paused);
}
