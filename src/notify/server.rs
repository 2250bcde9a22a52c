//! Notifications by a server for them, `org.freedesktop.Notifications`: those of all desktops.
//!
//! GIO would do it, too, but gives the default action no label, which some servers show as an empty
//! button, and goes by the name of the process. Nothing here waits. The server may come late, hang, or
//! be replaced by another, which then gets what is still to be shown.

use std::cell::RefCell;
use std::rc::{Rc, Weak};

use gio::{Cancellable, DBusCallFlags, DBusConnection, DBusSignalFlags, SignalSubscription};
use glib::Variant;
use glib::variant::ToVariant;

use super::message::Capabilities;
use super::place::Place;
use super::{Change, Topic};
use crate::name_watch::{BUS, BUS_PATH, NameWatch};

const NAME: &str = "org.freedesktop.Notifications";
const PATH: &str = "/org/freedesktop/Notifications";

/// D-Bus's own time limit for an answer, 25 seconds.
const USUAL_TIMEOUT: i32 = -1;
/// As long as the server is there: only the answer tells how to take back what it will show in the end.
const NO_TIMEOUT: i32 = i32::MAX;

/// The server for notifications, whichever is there.
pub struct Server {
    shared: Rc<Shared>,
    _servers: NameWatch,
}

struct Shared {
    bus: DBusConnection,
    owner: RefCell<Option<Owner>>,
    places: RefCell<[Place; 2]>,
    act: Box<dyn Fn(&str)>,
}

/// The server that is there now.
struct Owner {
    name: String,
    /// `None` until it has said so.
    capabilities: Option<Capabilities>,
    _signals: [SignalSubscription; 2],
}

impl Server {
    /// The server on this bus; `act` is called with the action that the user chose.
    pub fn new(bus: &DBusConnection, act: impl Fn(&str) + 'static) -> Self {
        let shared = Rc::new(Shared {
            bus: bus.clone(),
            owner: RefCell::default(),
            places: RefCell::default(),
            act: Box::new(act),
        });
        let seen = Rc::downgrade(&shared);
        let servers = NameWatch::new(bus, NAME, move |owner| {
            with(&seen, |shared| match owner {
                Some(name) => shared.owner_came(name),
                None => shared.owner_went(),
            });
        });
        Self {
            shared,
            _servers: servers,
        }
    }

    /// Shows a notification or takes it back, at once where there is a server, otherwise when one comes.
    pub fn perform(&self, change: Change) {
        match change {
            Change::Post(note) => {
                let topic = note.topic;
                self.shared.place(topic, |place| place.want(note));
                self.shared.start_server();
                self.shared.send(topic);
            }
            Change::Withdraw(topic) => {
                let id = self.shared.place(topic, Place::withdraw);
                self.shared.close(id);
            }
        }
    }
}

impl Shared {
    fn place<T>(&self, topic: Topic, act: impl FnOnce(&mut Place) -> T) -> T {
        act(&mut self.places.borrow_mut()[topic as usize])
    }

    /// Has the bus start a server, where none is there yet and it knows one.
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
            USUAL_TIMEOUT,
            Cancellable::NONE,
            |started| {
                if let Err(error) = started {
                    tracing::debug!("nothing shows notifications: {error}");
                }
            },
        );
    }

    fn owner_came(self: &Rc<Self>, name: &str) {
        self.owner_went();
        let (shared, asked) = (Rc::downgrade(self), name.to_owned());
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
            USUAL_TIMEOUT,
            move |answer| {
                with(&shared, |shared| shared.knows_capabilities(&asked, answer));
            },
        );
    }

    /// Whatever was shown has gone with its server.
    fn owner_went(&self) {
        self.owner.take();
        self.places.borrow_mut().iter_mut().for_each(Place::reset);
    }

    fn knows_capabilities(self: &Rc<Self>, name: &str, answer: Answer) {
        let capabilities = match answer {
            Ok(answer) => Capabilities::new(&answer),
            Err(error) => {
                tracing::debug!("what shows notifications doesn't say what it can do: {error}");
                Capabilities::default()
            }
        };
        match &mut *self.owner.borrow_mut() {
            Some(owner) if owner.name == name => owner.capabilities = Some(capabilities),
            _ => return, // it is another's by now
        }
        for topic in Topic::ALL {
            self.send(topic);
        }
    }

    /// Sends what is to be shown, where it isn't sent yet and can be.
    fn send(self: &Rc<Self>, topic: Topic) {
        let known = self.owner.borrow();
        let known = known.as_ref();
        let Some((name, capabilities)) =
            known.and_then(|owner| Some((owner.name.clone(), owner.capabilities?)))
        else {
            return;
        };
        let Some((note, replaces)) = self.place(topic, Place::send) else {
            return;
        };
        let message = capabilities.message(&note, replaces);
        let (shared, asked) = (Rc::downgrade(self), name.clone());
        self.call(&name, "Notify", Some(&message), NO_TIMEOUT, move |answer| {
            with(&shared, |shared| shared.was_sent(topic, &asked, answer));
        });
    }

    fn was_sent(self: &Rc<Self>, topic: Topic, name: &str, answer: Answer) {
        let is_there = |owner: &Owner| owner.name == name;
        if !self.owner.borrow().as_ref().is_some_and(is_there) {
            return;
        }
        let id = match answer {
            Ok(answer) => answer.get().map(|(id,)| id),
            Err(error) => {
                tracing::debug!("a notification is not shown: {error}");
                None
            }
        };
        let unwanted = self.place(topic, |place| place.sent(id));
        self.close(unwanted);
        self.send(topic);
    }

    fn close(&self, id: Option<u32>) {
        if let (Some(id), Some(owner)) = (id, &*self.owner.borrow()) {
            let id = (id,).to_variant();
            // It may be gone already, which some servers call an error.
            let closed = |_| {};
            self.call(
                &owner.name,
                "CloseNotification",
                Some(&id),
                USUAL_TIMEOUT,
                closed,
            );
        }
    }

    fn action_invoked(self: &Rc<Self>, parameters: &Variant) {
        let Some((id, action)) = parameters.get::<(u32, String)>() else {
            return;
        };
        let is_ours = self.places.borrow().iter().any(|place| place.has(id));
        if is_ours {
            (self.act)(&action);
        }
    }

    fn notification_closed(self: &Rc<Self>, parameters: &Variant) {
        if let Some((id, _)) = parameters.get::<(u32, u32)>() {
            let mut places = self.places.borrow_mut();
            places.iter_mut().for_each(|place| place.closed(id));
        }
    }

    fn call(
        &self,
        name: &str,
        method: &str,
        parameters: Option<&Variant>,
        timeout: i32,
        done: impl FnOnce(Answer) + 'static,
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

/// What a call ends with.
type Answer = Result<Variant, glib::Error>;

/// Acts unless the applet has ended.
fn with(shared: &Weak<Shared>, act: impl FnOnce(&Rc<Shared>)) {
    if let Some(shared) = shared.upgrade() {
        act(&shared);
    }
}
