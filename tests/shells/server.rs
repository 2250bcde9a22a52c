//! A notification server: what it was told, and the buttons it presses.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use gio::prelude::*;
use gio::{DBusNodeInfo, RegistrationId};
use glib::Variant;

use crate::desktop::{Desktop, wait};

const NAME: &str = "org.freedesktop.Notifications";
const PATH: &str = "/org/freedesktop/Notifications";
const XML: &str = r#"<node><interface name="org.freedesktop.Notifications">
    <method name="GetCapabilities"><arg type="as" direction="out"/></method>
    <method name="GetServerInformation">
        <arg type="s" direction="out"/><arg type="s" direction="out"/>
        <arg type="s" direction="out"/><arg type="s" direction="out"/>
    </method>
    <method name="Notify">
        <arg type="s" direction="in"/><arg type="u" direction="in"/><arg type="s" direction="in"/>
        <arg type="s" direction="in"/><arg type="s" direction="in"/><arg type="as" direction="in"/>
        <arg type="a{sv}" direction="in"/><arg type="i" direction="in"/>
        <arg type="u" direction="out"/>
    </method>
    <method name="CloseNotification"><arg type="u" direction="in"/></method>
    <signal name="ActionInvoked"><arg type="u"/><arg type="s"/></signal>
</interface></node>"#;

/// A notification on the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    pub summary: String,
    pub body: String,
    /// Names and labels of the buttons.
    pub actions: Vec<(String, String)>,
    pub icon: Option<String>,
}

/// What is on the screen by id, and how many there ever were.
#[derive(Default)]
struct Screen {
    shown: HashMap<u32, Shown>,
    count: u32,
}

/// A server with a screen.
pub struct Server<'a> {
    desktop: &'a Desktop,
    screen: Rc<RefCell<Screen>>,
    _object: RegistrationId,
}

impl<'a> Server<'a> {
    pub fn new(desktop: &'a Desktop) -> Self {
        let screen: Rc<RefCell<Screen>> = Rc::default();
        let told = screen.clone();
        let node = DBusNodeInfo::for_xml(XML).unwrap();
        let object = desktop
            .bus
            .register_object(PATH, &node.lookup_interface(NAME).unwrap())
            .method_call(move |_, _, _, _, method, parameters, invocation| {
                let answer = told.borrow_mut().answer(method, &parameters);
                invocation.return_value(Some(&answer));
            })
            .build()
            .unwrap();
        desktop.take_name(NAME);
        Self {
            desktop,
            screen,
            _object: object,
        }
    }

    /// The only notification on the screen, once it says this, and its id.
    pub fn shown(&self, summary: &str) -> (u32, Shown) {
        wait(summary, || {
            let screen = self.screen.borrow();
            let mut shown = screen
                .shown
                .iter()
                .filter(|(_, one)| one.summary == summary);
            shown.next().map(|(id, one)| (*id, one.clone()))
        })
    }

    /// Waits until nothing is shown.
    pub fn is_clear(&self) {
        let screen = self.screen.clone();
        wait("a clear screen", || {
            screen.borrow().shown.is_empty().then_some(())
        });
    }

    /// How many notifications came, replacements included.
    pub fn count(&self) -> u32 {
        self.screen.borrow().count
    }

    /// Presses a button, which takes the notification off the screen.
    pub fn press(&self, id: u32, action: &str) {
        self.screen.borrow_mut().shown.remove(&id);
        let pressed = (id, action).to_variant();
        let bus = &self.desktop.bus;
        bus.emit_signal(None, PATH, NAME, "ActionInvoked", Some(&pressed))
            .unwrap();
    }
}

impl Screen {
    fn answer(&mut self, method: &str, parameters: &Variant) -> Variant {
        match method {
            "GetCapabilities" => (vec!["actions", "body", "persistence"],).to_variant(),
            "GetServerInformation" => ("test", "test", "1", "1.2").to_variant(),
            "Notify" => (self.notify(parameters),).to_variant(),
            _ => {
                let (id,): (u32,) = parameters.get().unwrap();
                self.shown.remove(&id);
                ().to_variant()
            }
        }
    }

    fn notify(&mut self, parameters: &Variant) -> u32 {
        let text = |index| parameters.child_value(index).str().unwrap().to_owned();
        let actions: Vec<String> = parameters.child_value(5).get().unwrap();
        let hints = glib::VariantDict::new(Some(&parameters.child_value(6)));
        self.count += 1;
        let replaces: u32 = parameters.child_value(1).get().unwrap();
        let id = if replaces == 0 { self.count } else { replaces };
        let shown = Shown {
            summary: text(3),
            body: text(4),
            actions: actions
                .chunks_exact(2)
                .map(|pair| (pair[0].clone(), pair[1].clone()))
                .collect(),
            icon: hints.lookup("image-path").unwrap(),
        };
        self.shown.insert(id, shown);
        id
    }
}
