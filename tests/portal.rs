//! Autostart from a sandbox: the Background portal, implemented by the test.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use glib::prelude::*;
use glib::variant::ObjectPath;
use glib::{Variant, VariantDict};
use lenscap::autostart::portal;
use lenscap_support::bus::Bus;
use lenscap_support::standin::{Call, Object, StandIn};

const XML: &str = "<node><interface name='org.freedesktop.portal.Background'>
    <method name='RequestBackground'>
      <arg type='s' direction='in'/><arg type='a{sv}' direction='in'/><arg type='o' direction='out'/>
    </method>
    <property name='version' type='u' access='read'/>
</interface></node>";

/// A request to the portal.
#[derive(Debug, Default, PartialEq)]
struct Asked {
    autostart: Option<bool>,
    activatable: Option<bool>,
    command: Option<Vec<String>>,
    token: String,
}

#[test]
fn the_portals_response_is_returned() {
    let bus = Bus::new();
    // SAFETY: this is the process's only test, and nothing has read the environment yet.
    unsafe { std::env::set_var("DBUS_SESSION_BUS_ADDRESS", &bus.address) };
    let asked = Arc::new(Mutex::new(Asked::default()));
    let note = asked.clone();
    let answer = move |call: &Call| match call.name {
        "version" => Some(2_u32.to_variant()),
        "RequestBackground" => {
            let options = VariantDict::new(Some(&call.parameters.child_value(1)));
            let asked = Asked {
                autostart: options.lookup("autostart").unwrap(),
                activatable: options.lookup("dbus-activatable").unwrap(),
                command: options.lookup("commandline").unwrap(),
                token: options.lookup("handle_token").unwrap().unwrap_or_default(),
            };
            let reply = respond(call, &asked);
            *note.lock().unwrap() = asked;
            Some(reply)
        }
        _ => None,
    };
    let objects = vec![Object {
        path: "/org/freedesktop/portal/desktop",
        xml: XML,
    }];
    let name = "org.freedesktop.portal.Desktop";
    let _portal = StandIn::new(bus.connect(), name, objects, answer);
    let context = glib::MainContext::default();
    for wanted in [true, false] {
        let granted = context.block_on(portal::request(wanted)).unwrap();
        assert_eq!(granted, wanted);
        let asked = asked.lock().unwrap();
        assert_eq!(asked.autostart, Some(wanted));
        assert_eq!(asked.activatable, Some(false));
        assert_eq!(asked.command, Some(vec!["lenscap".to_owned()]));
    }
}

/// Sends the portal's response, which grants the request.
fn respond(call: &Call, asked: &Asked) -> Variant {
    let sender = call.sender.unwrap_or_default();
    let sender = sender.trim_start_matches(':').replace('.', "_");
    let base = "/org/freedesktop/portal/desktop/request";
    let path = format!("{base}/{sender}/{}", asked.token);
    let results = HashMap::from([
        (
            "autostart",
            asked.autostart.unwrap_or_default().to_variant(),
        ),
        ("background", true.to_variant()),
    ]);
    let parameters = (0_u32, results).to_variant();
    let interface = "org.freedesktop.portal.Request";
    call.connection
        .emit_signal(None, &path, interface, "Response", Some(&parameters))
        .unwrap();
    (ObjectPath::try_from(path).unwrap(),).to_variant()
}
