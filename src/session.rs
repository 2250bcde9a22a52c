//! The login session, from logind: whether ours is the active one on its seat, whether it is locked,
//! and when the machine goes to [sleep](Sleep).
//!
//! Our session is the one this process is in, or, as a systemd user unit is in none, the user's
//! graphical session. Without logind or without a session, it counts as active. A process that stays
//! after the log-out keeps its graphical session "closing" for ever, and no later log-in makes that
//! session active again.

mod logind;
mod sleep;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use gio::SignalSubscription;
use gio::prelude::*;
use glib::{Variant, VariantDict};

use crate::name_watch::NameWatch;

use logind::Logind;

pub use sleep::Sleep;

const SESSION: &str = "org.freedesktop.login1.Session";
const USER: &str = "org.freedesktop.login1.User";

/// A change of the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Whether it is the active session on its seat.
    Active(bool),
    /// Whether the screen is locked.
    Locked(bool),
    /// The user has logged out of the graphical session that this process is in.
    Closing,
}

/// Which session is ours.
enum OwnSession {
    /// The session with this object path.
    Is(String),
    /// See [`Change::Closing`].
    Closing,
    Missing,
}

/// Watches the session until dropped.
pub struct Session {
    state: Rc<SessionState>,
}

struct SessionState {
    active: Cell<bool>,
    /// As far as the screen locker reports it to logind.
    locked: Cell<bool>,
    changed: Box<dyn Fn(Change)>,
    /// Counts searches for our session, to discard the results of older ones.
    latest_search: Cell<u64>,
    /// Counts signals, to discard replies to queries sent before the latest one.
    signals_received: Cell<u64>,
    sessions: RefCell<Vec<SignalSubscription>>,
    own: RefCell<Option<SignalSubscription>>,
    watch: RefCell<Option<NameWatch>>,
}

impl Session {
    /// Calls `changed` for every change, from the main loop. Initially, the session counts as active
    /// and unlocked.
    pub fn watch(changed: impl Fn(Change) + 'static) -> Self {
        let state = Rc::new(SessionState {
            active: Cell::new(true),
            locked: Cell::new(false),
            changed: Box::new(changed),
            latest_search: Cell::new(0),
            signals_received: Cell::new(0),
            sessions: RefCell::default(),
            own: RefCell::default(),
            watch: RefCell::default(),
        });
        let this = Rc::downgrade(&state);
        glib::spawn_future_local(async move {
            match (Logind::connect().await, this.upgrade()) {
                (Ok(logind), Some(state)) => state.start(&logind),
                (Err(error), _) => tracing::debug!("no system bus: {error}"),
                _ => {}
            }
        });
        Self { state }
    }

    pub fn is_active(&self) -> bool {
        self.state.active.get()
    }
}

impl SessionState {
    fn start(self: &Rc<Self>, logind: &Logind) {
        let search = || {
            let (this, logind) = (Rc::downgrade(self), logind.clone());
            move || {
                if let Some(state) = this.upgrade() {
                    state.search(&logind);
                }
            }
        };
        // A unit may start before the session exists, and outlive it.
        let signals = ["SessionNew", "SessionRemoved"].map(|signal| {
            let search = search();
            logind.on_signal(signal, move |_| search())
        });
        self.sessions.borrow_mut().extend(signals);
        // Nothing changes while logind is away: it may just be restarting.
        let search = search();
        let watch = logind.watch(move |is_there| {
            if is_there {
                search();
            }
        });
        self.watch.replace(Some(watch));
    }

