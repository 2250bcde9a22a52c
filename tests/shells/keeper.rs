//! A desktop that keeps notifications by the application's ids, like portals.

use std::cell::RefCell;
use std::collections::HashSet;
use std::rc::Rc;

use gio::{DBusNodeInfo, RegistrationId};
use glib::Variant;

use lenscap_support::desktop::{Desktop, wait};

const NAME: &str = "org.gtk.Notifications";
const PATH: &str = "/org/gtk/Notifications";
const XML: &str = r#"<node><interface name="org.gtk.Notifications">
    <method name="AddNotification">
        <arg type="s" direction="in"/><arg type="s" direction="in"/><arg type="a{sv}" direction="in"/>
    </method>
    <method name="RemoveNotification">
        <arg type="s" direction="in"/><arg type="s" direction="in"/>
    </method>
</interface></node>"#;

/// The notifications shown, even of applications that have ended.
pub struct Keeper {
    shown: Rc<RefCell<HashSet<String>>>,
    _object: RegistrationId,
}

impl Keeper {
    pub fn new(desktop: &Desktop) -> Self {
        let shown: Rc<RefCell<HashSet<String>>> = Rc::default();
        let told = shown.clone();
        let node = DBusNodeInfo::for_xml(XML).unwrap();
        let object = desktop
            .bus
            .register_object(PATH, &node.lookup_interface(NAME).unwrap())
            .method_call(move |_, _, _, _, method, parameters, invocation| {
                let id = id(&parameters);
                match method {
                    "AddNotification" => told.borrow_mut().insert(id),
                    _ => told.borrow_mut().remove(&id),
                };
                invocation.return_value(None);
            })
            .build()
            .unwrap();
        desktop.take_name(NAME);
        Self {
            shown,
            _object: object,
        }
    }

    /// Waits until exactly this is shown.
    pub fn shows(&self, ids: &[&str]) {
        let wanted: HashSet<_> = ids.iter().map(|id| (*id).to_owned()).collect();
        wait(&format!("{ids:?}"), || {
            (*self.shown.borrow() == wanted).then_some(())
        });
    }
}

fn id(parameters: &Variant) -> String {
    parameters.child_value(1).str().unwrap().to_owned()
}
