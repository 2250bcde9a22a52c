//! The applet's D-Bus service on a private bus.

use std::collections::HashMap;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use gio::prelude::*;
use gio::{Cancellable, DBusCallFlags, DBusConnection, DBusError, DBusSignalFlags};
use gio::{DBusMessage, DBusMessageFlags, DBusSendMessageFlags};
use glib::Variant;
use lenscap::dbus::{INTERFACE, NAME, OPEN_PREVIEW, PATH, PROPERTIES, Request};
use lenscap::relay::StateName;
use lenscap::report::{Report, Stats};
use lenscap_support::bus::Bus;
use lenscap_support::fake_applet::{FakeApplet, report};

/// A service and a client.
struct Talk {
    applet: FakeApplet,
    client: DBusConnection,
    bus: Bus,
}

impl Talk {
    /// Starts them; the applet answers every request with `answer`.
    fn new(answer: Result<(), String>) -> Self {
        let bus = Bus::new();
        Self {
            applet: FakeApplet::new(&bus, answer),
            client: bus.connect(),
            bus,
        }
    }

    fn call(
        &self,
        interface: &str,
        method: &str,
        parameters: Option<&Variant>,
    ) -> Result<Variant, glib::Error> {
        self.client.call_sync(
            Some(NAME),
            PATH,
            interface,
            method,
            parameters,
            None,
            DBusCallFlags::NO_AUTO_START,
            5000,
            Cancellable::NONE,
        )
    }

    fn get(&self, name: &str) -> Result<Variant, glib::Error> {
        let parameters = (INTERFACE, name).to_variant();
        let reply = self.call(PROPERTIES, "Get", Some(&parameters))?;
        Ok(reply.child_value(0).as_variant().unwrap())
    }

    fn set(&self, name: &str, value: impl ToVariant) -> Result<(), glib::Error> {
        let parameters = (INTERFACE, name, value.to_variant());
        self.call(PROPERTIES, "Set", Some(&parameters.to_variant()))
            .map(drop)
    }
}

fn has_error(result: Result<impl Sized, glib::Error>, kind: DBusError) -> bool {
    result.is_err_and(|error| error.matches(kind))
}

/// A call for which no reply is wanted.
fn unanswered_call() -> DBusMessage {
    let call = DBusMessage::new_method_call(Some(NAME), PATH, Some(INTERFACE), "Pause");
    call.set_flags(DBusMessageFlags::NO_REPLY_EXPECTED);
    call
}

#[test]
fn a_caller_that_floods_is_refused_and_others_are_answered() {
    let talk = Talk::new(Ok(()));
    for _ in 0..5000 {
        let call = unanswered_call();
        talk.client
            .send_message(&call, DBusSendMessageFlags::NONE)
            .unwrap();
    }
    assert!(has_error(talk.get("State"), DBusError::LimitsExceeded));
    let other = Talk {
        client: talk.bus.connect(),
        ..talk
    };
    assert_eq!(other.get("State").unwrap().str(), Some("live"));
}

#[test]
fn properties_are_the_report() {
    let talk = Talk::new(Ok(()));
    assert_eq!(talk.get("State").unwrap().str(), Some("live"));
    assert_eq!(talk.get("Paused").unwrap().get(), Some(false));
    let clients = vec![(123_u32, "firefox".to_owned())];
    assert_eq!(talk.get("Clients").unwrap().get(), Some(clients));
    let status = Report::from_json(talk.get("Status").unwrap().str().unwrap()).unwrap();
    assert!(status.stats.is_some());
    assert_eq!(status.without_stats(), report());
    let all = talk.call(PROPERTIES, "GetAll", Some(&(INTERFACE,).to_variant()));
    let (all,): (HashMap<String, Variant>,) = all.unwrap().get().unwrap();
    assert_eq!(all.len(), 4);
}

#[test]
fn methods_and_the_paused_property_are_requests() {
    let talk = Talk::new(Ok(()));
    for (method, request) in [
        ("Pause", Request::Pause),
        ("Resume", Request::Resume),
        ("ShowPreferences", Request::ShowPreferences),
    ] {
        talk.call(INTERFACE, method, None).unwrap();
        assert_eq!(talk.applet.request(), Some(request));
    }
    talk.set("Paused", true).unwrap();
    assert_eq!(talk.applet.request(), Some(Request::Pause));
    talk.set("Paused", false).unwrap();
    assert_eq!(talk.applet.request(), Some(Request::Resume));
    // Last, since it ends the applet, possibly before the reply is sent.
    let _ = talk.call(INTERFACE, "Quit", None);
    assert_eq!(talk.applet.request(), Some(Request::Quit));
}

