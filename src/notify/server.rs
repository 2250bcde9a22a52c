//! Client of the notification server, `org.freedesktop.Notifications`.
//!
//! GIO has one, but it gives the default action no label, which some servers show as an empty button,
//! and uses the process's name as the application's. Nothing here blocks. The server may appear late,
//! hang, or be replaced by another one, which then receives what should still be shown.

use std::cell::RefCell;
use std::rc::{Rc, Weak};

use gio::{Cancellable, DBusCallFlags, DBusConnection, DBusSignalFlags, SignalSubscription};
use glib::Variant;
use glib::variant::ToVariant;

use super::message::Capabilities;
use super::state::NotificationState;
use super::{Change, Topic};
use crate::name_watch::{BUS, BUS_PATH, NameWatch};

const NAME: &str = "org.freedesktop.Notifications";
const PATH: &str = "/org/freedesktop/Notifications";

/// D-Bus's default timeout for a reply, 25 s.
const DEFAULT_TIMEOUT: i32 = -1;
/// Only the reply to `Notify` contains the id for closing it, so wait as long as the server exists.
const NO_TIMEOUT: i32 = i32::MAX;

pub struct Server {
    shared: Rc<Shared>,
    _servers: NameWatch,
}

struct Shared {
    bus: DBusConnection,
    owner: RefCell<Option<Owner>>,
    states: RefCell<[NotificationState; 2]>,
    act: Box<dyn Fn(&str)>,
}

/// The current server.
struct Owner {
    name: String,
    /// `None` until its reply.
    capabilities: Option<Capabilities>,
    _signals: [SignalSubscription; 2],
}

impl Server {
    /// Calls `act` with the name of each action that the user invokes.
    pub fn new(bus: &DBusConnection, act: impl Fn(&str) + 'static) -> Self {
        let shared = Rc::new(Shared {
            bus: bus.clone(),
            owner: RefCell::default(),
            states: RefCell::default(),
            act: Box::new(act),
        });
        let seen = Rc::downgrade(&shared);
        let servers = NameWatch::new(bus, NAME, move |owner| {
            with(&seen, |shared| match owner {
                Some(name) => shared.owner_appeared(name),
                None => shared.owner_vanished(),
            });
        });
        Self {
            shared,
            _servers: servers,
        }
    }

    /// Shows or withdraws a notification; without a server, as soon as one appears.
    pub fn perform(&self, change: Change) {
        match change {
            Change::Post(note) => {
                let topic = note.topic;
                self.shared.state(topic, |state| state.want(note));
                self.shared.start_server();
                self.shared.send(topic);
            }
            Change::Withdraw(topic) => {
                let id = self.shared.state(topic, NotificationState::withdraw);
                self.shared.close(id);
            }
        }
    }
}

impl Shared {
    fn state<T>(&self, topic: Topic, act: impl FnOnce(&mut NotificationState) -> T) -> T {
        act(&mut self.states.borrow_mut()[topic as usize])
    }

    /// Has the bus start a server, if none is running and one is installed.
    fn start_server(&self) {
        if self.owner.borrow().is_some() {
            return;
        }
        self.bus.call(
            Some(BUS),
            BUS_PATH,
            BUS,
            "StartServiceByName",
            Some(&(NAME, 0_u32).to_variant()),
            None,
            DBusCallFlags::NONE,
            DEFAULT_TIMEOUT,
            Cancellable::NONE,
            |started| {
                if let Err(error) = started {
                    tracing::debug!("no notification server: {error}");
                }
            },
        );
    }

    fn owner_appeared(self: &Rc<Self>, name: &str) {
        self.owner_vanished();
        let (shared, addressee) = (Rc::downgrade(self), name.to_owned());
        self.owner.replace(Some(Owner {
            name: name.to_owned(),
            capabilities: None,
            _signals: [
                self.subscribe(name, "ActionInvoked", Self::action_invoked),
                self.subscribe(name, "NotificationClosed", Self::notification_closed),
            ],
        }));
        self.call(
            name,
            "GetCapabilities",
            None,
            DEFAULT_TIMEOUT,
            move |reply| {
                with(&shared, |shared| shared.set_capabilities(&addressee, reply));
            },
        );
    }

