//! Anything that a program can send over the bus, while an application streams.

use std::env;

use gio::{Cancellable, DBusConnection, DBusMessage, DBusSendMessageFlags};
use glib::Variant;
use glib::variant::ToVariant;
use lenscap::dbus::{INTERFACE, NAME, PATH, PROPERTIES};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use crate::consumer::Consumer;
use crate::{ENOUGH, LINE, session};
use lenscap_support::applet::Applet;
use lenscap_support::bus::connect;

/// Calls of each caller: fewer than are refused.
const CALLS: usize = 100;

/// A call's interface, method and parameters. None that ends, pauses or opens windows: those work.
fn call() -> impl Strategy<Value = (String, String, Option<Variant>)> {
    let interface = prop_oneof![
        Just(INTERFACE.to_owned()),
        Just(PROPERTIES.to_owned()),
        Just("org.freedesktop.Application".to_owned()),
        Just("org.gtk.Actions".to_owned()),
        "[a-z]{1,5}\\.[a-z]{1,5}",
    ];
    let method = prop_oneof![
        Just("OpenPreview".to_owned()),
        Just("Get".to_owned()),
        Just("GetAll".to_owned()),
        Just("Set".to_owned()),
        Just("Describe".to_owned()),
        Just("ActivateAction".to_owned()),
        "[A-Z][a-zA-Z]{0,10}",
    ];
    (interface, method, prop::option::of(parameters()))
}

fn parameters() -> impl Strategy<Value = Variant> {
    let name = prop_oneof![
        Just(INTERFACE.to_owned()),
        Just("Status".to_owned()),
        Just("Clients".to_owned()),
        "\\PC{0,20}",
    ];
    let value = prop_oneof![
        any::<u32>().prop_map(|value| value.to_variant()),
        any::<f64>().prop_map(|value| value.to_variant()),
        "\\PC{0,2000}".prop_map(|value| value.to_variant()),
        prop::collection::vec(any::<u8>(), 0..5000).prop_map(|value| value.to_variant()),
    ];
    prop_oneof![
        name.clone().prop_map(|one| (one,).to_variant()),
        (name.clone(), name.clone()).prop_map(|(one, two)| (one, two).to_variant()),
        (name.clone(), name, value.clone())
            .prop_map(|(one, two, value)| (one, two, value).to_variant()),
        prop::collection::vec(value, 0..4).prop_map(Variant::tuple_from_iter),
    ]
}

fn send(bus: &DBusConnection, (interface, method, parameters): &(String, String, Option<Variant>)) {
    let message = DBusMessage::new_method_call(Some(NAME), PATH, Some(interface), method);
    if let Some(parameters) = parameters {
        message.set_body(parameters);
    }
    let flags = DBusSendMessageFlags::NONE;
    let answer = bus.send_message_with_reply_sync(&message, flags, 10_000, Cancellable::NONE);
    answer.expect("every call is answered, be it by an error");
}

#[test]
fn no_call_disturbs_a_stream() {
    let soak = env::var_os("LENSCAP_SOAK").is_some();
    let rounds = if soak { 500 } else { 10 };
    let session = session();
    let mut applet = Applet::new(&session, LINE);
    applet.wait_for("idle");
    let mut consumer = Consumer::new(&session);
    consumer.see_camera(ENOUGH);
    let mut runner = TestRunner::deterministic();
    let mut memory = 0;
    for round in 0..rounds {
        // A caller has a budget of its own.
        let bus = connect(&session.bus_address);
        for _ in 0..CALLS {
            send(&bus, &call().new_tree(&mut runner).unwrap().current());
        }
        if round == rounds / 10 {
            memory = applet.memory();
        }
    }
    consumer.forget();
    let (before, after) = consumer.see_camera(ENOUGH);
    assert_eq!((before, after), (0, 0), "the camera was covered");
    assert!(
        applet.memory() < memory + 2048,
        "{memory} kB, then {}",
        applet.memory()
    );
}