    /// Finds our session and watches it.
    fn search(self: &Rc<Self>, logind: &Logind) {
        let number = self.latest_search.get() + 1;
        self.latest_search.set(number);
        let this = Rc::downgrade(self);
        let current = move || {
            this.upgrade()
                .filter(|state| state.latest_search.get() == number)
        };
        let logind = logind.clone();
        glib::spawn_future_local(async move {
            let own = own_session(&logind).await;
            let Some(state) = current() else { return };
            let path = match own {
                OwnSession::Is(path) => path,
                OwnSession::Closing => {
                    (state.changed)(Change::Closing);
                    return;
                }
                OwnSession::Missing => {
                    tracing::debug!("logind has no session for this process or user");
                    state.own.replace(None);
                    state.set(Some(true), Some(false));
                    return;
                }
            };
            // Subscribes before the query, so that no change is missed.
            state.own.replace(Some(state.subscribe(&logind, &path)));
            let signals_received = state.signals_received.get();
            drop(state);
            let properties = logind.properties(&path, SESSION).await;
            match (current(), properties) {
                (Some(state), Some(_)) if state.signals_received.get() != signals_received => {
                    state.search(&logind);
                }
                // It began to close before the subscription.
                (Some(state), Some(properties)) if closing_kind(&properties).is_some() => {
                    state.search(&logind);
                }
                (Some(state), Some(properties)) => state.apply_properties(&properties),
                _ => {}
            }
        });
    }

    fn subscribe(self: &Rc<Self>, logind: &Logind, path: &str) -> SignalSubscription {
        let (this, source) = (Rc::downgrade(self), logind.clone());
        logind.on_properties_changed(path, SESSION, move |properties| {
            if let Some(state) = this.upgrade() {
                state.signals_received.set(state.signals_received.get() + 1);
                state.apply_properties(properties);
                if !state.active.get() {
                    state.search(&source); // no signal reports that a session is closing
                }
            }
        })
    }

    fn apply_properties(&self, properties: &Variant) {
        let properties = VariantDict::new(Some(properties));
        let property = |name| properties.lookup(name).ok().flatten();
        self.set(property("Active"), property("LockedHint"));
    }

    fn set(&self, active: Option<bool>, locked: Option<bool>) {
        let differs = |of: &Cell<bool>, is: &bool| of.replace(*is) != *is;
        if let Some(active) = active.filter(|active| differs(&self.active, active)) {
            (self.changed)(Change::Active(active));
        }
        if let Some(locked) = locked.filter(|locked| differs(&self.locked, locked)) {
            (self.changed)(Change::Locked(locked));
        }
    }
}

async fn own_session(logind: &Logind) -> OwnSession {
    let pid = (std::process::id(),).to_variant();
    if let Some(session) = logind.object("GetSessionByPID", &pid).await {
        match kind_if_closing(logind, &session).await {
            None => return OwnSession::Is(session),
            Some(SessionKind::Graphical) => return OwnSession::Closing,
            Some(SessionKind::Other) => {}
        }
    }
    // Less reliable: systemd's environment may still name an earlier session.
    if let Ok(id) = std::env::var("XDG_SESSION_ID")
        && let Some(session) = logind.object("GetSession", &(id,).to_variant()).await
        && kind_if_closing(logind, &session).await.is_none()
    {
        return OwnSession::Is(session);
    }
    match display_session(logind).await {
        Some(session) if kind_if_closing(logind, &session).await.is_none() => {
            OwnSession::Is(session)
        }
        _ => OwnSession::Missing,
    }
}

enum SessionKind {
    Graphical,
    /// A terminal, local or remote: programs left there are meant to continue.
    Other,
}

async fn kind_if_closing(logind: &Logind, path: &str) -> Option<SessionKind> {
    closing_kind(&logind.properties(path, SESSION).await?)
}

fn closing_kind(properties: &Variant) -> Option<SessionKind> {
    let properties = VariantDict::new(Some(properties));
    let text = |name| properties.lookup::<String>(name).ok().flatten();
    (text("State")? == "closing").then(|| match text("Type").as_deref() {
        Some("x11" | "wayland" | "mir") => SessionKind::Graphical,
        _ => SessionKind::Other,
    })
}

async fn display_session(logind: &Logind) -> Option<String> {
    let uid = (rustix::process::getuid().as_raw(),).to_variant();
    let user = logind.object("GetUser", &uid).await?;
    let properties = logind.properties(&user, USER).await?;
    let display = VariantDict::new(Some(&properties)).lookup_value("Display", None)?;
    let path = display.try_child_value(1)?;
    // logind reports "/" if there is none.
    path.str().filter(|path| *path != "/").map(str::to_owned)
}
