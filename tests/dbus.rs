//! The applet's D-Bus service on a real bus of its own.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use gio::prelude::*;
use gio::{Cancellable, DBusCallFlags, DBusConnection, DBusConnectionFlags, DBusError};
use glib::Variant;
use lenscap::dbus::{INTERFACE, NAME, PATH, PROPERTIES, Request, Service};
use lenscap::relay::StateName;
use lenscap::report::{Client, Report, Source, Stats};

/// A message bus that ends with the test.
struct Bus {
    daemon: Child,
    address: String,
}

impl Bus {
    fn new() -> Self {
        let mut daemon = Command::new("dbus-daemon")
            .args(["--session", "--print-address", "--nofork", "--nopidfile"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("dbus-daemon is needed for this test");
        let mut address = String::new();
        let stdout = daemon.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut address).unwrap();
        Self {
            daemon,
            address: address.trim().to_owned(),
        }
    }

    fn connect(&self) -> DBusConnection {
        let flags = DBusConnectionFlags::AUTHENTICATION_CLIENT
            | DBusConnectionFlags::MESSAGE_BUS_CONNECTION;
        DBusConnection::for_address_sync(&self.address, flags, None, Cancellable::NONE).unwrap()
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }
}

/// An applet as far as the bus can tell: a service on a thread with a main loop of its own.
struct Applet {
    reports: mpsc::Sender<Report>,
    requests: mpsc::Receiver<Request>,
    /// The service's unique name on the bus.
    name: String,
    client: DBusConnection,
    _bus: Bus,
}

impl Applet {
    /// Starts it; every request is answered with `answer`.
    fn new(answer: Result<(), String>) -> Self {
        let bus = Bus::new();
        let connection = bus.connect();
        let name = connection.unique_name().unwrap().to_string();
        let (reports, new_reports) = mpsc::channel::<Report>();
        let (made, requests) = mpsc::channel();
        let (ready, is_ready) = mpsc::channel();
        thread::spawn(move || serve(&connection, &new_reports, &made, &answer, &ready));
        is_ready.recv().unwrap();
        Self {
            reports,
            requests,
            name,
            client: bus.connect(),
            _bus: bus,
        }
    }

