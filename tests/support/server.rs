//! A fake notification server.

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
    <signal name="NotificationClosed"><arg type="u"/><arg type="u"/></signal>
</interface></node>"#;

/// A notification that is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The application's name and its desktop entry.
    pub application: (String, Option<String>),
    pub summary: String,
    pub body: String,
    /// Names and labels of the buttons.
    pub actions: Vec<(String, String)>,
    pub icon: Option<String>,
    /// Whether only the application or the user closes it.
    pub stays: bool,
}

/// Signals of a server.
pub const USUAL: &[&str] = &["actions", "body"];

/// The notifications shown, by id, and the total number received.
#[derive(Default)]
struct Screen {
    capabilities: &'static [&'static str],
    shown: HashMap<u32, Shown>,
    count: u32,
    /// Whether it doesn't answer any call.
    hangs: bool,
}

pub struct Server<'a> {
    desktop: &'a Desktop,
    screen: Rc<RefCell<Screen>>,
    _object: RegistrationId,
}

impl<'a> Server<'a> {
    pub fn new(desktop: &'a Desktop) -> Self {
        let server = Self::absent(desktop, USUAL);
        server.start();
        server
    }

    /// A server with these capabilities, not yet on the bus.
    pub fn absent(desktop: &'a Desktop, capabilities: &'static [&'static str]) -> Self {
        let screen: Rc<RefCell<Screen>> = Rc::default();
        screen.borrow_mut().capabilities = capabilities;
        let told = screen.clone();
        let node = DBusNodeInfo::for_xml(XML).unwrap();
        let object = desktop
            .bus
            .register_object(PATH, &node.lookup_interface(NAME).unwrap())
            .method_call(move |_, _, _, _, method, parameters, invocation| {
                let mut screen = told.borrow_mut();
                if !screen.hangs {
                    invocation.return_value(Some(&screen.answer(method, &parameters)));
                }
            })
            .build()
            .unwrap();
        Self {
            desktop,
            screen,
            _object: object,
        }
    }

    pub fn start(&self) {
        self.desktop.take_name(NAME);
    }

    /// Ends it and closes its notifications. The next one starts with other ids.
    pub fn stop(&self) {
        self.desktop.drop_name(NAME);
        let mut screen = self.screen.borrow_mut();
        screen.shown.clear();
        screen.hangs = false;
    }

    /// Makes it hang.
    pub fn hang(&self) {
        self.screen.borrow_mut().hangs = true;
    }

    /// Waits until the only notification has this text, and returns it with its id.
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

    /// The number of notifications received, including replacements.
    pub fn count(&self) -> u32 {
        self.screen.borrow().count
    }

    /// Closes it like the user.
    pub fn dismiss(&self, id: u32) {
        self.screen.borrow_mut().shown.remove(&id);
        self.emit("NotificationClosed", &(id, 2_u32).to_variant());
    }

    /// Presses a button, which closes the notification.
    pub fn press(&self, id: u32, action: &str) {
        self.screen.borrow_mut().shown.remove(&id);
        self.emit("ActionInvoked", &(id, action).to_variant());
    }

    fn emit(&self, signal: &str, parameters: &Variant) {
        let bus = &self.desktop.bus;
        bus.emit_signal(None, PATH, NAME, signal, Some(parameters))
            .unwrap();
    }
}

impl Screen {
    fn answer(&mut self, method: &str, parameters: &Variant) -> Variant {
        match method {
            "GetCapabilities" => (self.capabilities,).to_variant(),
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
        let expires: i32 = parameters.child_value(7).get().unwrap();
        let shown = Shown {
            application: (text(0), hints.lookup("desktop-entry").unwrap()),
            summary: text(3),
            body: text(4),
            actions: actions
                .chunks_exact(2)
                .map(|pair| (pair[0].clone(), pair[1].clone()))
                .collect(),
            icon: hints.lookup("image-path").unwrap(),
            stays: expires == 0,
        };
        self.shown.insert(id, shown);
        id
    }
}
