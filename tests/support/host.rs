//! A tray host with its watcher.

use std::cell::RefCell;
use std::rc::Rc;

use gio::prelude::*;
use gio::{DBusNodeInfo, DBusSignalFlags, RegistrationId, SignalSubscription};
use glib::Variant;

use crate::desktop::{Desktop, stir, wait};

const WATCHER: &str = "org.kde.StatusNotifierWatcher";
const ITEM: &str = "org.kde.StatusNotifierItem";
const MENU: &str = "com.canonical.dbusmenu";
const XML: &str = r#"<node><interface name="org.kde.StatusNotifierWatcher">
    <method name="RegisterStatusNotifierItem"><arg type="s" direction="in"/></method>
    <property name="IsStatusNotifierHostRegistered" type="b" access="read"/>
</interface></node>"#;

/// A host, on the bus from [`start`](Self::start) to [`stop`](Self::stop).
pub struct Host<'a> {
    desktop: &'a Desktop,
    /// The items that have registered, in order.
    pub items: Rc<RefCell<Vec<String>>>,
    _object: RegistrationId,
    /// Wakes the main loop on every signal of an item, so that waiting tests check again.
    _signals: [SignalSubscription; 2],
}

/// An entry of the menu.
#[derive(Debug, PartialEq, Eq)]
pub struct Line {
    pub id: i32,
    pub label: String,
    pub checked: Option<bool>,
    pub enabled: bool,
    pub visible: bool,
}

impl<'a> Host<'a> {
    pub fn new(desktop: &'a Desktop) -> Self {
        let items: Rc<RefCell<Vec<String>>> = Rc::default();
        let registered = items.clone();
        let node = DBusNodeInfo::for_xml(XML).unwrap();
        let object = desktop
            .bus
            .register_object(
                "/StatusNotifierWatcher",
                &node.lookup_interface(WATCHER).unwrap(),
            )
            .method_call(move |_, _, _, _, _, parameters, invocation| {
                let (item,) = parameters.get().unwrap();
                registered.borrow_mut().push(item);
                invocation.return_value(None);
            })
            .property(|_, _, _, _, _| true.to_variant())
            .build()
            .unwrap();
        let listen = |interface| {
            let flags = DBusSignalFlags::NONE;
            desktop
                .bus
                .subscribe_to_signal(None, Some(interface), None, None, None, flags, stir)
        };
        Self {
            desktop,
            items,
            _object: object,
            _signals: [listen(ITEM), listen(MENU)],
        }
    }

    pub fn start(&self) {
        self.desktop.take_name(WATCHER);
    }

    pub fn stop(&self) {
        self.desktop.drop_name(WATCHER);
    }

    /// Waits for the nth item to register.
    pub fn item(&self, index: usize) -> String {
        let items = self.items.clone();
        wait(&format!("item {index}"), || {
            items.borrow().get(index).cloned()
        })
    }

    pub fn get(&self, item: &str, property: &str) -> Variant {
        self.desktop
            .get(item, "/StatusNotifierItem", ITEM, property)
            .unwrap()
    }

    pub fn text(&self, item: &str, property: &str) -> String {
        self.get(item, property).str().unwrap().to_owned()
    }

    /// The tooltip's title and description.
    pub fn tooltip(&self, item: &str) -> (String, String) {
        let tooltip = self.get(item, "ToolTip");
        let text = |index| tooltip.child_value(index).str().unwrap().to_owned();
        (text(2), text(3))
    }

    /// The pixmaps of a property: width, height and how many bytes.
    pub fn pixmaps(&self, item: &str, property: &str) -> Vec<(i32, i32, Vec<u8>)> {
        self.get(item, property).get().unwrap()
    }

    /// Clicks on the icon.
    pub fn activate(&self, item: &str) {
        let at = (0, 0).to_variant();
        let clicked = self
            .desktop
            .call(item, "/StatusNotifierItem", ITEM, "Activate", Some(&at));
        clicked.unwrap();
    }

    /// The menu's visible entries; separators have no label.
    pub fn menu(&self, item: &str) -> Vec<Line> {
        let mut lines = self.layout(item);
        lines.retain(|line| line.visible);
        lines
    }

    /// All entries of the menu.
    pub fn layout(&self, item: &str) -> Vec<Line> {
        let parameters = (0, -1, Vec::<String>::new()).to_variant();
        let layout = self
            .desktop
            .call(item, "/MenuBar", MENU, "GetLayout", Some(&parameters));
        let root = layout.unwrap().child_value(1);
        let lines = root.child_value(2);
        lines
            .iter()
            .map(|line| read(&line.as_variant().unwrap()))
            .collect()
    }

    /// Clicks the menu entry with this label.
    pub fn choose(&self, item: &str, label: &str) -> Result<(), glib::Error> {
        let menu = self.menu(item);
        let line = menu.iter().find(|line| line.label == label).unwrap();
        let event = (line.id, "clicked", 0.to_variant(), 0_u32).to_variant();
        let clicked = self
            .desktop
            .call(item, "/MenuBar", MENU, "Event", Some(&event));
        clicked.map(drop)
    }
}

fn read(line: &Variant) -> Line {
    let properties = glib::VariantDict::new(Some(&line.child_value(1)));
    let text = |key| properties.lookup::<String>(key).unwrap();
    let state: Option<i32> = properties.lookup("toggle-state").unwrap();
    let is_switch = text("toggle-type").is_some();
    Line {
        id: line.child_value(0).get().unwrap(),
        label: text("label").unwrap_or_default(),
        checked: is_switch.then_some(state == Some(1)),
        enabled: properties.lookup("enabled").unwrap().unwrap_or(true),
        visible: properties.lookup("visible").unwrap().unwrap_or(true),
    }
}
