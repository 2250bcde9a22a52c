//! Notifications as a server gets them.

use std::cell::Cell;
use std::rc::Rc;

use gio::SimpleAction;
use gio::prelude::*;
use lenscap::applications::Application;
use lenscap::notify::{self, Change, Notifier};
use lenscap::relay::StateName;
use lenscap::report::Report;

use crate::desktop::wait;
use crate::server::Server;
use crate::session::{Session, report};

/// An application that does what the notifier says, and counts who turned the camera off.
struct Teller {
    application: gio::Application,
    notifier: Notifier,
    turned_off: Rc<Cell<u32>>,
}

impl Teller {
    fn new() -> Self {
        let id = "io.github.lenscap.Teller";
        let application = gio::Application::new(Some(id), gio::ApplicationFlags::NON_UNIQUE);
        application.register(gio::Cancellable::NONE).unwrap();
        // The bus ends before this process does.
        application
            .dbus_connection()
            .unwrap()
            .set_exit_on_close(false);
        let turned_off: Rc<Cell<u32>> = Rc::default();
        let action = SimpleAction::new(notify::TURN_OFF, None);
        let count = turned_off.clone();
        action.connect_activate(move |_, _| count.set(count.get() + 1));
        application.add_action(&action);
        Self {
            application,
            notifier: Notifier::default(),
            turned_off,
        }
    }

    fn tell(&mut self, report: &Report) {
        let firefox = Application {
            name: "Firefox".to_owned(),
            icon: Some("firefox".to_owned()),
        };
        for change in self.notifier.step(report, &[firefox], true) {
            self.perform(&change);
        }
    }

    fn perform(&self, change: &Change) {
        notify::perform(&self.application, change);
    }

    /// Waits until the application knows what id the server gave its notification: GIO can't replace
    /// or take back what it doesn't know. Messages of one sender keep their order, so the answer has
    /// come when a later message has.
    fn learns_id(&self, session: &Session) {
        let application = self.application.dbus_connection().unwrap();
        let name = application.unique_name().unwrap();
        let path = "/io/github/lenscap/Teller";
        let peer = "org.freedesktop.DBus.Peer";
        session
            .desktop
            .call(&name, path, peer, "Ping", None)
            .unwrap();
    }
}

fn button(action: &str, label: &str) -> (String, String) {
    (action.to_owned(), label.to_owned())
}

#[test]
fn a_camera_that_is_on_is_told_with_a_button_to_turn_it_off() {
    let session = Session::new();
    let server = Server::new(&session.desktop);
    let mut teller = Teller::new();
    teller.tell(&report(StateName::Live));
    let (id, shown) = server.shown("Camera is on");
    teller.learns_id(&session);
    assert_eq!(shown.body, "Firefox is using the camera");
    assert_eq!(shown.icon.as_deref(), Some("firefox"));
    let buttons = [
        button("default", ""),
        button("app.turn-off", "Turn off"),
        button("app.preferences", "Preferences"),
    ];
    assert_eq!(shown.actions, buttons);
    server.press(id, "app.turn-off");
    let turned_off = teller.turned_off.clone();
    wait("the button", || (turned_off.get() == 1).then_some(()));
    for state in [StateName::Cooldown, StateName::Live, StateName::Cooldown] {
        teller.tell(&report(state));
    }
    teller.tell(&report(StateName::Idle));
    teller.tell(&report(StateName::Live));
    server.shown("Camera is on");
    teller.learns_id(&session);
    teller.tell(&report(StateName::Idle));
    server.is_clear();
    assert_eq!(server.count(), 2);
}

#[test]
fn a_failure_is_told_and_another_takes_its_place() {
    let session = Session::new();
    let server = Server::new(&session.desktop);
    let mut teller = Teller::new();
    let failed = |error: &str| Report {
        error: Some(error.to_owned()),
        ..report(StateName::Failed)
    };
    teller.tell(&failed("no camera: connect one"));
    let (first, shown) = server.shown("Camera not available");
    teller.learns_id(&session);
    assert_eq!(shown.body, "No camera: connect one");
    assert_eq!(shown.icon.as_deref(), Some("io.github.lenscap.Lenscap"));
    let buttons = [
        button("default", ""),
        button("app.preferences", "Preferences"),
    ];
    assert_eq!(shown.actions, buttons);
    teller.tell(&failed("another program has it: close that"));
    wait("the other one", || (server.count() == 2).then_some(()));
    let (second, shown) = server.shown("Camera not available");
    teller.learns_id(&session);
    assert_eq!(shown.body, "Another program has it: close that");
    assert_eq!(first, second);
    for change in teller.notifier.end() {
        teller.perform(&change);
    }
    server.is_clear();
}
