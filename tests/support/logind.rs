//! A logind of the test's own, which knows one session.

use std::collections::HashMap;
use std::io::{self, PipeReader};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use gio::prelude::*;
use gio::{DBusConnection, UnixFDList};
use glib::Variant;
use glib::variant::{Handle, ObjectPath};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::bus::Bus;
use crate::standin::{Call, Object, Reply, StandIn};

const MANAGER: &str = "/org/freedesktop/login1";
const OURS: &str = "/org/freedesktop/login1/session/_32";
const USER: &str = "/org/freedesktop/login1/user/_1000";

const MANAGER_XML: &str = "<node><interface name='org.freedesktop.login1.Manager'>
    <method name='GetSessionByPID'><arg type='u' direction='in'/><arg type='o' direction='out'/></method>
    <method name='GetSession'><arg type='s' direction='in'/><arg type='o' direction='out'/></method>
    <method name='GetUser'><arg type='u' direction='in'/><arg type='o' direction='out'/></method>
    <method name='Inhibit'><arg type='s' direction='in'/><arg type='s' direction='in'/>
        <arg type='s' direction='in'/><arg type='s' direction='in'/><arg type='h' direction='out'/></method>
    <property name='PreparingForSleep' type='b' access='read'/>
</interface></node>";
const SESSION_XML: &str = "<node><interface name='org.freedesktop.login1.Session'>
    <property name='Active' type='b' access='read'/>
    <property name='LockedHint' type='b' access='read'/>
    <property name='State' type='s' access='read'/>
    <property name='Type' type='s' access='read'/>
</interface></node>";
const USER_XML: &str = "<node><interface name='org.freedesktop.login1.User'>
    <property name='Display' type='(so)' access='read'/>
</interface></node>";

/// Longer than anything here takes on a busy machine.
const WAIT_TIMEOUT: Duration = Duration::from_secs(30);

/// How logind gets to know our session.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum By {
    /// Its processes.
    Process,
    /// Its number, in the environment.
    Number,
    /// Being the user's graphical one.
    Display,
}

/// How things stand. Logind may be started with any of this.
#[derive(Clone, Debug)]
pub struct Facts {
    active: Arc<AtomicBool>,
    locked: Arc<AtomicBool>,
    there: Arc<AtomicBool>,
    asleep: Arc<AtomicBool>,
    closing: Arc<AtomicBool>,
    closes_unseen: Arc<AtomicBool>,
    kind: &'static str,
    overtaken: Arc<Mutex<Option<&'static str>>>,
}

impl Facts {
    /// An unlocked session on the screen of a machine that is awake.
    pub fn new() -> Self {
        let fact = |so| Arc::new(AtomicBool::new(so));
        Self {
            active: fact(true),
            locked: fact(false),
            there: fact(true),
            asleep: fact(false),
            closing: fact(false),
            closes_unseen: fact(false),
            kind: "x11",
            overtaken: Arc::default(),
        }
    }

    pub fn active(self, active: bool) -> Self {
        set(&self.active, active);
        self
    }

    pub fn locked(self, locked: bool) -> Self {
        set(&self.locked, locked);
        self
    }

    pub fn there(self, there: bool) -> Self {
        set(&self.there, there);
        self
    }

    pub fn asleep(self, asleep: bool) -> Self {
        set(&self.asleep, asleep);
        self
    }

    /// What the session shows its user: "x11", "tty" and so on.
    pub fn kind(self, kind: &'static str) -> Self {
        Self { kind, ..self }
    }

    /// The user logs out once the session was found, before anybody has subscribed to its changes.
    pub fn closes_unseen(self) -> Self {
        set(&self.closes_unseen, true);
        self
    }

    /// The user has logged out, and the session waits for its last process.
    pub fn close(&self) {
        set(&self.closing, true);
    }

    /// The first answer to this question is overtaken by a signal: the machine is about to sleep, or
    /// the screen is locked.
    pub fn overtaken(self, question: &'static str) -> Self {
        self.overtaken.lock().unwrap().replace(question);
        self
    }

    /// Answers by how things stood when the question came.
    fn reply(&self, by: By, call: &Call, delays: &mpsc::Sender<Delay>) -> Option<Reply> {
        let reply = self.answer(by, call, delays);
        let mut overtaken = self.overtaken.lock().unwrap();
        match overtaken.take_if(|question| *question == call.name) {
            None => {}
            Some("LockedHint") => {
                set(&self.locked, true);
                emit(call.connection, &session_changed("LockedHint", true));
            }
            Some(_) => {
                set(&self.asleep, true);
                emit(call.connection, &prepare_for_sleep(true));
            }
        }
        reply
    }