    fn call(
        &self,
        interface: &str,
        method: &str,
        parameters: Option<&Variant>,
    ) -> Result<Variant, glib::Error> {
        self.client.call_sync(
            Some(&self.name),
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

    fn request(&self) -> Option<Request> {
        self.requests.recv_timeout(Duration::from_secs(5)).ok()
    }
}

fn serve(
    connection: &DBusConnection,
    reports: &mpsc::Receiver<Report>,
    requests: &mpsc::Sender<Request>,
    answer: &Result<(), String>,
    ready: &mpsc::Sender<()>,
) {
    let context = glib::MainContext::new();
    let serving = context.with_thread_default(|| {
        let (requests, answer) = (requests.clone(), answer.clone());
        let service = Service::export(
            connection,
            |with_stats| {
                let stats = with_stats.then(Stats::default);
                Report { stats, ..report() }
            },
            move |request| {
                requests.send(request).unwrap();
                answer.clone()
            },
        )
        .unwrap();
        ready.send(()).unwrap();
        // The channel closes when the test is over.
        loop {
            context.iteration(false);
            match reports.recv_timeout(Duration::from_millis(1)) {
                Ok(report) => service.changed(&report),
                Err(mpsc::RecvTimeoutError::Timeout) => {}
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
            }
        }
    });
    serving.unwrap();
}

fn report() -> Report {
    Report {
        state: StateName::Live,
        paused: false,
        camera_open: true,
        since: "2026-11-20T12:00:00Z".to_owned(),
        source: Source::default(),
        outputs: Vec::new(),
        clients: vec![Client {
            pid: 123,
            name: "firefox".to_owned(),
        }],
        error: None,
        overridden: Vec::new(),
        worker_pid: None,
        stats: None,
    }
}

fn has_error(result: Result<impl Sized, glib::Error>, kind: DBusError) -> bool {
    result.is_err_and(|error| error.matches(kind))
}

#[test]
fn properties_are_the_report() {
    let applet = Applet::new(Ok(()));
    assert_eq!(applet.get("State").unwrap().str(), Some("live"));
    assert_eq!(applet.get("Paused").unwrap().get(), Some(false));
    let clients = vec![(123_u32, "firefox".to_owned())];
    assert_eq!(applet.get("Clients").unwrap().get(), Some(clients));
    let status = Report::from_json(applet.get("Status").unwrap().str().unwrap()).unwrap();
    assert_eq!(status.stats, Some(Stats::default()));
    assert_eq!(status.without_stats(), report());
    let all = applet.call(PROPERTIES, "GetAll", Some(&(INTERFACE,).to_variant()));
    let (all,): (HashMap<String, Variant>,) = all.unwrap().get().unwrap();
    assert_eq!(all.len(), 4);
}

#[test]
fn methods_and_the_switch_are_requests() {
    let applet = Applet::new(Ok(()));
    for (method, request) in [
        ("Pause", Request::Pause),
        ("Resume", Request::Resume),
        ("Quit", Request::Quit),
        ("ShowPreferences", Request::ShowPreferences),
    ] {
        applet.call(INTERFACE, method, None).unwrap();
        assert_eq!(applet.request(), Some(request));
    }
    applet.set("Paused", true).unwrap();
    assert_eq!(applet.request(), Some(Request::Pause));
    applet.set("Paused", false).unwrap();
    assert_eq!(applet.request(), Some(Request::Resume));
}

#[test]
fn a_refused_request_comes_back_with_its_reason() {
    let applet = Applet::new(Err("not now".to_owned()));
    for result in [
        applet.call(INTERFACE, "Pause", None).map(drop),
        applet.set("Paused", true),
    ] {
        let error = result.unwrap_err();
        assert!(error.matches(DBusError::Failed), "{error}");
        assert!(error.message().ends_with("not now"), "{error}");
    }
}

#[test]
fn calls_that_make_no_sense_are_errors() {
    let applet = Applet::new(Ok(()));
    let call = |method, parameters| applet.call(INTERFACE, method, parameters);
    let number = (1_u32,).to_variant();
    assert!(has_error(call("Explode", None), DBusError::UnknownMethod));
    assert!(has_error(
        call("Pause", Some(&number)),
        DBusError::InvalidArgs
    ));
    assert!(has_error(
        applet.set("Paused", 1_u32),
        DBusError::InvalidArgs
    ));
    assert!(has_error(
        applet.set("State", "idle"),
        DBusError::InvalidArgs
    ));
    assert!(has_error(applet.set("Colour", 1), DBusError::InvalidArgs));
    assert!(has_error(applet.get("Colour"), DBusError::InvalidArgs));
    assert_eq!(applet.requests.try_recv().ok(), None);
    assert_eq!(applet.get("State").unwrap().str(), Some("live"));
}

/// Sends the reports to the applet, and returns what its change signals held.
fn signals(applet: &Applet, reports: &[Report]) -> Vec<HashMap<String, Variant>> {
    let context = glib::MainContext::new();
    let collect = context.with_thread_default(|| {
        let (heard, signals) = mpsc::channel();
        let _subscription = applet.client.subscribe_to_signal(
            Some(&applet.name),
            Some(PROPERTIES),
            Some("PropertiesChanged"),
            Some(PATH),
            Some(INTERFACE),
            gio::DBusSignalFlags::NONE,
            move |signal| {
                let changed = signal.parameters.child_value(1).get().unwrap();
                heard.send(changed).unwrap();
            },
        );
        // The bus handles messages in order: after a round trip, the subscription stands.
        applet.get("State").unwrap();
        for report in reports {
            applet.reports.send(report.clone()).unwrap();
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
fn change_signals_hold_what_changed_and_never_statistics() {
    let applet = Applet::new(Ok(()));
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
    let signals = signals(&applet, &[counted(1), counted(2), paused.clone()]);
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
fn what_is_exported_is_what_the_file_says() {
    let applet = Applet::new(Ok(()));
    let live = applet
        .call("org.freedesktop.DBus.Introspectable", "Introspect", None)
        .unwrap();
    let file = std::fs::read_to_string("data/io.github.lenscap.Lenscap1.xml").unwrap();
    let live = live.child_value(0);
    assert_eq!(elements(live.str().unwrap()), elements(&file));
    assert_eq!(elements(&file).len(), 8);
    assert!(INTERFACE.starts_with(NAME));
    assert_eq!(format!("/{}", NAME.replace('.', "/")), PATH);
}