#[test]
fn a_refused_request_returns_the_reason() {
    let talk = Talk::new(Err("not now".to_owned()));
    for result in [
        talk.call(INTERFACE, "Pause", None).map(drop),
        talk.set("Paused", true),
        talk.call(INTERFACE, OPEN_PREVIEW, None).map(drop),
    ] {
        let error = result.unwrap_err();
        assert!(error.matches(DBusError::Failed), "{error}");
        assert!(error.message().ends_with("not now"), "{error}");
    }
}

#[test]
fn invalid_calls_are_errors() {
    let talk = Talk::new(Ok(()));
    let call = |method, parameters| talk.call(INTERFACE, method, parameters);
    let number = (1_u32,).to_variant();
    assert!(has_error(call("Explode", None), DBusError::UnknownMethod));
    assert!(has_error(
        call("Pause", Some(&number)),
        DBusError::InvalidArgs
    ));
    assert!(has_error(talk.set("Paused", 1_u32), DBusError::InvalidArgs));
    assert!(has_error(talk.set("State", "idle"), DBusError::InvalidArgs));
    assert!(has_error(talk.set("Colour", 1), DBusError::InvalidArgs));
    assert!(has_error(talk.get("Colour"), DBusError::InvalidArgs));
    // None of them was passed on as a request: this is the first.
    call("Resume", None).unwrap();
    assert_eq!(talk.applet.request(), Some(Request::Resume));
    assert_eq!(talk.get("State").unwrap().str(), Some("live"));
}

/// Publishes the reports and returns the contents of the change signals.
fn signals(talk: &Talk, reports: &[Report]) -> Vec<HashMap<String, Variant>> {
    let context = glib::MainContext::new();
    let collect = context.with_thread_default(|| {
        let (heard, signals) = mpsc::channel();
        let _subscription = talk.client.subscribe_to_signal(
            Some(NAME),
            Some(PROPERTIES),
            Some("PropertiesChanged"),
            Some(PATH),
            Some(INTERFACE),
            DBusSignalFlags::NONE,
            move |signal| {
                let changed = signal.parameters.child_value(1).get().unwrap();
                heard.send(changed).unwrap();
            },
        );
        // The bus handles messages in order, so after a round trip the subscription is in place.
        talk.get("State").unwrap();
        for report in reports {
            talk.applet.show(report);
        }
        let mut all: Vec<HashMap<String, Variant>> = Vec::new();
        let end = Instant::now() + Duration::from_millis(300);
        while Instant::now() < end {
            context.iteration(false);
            all.extend(signals.try_iter());
            thread::sleep(Duration::from_millis(1));
        }
        all
    });
    collect.unwrap()
}

#[test]
fn change_signals_contain_changes_without_statistics() {
    let talk = Talk::new(Ok(()));
    let counted = |frames| Report {
        stats: Some(Stats {
            frames,
            ..Stats::default()
        }),
        ..report()
    };
    let paused = Report {
        state: StateName::Paused,
        paused: true,
        ..counted(3)
    };
    let signals = signals(&talk, &[counted(1), counted(2), paused.clone()]);
    let names = |index: usize| {
        let mut names: Vec<_> = signals[index].keys().map(String::as_str).collect();
        names.sort_unstable();
        names
    };
    assert_eq!(signals.len(), 2, "{signals:?}");
    assert_eq!(names(0), ["Clients", "Paused", "State", "Status"]);
    assert_eq!(names(1), ["Paused", "State", "Status"]);
    let status = Report::from_json(signals[1]["Status"].str().unwrap()).unwrap();
    assert_eq!(status, paused.without_stats());
}

/// The interface's elements, each as its name and its attributes in order.
fn elements(xml: &str) -> Vec<Vec<String>> {
    let start = format!("<interface name=\"{INTERFACE}\">");
    let (_, interface) = xml.split_once(&start).unwrap();
    let (interface, _) = interface.split_once("</interface>").unwrap();
    interface
        .split('<')
        .skip(1)
        .filter(|element| !element.starts_with(['/', '!']))
        .map(|element| {
            let (element, _) = element.split_once('>').unwrap();
            let mut words: Vec<_> = element
                .trim_end_matches('/')
                .split_whitespace()
                .map(str::to_owned)
                .collect();
            words.sort_unstable();
            words
        })
        .collect()
}

#[test]
fn the_exported_interface_equals_the_file() {
    let talk = Talk::new(Ok(()));
    let live = talk
        .call("org.freedesktop.DBus.Introspectable", "Introspect", None)
        .unwrap();
    let file = std::fs::read_to_string("data/io.github.lenscap.Lenscap1.xml").unwrap();
    let live = live.child_value(0);
    assert_eq!(elements(live.str().unwrap()), elements(&file));
    assert_eq!(elements(&file).len(), 10);
    assert!(INTERFACE.starts_with(NAME));
    assert_eq!(format!("/{}", NAME.replace('.', "/")), PATH);
}
