//! Whose turn it is at the machine, and whether anybody is at it: logind tells when another user's
//! session takes the screen, when ours is locked, and when the machine goes to [sleep](Sleep).
//!
//! The session is the one this process is in; a systemd user unit is in none, so that the user's
//! graphical session stands in. Without logind, or without a session, it is always our turn. After a
//! log-out a process that is left in its graphical session keeps that "closing" for ever, and no later
//! log-in makes it active again: such a session has no future.

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

/// What became different.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Whether it is our turn.
    Active(bool),
    /// Whether the screen is locked.
    Locked(bool),
    /// The graphical session that this process is in is closing: its user has logged out.
    Closing,
}

/// What is known of our session.
enum Own {
    /// It is this object.
    Is(String),
    /// See [`Change::Closing`].
    Closing,
    /// There is none.
    Missing,
}

/// A watch over the session. It ends when dropped.
pub struct Session {
    inner: Rc<Inner>,
}

struct Inner {
    /// Whether it is our turn.
    active: Cell<bool>,
    /// Whether the screen is locked, as far as what locks it tells logind.
    locked: Cell<bool>,
    changed: Box<dyn Fn(Change)>,
    /// Counts searches for our session: what an older one finds is of no interest.
    newest: Cell<u64>,
    /// Counts what logind told by itself: an answer to an older question is no news.
    heard: Cell<u64>,
    sessions: RefCell<Vec<SignalSubscription>>,
    /// Over the one session that is ours.
    own: RefCell<Option<SignalSubscription>>,
    watch: RefCell<Option<NameWatch>>,
}

impl Session {
    /// Watches from now on; `changed` is called, from the main loop, for every change. At first it is
    /// taken to be our turn, and nothing to be locked.
    pub fn watch(changed: impl Fn(Change) + 'static) -> Self {
        let inner = Rc::new(Inner {
            active: Cell::new(true),
            locked: Cell::new(false),
            changed: Box::new(changed),
            newest: Cell::new(0),
            heard: Cell::new(0),
            sessions: RefCell::default(),
            own: RefCell::default(),
            watch: RefCell::default(),
        });
        let this = Rc::downgrade(&inner);
        glib::spawn_future_local(async move {
            match (Logind::connect().await, this.upgrade()) {
                (Ok(logind), Some(inner)) => inner.start(&logind),
                (Err(error), _) => tracing::debug!("no system bus: {error}"),
                _ => {}
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
    fn start(self: &Rc<Self>, logind: &Logind) {
        let search = || {
            let (this, logind) = (Rc::downgrade(self), logind.clone());
            move || {
                if let Some(inner) = this.upgrade() {
                    inner.search(&logind);
                }
            }
        };
        // A unit may start before the session is there, and outlive it.
        let signals = ["SessionNew", "SessionRemoved"].map(|signal| {
            let search = search();
            logind.hear(signal, move |_| search())
        });
        self.sessions.borrow_mut().extend(signals);
        // While it is away, all stays as it was: it may be back at once.
        let search = search();
        let watch = logind.watch(move |is_there| {
            if is_there {
                search();
            }
        });
        self.watch.replace(Some(watch));
    }

    /// Looks for our session and watches that.
    fn search(self: &Rc<Self>, logind: &Logind) {
        let number = self.newest.get() + 1;
        self.newest.set(number);
        let this = Rc::downgrade(self);
        let current = move || this.upgrade().filter(|inner| inner.newest.get() == number);
        let logind = logind.clone();
        glib::spawn_future_local(async move {
            let own = own_session(&logind).await;
            let Some(inner) = current() else { return };
            let path = match own {
                Own::Is(path) => path,
                Own::Closing => {
                    (inner.changed)(Change::Closing);
                    return;
                }
                Own::Missing => {
                    tracing::debug!("logind knows no session of ours");
                    inner.own.replace(None);
                    inner.set(Some(true), Some(false));
                    return;
                }
            };
            // Before the question, so that no change falls between the two.
            inner.own.replace(Some(inner.listen(&logind, &path)));
            let heard = inner.heard.get();
            drop(inner);
            let properties = logind.properties(&path, SESSION).await;
            match (current(), properties) {
                (Some(inner), Some(_)) if inner.heard.get() != heard => inner.search(&logind),
                // It was not when it was chosen, and there was no subscription yet.
                (Some(inner), Some(properties)) if kind_if_closing(&properties).is_some() => {
                    inner.search(&logind);
                }
                (Some(inner), Some(properties)) => inner.take_in(&properties),
                _ => {}
            }
        });
    }

    fn listen(self: &Rc<Self>, logind: &Logind, path: &str) -> SignalSubscription {
        let (this, source) = (Rc::downgrade(self), logind.clone());
        logind.follow(path, SESSION, move |properties| {
            if let Some(inner) = this.upgrade() {
                inner.heard.set(inner.heard.get() + 1);
                inner.take_in(properties);
                if !inner.active.get() {
                    inner.search(&source); // logind has no signal for a session that is closing
                }
            }
        })
    }

    fn take_in(&self, properties: &Variant) {
        let properties = VariantDict::new(Some(properties));
        let property = |name| properties.lookup(name).ok().flatten();
        self.set(property("Active"), property("LockedHint"));
    }

    /// Takes over what is known.
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

/// Our session; one that is closing is none, or the end.
async fn own_session(logind: &Logind) -> Own {
    let pid = (std::process::id(),).to_variant();
    if let Some(session) = logind.object("GetSessionByPID", &pid).await {
        match closing(logind, &session).await {
            None => return Own::Is(session),
            Some(Kind::Graphical) => return Own::Closing,
            Some(Kind::Other) => {}
        }
    }
    // Not what this process is in: systemd's environment may still name a session of before.
    if let Ok(id) = std::env::var("XDG_SESSION_ID")
        && let Some(session) = logind.object("GetSession", &(id,).to_variant()).await
        && closing(logind, &session).await.is_none()
    {
        return Own::Is(session);
    }
    match display_session(logind).await {
        Some(session) if closing(logind, &session).await.is_none() => Own::Is(session),
        _ => Own::Missing,
    }
}

/// What a session shows its user.
enum Kind {
    /// A desktop.
    Graphical,
    /// A terminal, maybe far away: programs that are left there are meant to go on.
    Other,
}

/// What kind of session this is, if it is closing.
async fn closing(logind: &Logind, path: &str) -> Option<Kind> {
    kind_if_closing(&logind.properties(path, SESSION).await?)
}

/// See [`closing`], of a session with these properties.
fn kind_if_closing(properties: &Variant) -> Option<Kind> {
    let properties = VariantDict::new(Some(properties));
    let text = |name| properties.lookup::<String>(name).ok().flatten();
    (text("State")? == "closing").then(|| match text("Type").as_deref() {
        Some("x11" | "wayland" | "mir") => Kind::Graphical,
        _ => Kind::Other,
    })
}

/// The user's graphical session.
async fn display_session(logind: &Logind) -> Option<String> {
    let uid = (rustix::process::getuid().as_raw(),).to_variant();
    let user = logind.object("GetUser", &uid).await?;
    let properties = logind.properties(&user, USER).await?;
    let display = VariantDict::new(Some(&properties)).lookup_value("Display", None)?;
    let path = display.try_child_value(1)?;
    // A user without a graphical session has "/" in its place.
    path.str().filter(|path| *path != "/").map(str::to_owned)
}
