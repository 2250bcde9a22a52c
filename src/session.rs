//! Whose turn it is at the machine: logind tells when another user's session takes the screen.
//!
//! The session is the one this process is in; a systemd user unit is in none, so that the user's
//! graphical session stands in. Without logind, or without a session, it is always our turn.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use gio::prelude::*;
use gio::{BusType, DBusCallFlags, DBusConnection, DBusSignalFlags, SignalSubscription};
use glib::Variant;

const LOGIND: &str = "org.freedesktop.login1";
const MANAGER_PATH: &str = "/org/freedesktop/login1";
const MANAGER: &str = "org.freedesktop.login1.Manager";
const SESSION: &str = "org.freedesktop.login1.Session";
const USER: &str = "org.freedesktop.login1.User";
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";

/// How long logind may take for an answer. It never needs more than milliseconds.
const ANSWER_MS: i32 = 5000;

/// A watch over the session. It ends when dropped.
pub struct Session {
    inner: Rc<Inner>,
}

struct Inner {
    /// Whether it is our turn.
    active: Cell<bool>,
    changed: Box<dyn Fn(bool)>,
    /// Counts searches for our session: what an older one finds is of no interest.
    newest: Cell<u64>,
    sessions: RefCell<Vec<SignalSubscription>>,
    /// Over the one session that is ours.
    own: RefCell<Option<SignalSubscription>>,
}

impl Session {
    /// Watches from now on; `changed` is called, from the main loop, whenever it is our turn or no
    /// longer. It is taken to be at first.
    pub fn watch(changed: impl Fn(bool) + 'static) -> Self {
        let inner = Rc::new(Inner {
            active: Cell::new(true),
            changed: Box::new(changed),
            newest: Cell::new(0),
            sessions: RefCell::default(),
            own: RefCell::default(),
        });
        let this = Rc::downgrade(&inner);
        glib::spawn_future_local(async move {
            match gio::bus_get_future(BusType::System).await {
                Ok(bus) => {
                    if let Some(inner) = this.upgrade() {
                        inner.start(&bus);
                    }
                }
                Err(error) => tracing::debug!("no system bus: {error}"),
            }
        });
        Self { inner }
    }

    /// Whether it is our turn.
    pub fn is_active(&self) -> bool {
        self.inner.active.get()
    }
}

impl Inner {
    fn start(self: &Rc<Self>, bus: &DBusConnection) {
        // GIO would end us together with the bus.
        bus.set_exit_on_close(false);
        // A unit may start before the session is there, and outlive it.
        for signal in ["SessionNew", "SessionRemoved"] {
            let this = Rc::downgrade(self);
            let again = bus.clone();
            let subscription = bus.subscribe_to_signal(
                Some(LOGIND),
                Some(MANAGER),
                Some(signal),
                Some(MANAGER_PATH),
                None,
                DBusSignalFlags::NONE,
                move |_| {
                    if let Some(inner) = this.upgrade() {
                        inner.search(&again);
                    }
                },
            );
            self.sessions.borrow_mut().push(subscription);
        }
        self.search(bus);
    }

    /// Looks for our session and watches that.
    fn search(self: &Rc<Self>, bus: &DBusConnection) {
        let number = self.newest.get() + 1;
        self.newest.set(number);
        let this = Rc::downgrade(self);
        let bus = bus.clone();
        glib::spawn_future_local(async move {
            let path = own_session(&bus).await;
            let Some(inner) = this.upgrade().filter(|inner| inner.newest.get() == number) else {
                return;
            };
            let Some(path) = path else {
                tracing::debug!("logind knows no session of ours");
                inner.own.replace(None);
                inner.set(true);
                return;
            };
            // Before the question, so that no change falls between the two.
            inner.own.replace(Some(inner.listen(&bus, &path)));
            drop(inner);
            let active = get(&bus, &path, SESSION, "Active").await;
            let inner = this.upgrade().filter(|inner| inner.newest.get() == number);
            if let (Some(inner), Some(active)) = (inner, active.and_then(|value| value.get())) {
                inner.set(active);
            }
        });
    }

    fn listen(self: &Rc<Self>, bus: &DBusConnection, path: &str) -> SignalSubscription {
        let this = Rc::downgrade(self);
        bus.subscribe_to_signal(
            Some(LOGIND),
            Some(PROPERTIES),
            Some("PropertiesChanged"),
            Some(path),
            Some(SESSION),
            DBusSignalFlags::NONE,
            move |signal| {
                let changed = glib::VariantDict::new(Some(&signal.parameters.child_value(1)));
                if let (Ok(Some(active)), Some(inner)) = (changed.lookup("Active"), this.upgrade())
                {
                    inner.set(active);
                }
            },
        )
    }

    fn set(&self, active: bool) {
        if self.active.replace(active) != active {
            (self.changed)(active);
        }
    }
}

/// The object of our session; `None` where logind knows none.
async fn own_session(bus: &DBusConnection) -> Option<String> {
    let pid = (std::process::id(),).to_variant();
    if let Some(session) = object(bus, "GetSessionByPID", &pid).await {
        return Some(session);
    }
    if let Ok(id) = std::env::var("XDG_SESSION_ID")
        && let Some(session) = object(bus, "GetSession", &(id,).to_variant()).await
    {
        return Some(session);
    }
    let uid = (rustix::process::getuid().as_raw(),).to_variant();
    let user = object(bus, "GetUser", &uid).await?;
    let display = get(bus, &user, USER, "Display").await?;
    let path = display.try_child_value(1)?;
    // A user without a graphical session has "/" in its place.
    path.str().filter(|path| *path != "/").map(str::to_owned)
}

/// The object that a method of logind's manager answers with.
async fn object(bus: &DBusConnection, method: &str, parameters: &Variant) -> Option<String> {
    let reply = call(bus, MANAGER_PATH, MANAGER, method, parameters).await?;
    reply.child_value(0).str().map(str::to_owned)
}

async fn get(bus: &DBusConnection, path: &str, interface: &str, name: &str) -> Option<Variant> {
    let parameters = (interface, name).to_variant();
    let reply = call(bus, path, PROPERTIES, "Get", &parameters).await?;
    reply.child_value(0).as_variant()
}

async fn call(
    bus: &DBusConnection,
    path: &str,
    interface: &str,
    method: &str,
    parameters: &Variant,
) -> Option<Variant> {
    // Where logind doesn't run, it is not for us to start it.
    let flags = DBusCallFlags::NO_AUTO_START;
    let reply = bus.call_future(
        Some(LOGIND),
        path,
        interface,
        method,
        Some(parameters),
        None,
        flags,
        ANSWER_MS,
    );
    reply
        .await
        .inspect_err(|error| tracing::debug!("logind: {method}: {error}"))
        .ok()
}