    fn owner_vanished(&self) {
        self.owner.take();
        self.states
            .borrow_mut()
            .iter_mut()
            .for_each(NotificationState::reset);
    }

    fn set_capabilities(self: &Rc<Self>, name: &str, reply: Reply) {
        let capabilities = match reply {
            Ok(reply) => Capabilities::new(&reply),
            Err(error) => {
                tracing::debug!("cannot query the notification server's capabilities: {error}");
                Capabilities::default()
            }
        };
        match &mut *self.owner.borrow_mut() {
            Some(owner) if owner.name == name => owner.capabilities = Some(capabilities),
            _ => return, // replaced by another server meanwhile
        }
        for topic in Topic::ALL {
            self.send(topic);
        }
    }

    /// Sends the note of a topic, if it isn't sent yet and the server's capabilities are known.
    fn send(self: &Rc<Self>, topic: Topic) {
        let known = self.owner.borrow();
        let known = known.as_ref();
        let Some((name, capabilities)) =
            known.and_then(|owner| Some((owner.name.clone(), owner.capabilities?)))
        else {
            return;
        };
        let Some((note, replaces)) = self.state(topic, NotificationState::send) else {
            return;
        };
        let message = capabilities.message(&note, replaces);
        let (shared, addressee) = (Rc::downgrade(self), name.clone());
        self.call(&name, "Notify", Some(&message), NO_TIMEOUT, move |reply| {
            with(&shared, |shared| {
                shared.notify_returned(topic, &addressee, reply);
            });
        });
    }

    fn notify_returned(self: &Rc<Self>, topic: Topic, name: &str, reply: Reply) {
        let is_there = |owner: &Owner| owner.name == name;
        if !self.owner.borrow().as_ref().is_some_and(is_there) {
            return;
        }
        let id = match reply {
            Ok(reply) => reply.get().map(|(id,)| id),
            Err(error) => {
                tracing::debug!("cannot show a notification: {error}");
                None
            }
        };
        let unwanted = self.state(topic, |state| state.sent(id));
        self.close(unwanted);
        self.send(topic);
    }

    fn close(&self, id: Option<u32>) {
        if let (Some(id), Some(owner)) = (id, &*self.owner.borrow()) {
            let id = (id,).to_variant();
            // For one that is closed already, some servers return an error.
            let closed = |_| {};
            self.call(
                &owner.name,
                "CloseNotification",
                Some(&id),
                DEFAULT_TIMEOUT,
                closed,
            );
        }
    }

    fn action_invoked(self: &Rc<Self>, parameters: &Variant) {
        let Some((id, action)) = parameters.get::<(u32, String)>() else {
            return;
        };
        let is_ours = self.states.borrow().iter().any(|state| state.has(id));
        if is_ours {
            (self.act)(&action);
        }
    }

    fn notification_closed(self: &Rc<Self>, parameters: &Variant) {
        if let Some((id, _)) = parameters.get::<(u32, u32)>() {
            let mut states = self.states.borrow_mut();
            states.iter_mut().for_each(|state| state.closed(id));
        }
    }

    fn call(
        &self,
        name: &str,
        method: &str,
        parameters: Option<&Variant>,
        timeout: i32,
        done: impl FnOnce(Reply) + 'static,
    ) {
        self.bus.call(
            Some(name),
            PATH,
            NAME,
            method,
            parameters,
            None,
            DBusCallFlags::NONE,
            timeout,
            Cancellable::NONE,
            done,
        );
    }

    fn subscribe(
        self: &Rc<Self>,
        name: &str,
        signal: &str,
        act: impl Fn(&Rc<Self>, &Variant) + 'static,
    ) -> SignalSubscription {
        let shared = Rc::downgrade(self);
        self.bus.subscribe_to_signal(
            Some(name),
            Some(NAME),
            Some(signal),
            Some(PATH),
            None,
            DBusSignalFlags::NONE,
            move |signal| with(&shared, |shared| act(shared, signal.parameters)),
        )
    }
}

type Reply = Result<Variant, glib::Error>;

/// Calls `act` unless the server object was dropped.
fn with(shared: &Weak<Shared>, act: impl FnOnce(&Rc<Shared>)) {
    if let Some(shared) = shared.upgrade() {
        act(&shared);
    }
}