    fn answer(&self, by: By, call: &Call, delays: &mpsc::Sender<Delay>) -> Option<Reply> {
        let path = |text: &str| ObjectPath::try_from(text.to_owned()).unwrap();
        let there = is(&self.there);
        let known = |how| (there && by == how).then(|| (path(OURS),).to_variant().into());
        match call.name {
            "Active" => Some(is(&self.active).to_variant().into()),
            "LockedHint" => Some(is(&self.locked).to_variant().into()),
            "State" => {
                let state = match (is(&self.closing), is(&self.active)) {
                    (true, _) => "closing",
                    (false, true) => "active",
                    (false, false) => "online",
                };
                Some(state.to_variant().into())
            }
            "Type" if self.closes_unseen.swap(false, Ordering::SeqCst) => {
                self.close();
                set(&self.active, false);
                Some(self.kind.to_variant().into())
            }
            "Type" => Some(self.kind.to_variant().into()),
            "PreparingForSleep" => Some(is(&self.asleep).to_variant().into()),
            "GetSessionByPID" => known(By::Process),
            "GetSession" if call.parameters.get() == Some(("2".to_owned(),)) => known(By::Number),
            "GetUser" => (by == By::Display).then(|| (path(USER),).to_variant().into()),
            "Display" if there => Some(("2", path(OURS)).to_variant().into()),
            "Display" => Some(("", path("/")).to_variant().into()),
            "Inhibit" => {
                let (end, held) = io::pipe().unwrap();
                let fds = UnixFDList::new();
                fds.append(&held).unwrap();
                let asked = call.parameters.get().unwrap();
                let _ = delays.send(Delay { asked, end });
                Some(Reply::with_fds((Handle(0),).to_variant(), fds))
            }
            _ => None,
        }
    }
}

fn is(fact: &AtomicBool) -> bool {
    fact.load(Ordering::SeqCst)
}

fn set(fact: &AtomicBool, so: bool) {
    fact.store(so, Ordering::SeqCst);
}

/// An object's path, its interface, and a signal with its parameters.
type Signal<'a> = (&'a str, &'a str, &'a str, Variant);

fn of_manager(name: &str, parameters: Variant) -> Signal<'_> {
    (MANAGER, "org.freedesktop.login1.Manager", name, parameters)
}

fn prepare_for_sleep(asleep: bool) -> Signal<'static> {
    of_manager("PrepareForSleep", (asleep,).to_variant())
}

fn session_changed(name: &str, value: bool) -> Signal<'static> {
    let session = "org.freedesktop.login1.Session";
    let changed = HashMap::from([(name, value.to_variant())]);
    let parameters = (session, changed, Vec::<String>::new());
    let properties = "org.freedesktop.DBus.Properties";
    (
        OURS,
        properties,
        "PropertiesChanged",
        parameters.to_variant(),
    )
}

fn emit(connection: &DBusConnection, (path, interface, name, parameters): &Signal) {
    connection
        .emit_signal(None, path, interface, name, Some(parameters))
        .unwrap();
}

/// A logind that leaves the bus when dropped.
pub struct Logind {
    facts: Facts,
    delays: mpsc::Receiver<Delay>,
    service: StandIn,
}

impl Logind {
    pub fn new(bus: &Bus, by: By, facts: Facts) -> Self {
        let object = |path, xml| Object { path, xml };
        let objects = vec![
            object(MANAGER, MANAGER_XML),
            object(OURS, SESSION_XML),
            object(USER, USER_XML),
        ];
        let (delayed, delays) = mpsc::channel();
        let told = facts.clone();
        let answer = move |call: &Call| told.reply(by, call, &delayed);
        let service = StandIn::new(bus.connect(), "org.freedesktop.login1", objects, answer);
        Self {
            facts,
            delays,
            service,
        }
    }

    /// The screen goes to this session, or to another.
    pub fn switch(&self, active: bool) {
        set(&self.facts.active, active);
        self.send(&session_changed("Active", active));
    }

    /// The screen is locked, or unlocked.
    pub fn lock(&self, locked: bool) {
        set(&self.facts.locked, locked);
        self.send(&session_changed("LockedHint", locked));
    }

    /// The user logs out, and the screen goes elsewhere.
    pub fn log_out(&self) {
        self.facts.close();
        self.switch(false);
    }

    /// Another session begins, ours or somebody's.
    pub fn begin_another(&self) {
        let path = ObjectPath::try_from(format!("{OURS}1")).unwrap();
        self.send(&of_manager("SessionNew", ("21", path).to_variant()));
    }

    /// The session comes or ends.
    pub fn attend(&self, there: bool) {
        set(&self.facts.there, there);
        let name = if there {
            "SessionNew"
        } else {
            "SessionRemoved"
        };
        let path = ObjectPath::try_from(OURS.to_owned()).unwrap();
        self.send(&of_manager(name, ("2", path).to_variant()));
    }

    /// The machine is about to sleep, or awake again.
    pub fn prepare_for_sleep(&self, asleep: bool) {
        set(&self.facts.asleep, asleep);
        self.send(&prepare_for_sleep(asleep));
    }

    fn send(&self, (path, interface, name, parameters): &Signal) {
        self.service.signal(path, interface, name, parameters);
    }

    /// The next time that somebody wants sleep to wait.
    pub fn next_delay(&self) -> Delay {
        self.delays
            .recv_timeout(WAIT_TIMEOUT)
            .expect("an inhibitor")
    }
}

/// Somebody wants sleep to wait.
pub struct Delay {
    /// For what, who, why and how.
    pub asked: (String, String, String, String),
    end: PipeReader,
}

impl Delay {
    /// Whether it is not over yet.
    pub fn is_held(&self) -> bool {
        !self.is_over_within(Duration::ZERO)
    }

    /// Waits for its end.
    pub fn wait_for_end(&self) {
        assert!(
            self.is_over_within(WAIT_TIMEOUT),
            "the machine never sleeps"
        );
    }

    fn is_over_within(&self, limit: Duration) -> bool {
        let limit = Timespec::try_from(limit).unwrap();
        let mut fds = [PollFd::new(&self.end, PollFlags::IN)];
        poll(&mut fds, Some(&limit)).unwrap() > 0 // nobody writes: it is a hang-up
    }
}
