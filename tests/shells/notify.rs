//! Notifications as a server receives them.

use std::cell::Cell;
use std::rc::Rc;

use gio::SimpleAction;
use gio::prelude::*;
use lenscap::applications::Application;
use lenscap::notify::{self, Change, Mode, Notifications, Notifier};
use lenscap::relay::StateName;
use lenscap::report::Report;

use crate::keeper::Keeper;
use crate::session::{Session, report};
use lenscap_support::desktop::wait;
use lenscap_support::server::{Server, USUAL};

/// An application that performs the notifier's changes and counts activated actions.
struct Teller {
    application: gio::Application,
    notifier: Notifier,
    notifications: Notifications,
    turned_off: Rc<Cell<u32>>,
    preferred: Rc<Cell<u32>>,
}

impl Teller {
    fn new() -> Self {
        Self::within(false)
    }

    /// One that is in a sandbox or not.
    fn within(sandbox: bool) -> Self {
        let id = "io.github.lenscap.Teller";
        let application = gio::Application::new(Some(id), gio::ApplicationFlags::NON_UNIQUE);
        application.register(gio::Cancellable::NONE).unwrap();
        // The bus ends before this process does.
        application
            .dbus_connection()
            .unwrap()
            .set_exit_on_close(false);
        Self {
            turned_off: counter(&application, notify::TURN_OFF),
            preferred: counter(&application, notify::PREFERENCES),
            notifications: Notifications::new(&application, sandbox).unwrap(),
            notifier: Notifier::default(),
            application,
        }
    }

    fn tell(&mut self, report: &Report) {
        let firefox = Application {
            name: "Firefox".to_owned(),
            icon: Some("firefox".to_owned()),
        };
        let changes = self.notifier.step(report, &[firefox], Mode::BesideTray);
        self.perform(changes);
    }

    fn perform(&self, changes: Vec<Change>) {
        for change in changes {
            self.notifications.perform(change);
        }
    }

    /// Waits until the application has received the notification's id. Messages of one sender arrive in order, so a later
    /// message proves it.
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

/// Offers an action, and counts its activations.
fn counter(application: &gio::Application, name: &str) -> Rc<Cell<u32>> {
    let activated: Rc<Cell<u32>> = Rc::default();
    let action = SimpleAction::new(name, None);
    let count = activated.clone();
    action.connect_activate(move |_, _| count.set(count.get() + 1));
    application.add_action(&action);
    activated
}

fn wait_for(counter: &Cell<u32>, count: u32) {
    wait("the button", || (counter.get() == count).then_some(()));
}

fn failed(error: &str) -> Report {
    Report {
        error: Some(error.to_owned()),
        ..report(StateName::Failed)
    }
}

fn button(action: &str, label: &str) -> (String, String) {
    (action.to_owned(), label.to_owned())
}

#[test]
fn the_camera_note_has_a_button_to_turn_it_off() {
    let session = Session::new();
    let server = Server::new(&session.desktop);
    let mut teller = Teller::new();
    teller.tell(&report(StateName::Live));
    let (id, shown) = server.shown("Camera is on");
    teller.learns_id(&session);
    assert_eq!(shown.body, "Firefox is using the camera");
    assert_eq!(shown.icon.as_deref(), Some("firefox"));
    let entry = "io.github.lenscap.Lenscap".to_owned();
    assert_eq!(shown.application, ("Lenscap".to_owned(), Some(entry)));
    let buttons = [
        button("turn-off", "Turn off"),
        button("default", "Preferences"),
    ];
    assert_eq!(shown.actions, buttons);
    server.press(id + 1, "turn-off"); // another application's
    server.press(id, "default");
    wait_for(&teller.preferred, 1);
    assert_eq!(teller.turned_off.get(), 0);
    server.press(id, "turn-off");
    wait_for(&teller.turned_off, 1);
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
fn a_failure_is_shown_and_replaced_by_the_next() {
    let session = Session::new();
    let server = Server::new(&session.desktop);
    let mut teller = Teller::new();
    teller.tell(&failed("no camera: connect one"));
    let (first, shown) = server.shown("Camera not available");
    teller.learns_id(&session);
    assert_eq!(shown.body, "No camera: connect one");
    assert_eq!(shown.icon.as_deref(), Some("io.github.lenscap.Lenscap"));
    assert_eq!(shown.actions, [button("default", "Preferences")]);
    teller.tell(&failed("another program has it: close that"));
    wait("the other one", || (server.count() == 2).then_some(()));
    let (second, shown) = server.shown("Camera not available");
    teller.learns_id(&session);
    assert_eq!(shown.body, "Another program has it: close that");
    assert_eq!(first, second);
    let end = teller.notifier.end();
    teller.perform(end);
    server.is_clear();
}

#[test]
fn the_message_matches_the_servers_capabilities() {
    let session = Session::new();
    let server = Server::absent(&session.desktop, &["body-markup"]);
    server.start();
    let mut teller = Teller::new();
    teller.tell(&failed("no <camera> & no light"));
    let (_, shown) = server.shown("Camera not available");
    assert_eq!(shown.body, "No &lt;camera&gt; &amp; no light");
    assert_eq!(shown.actions, []);
}

#[test]
fn a_late_or_restarted_server_shows_current_notes() {
    let session = Session::new();
    let server = Server::absent(&session.desktop, USUAL);
    let mut teller = Teller::new();
    teller.tell(&report(StateName::Live));
    teller.tell(&report(StateName::Idle));
    teller.tell(&failed("no camera"));
    teller.learns_id(&session);
    server.start();
    let (first, _) = server.shown("Camera not available");
    teller.learns_id(&session);
    assert_eq!(server.count(), 1);
    server.stop();
    server.start();
    let (second, _) = server.shown("Camera not available");
    teller.learns_id(&session);
    assert_ne!(first, second);
    server.dismiss(second);
    teller.learns_id(&session);
    server.stop();
    server.start();
    // The failure persists, but the user has closed the notification.
    let mut another = Notifier::default();
    teller.perform(another.step(&report(StateName::Live), &[], Mode::BesideTray));
    server.shown("Camera is on");
    teller.learns_id(&session);
    assert_eq!(server.count(), 3);
    teller.perform(another.end());
    server.is_clear();
}

#[test]
fn a_hung_server_blocks_nothing() {
    let session = Session::new();
    let server = Server::new(&session.desktop);
    let mut teller = Teller::new();
    teller.tell(&report(StateName::Live));
    server.shown("Camera is on");
    teller.learns_id(&session);
    server.hang();
    for error in ["no camera", "it is busy", "no driver"] {
        teller.tell(&failed(error));
        teller.learns_id(&session);
    }
    server.stop();
    server.start();
    let (_, shown) = server.shown("Camera not available");
    teller.learns_id(&session);
    assert_eq!(shown.body, "No driver");
    assert_eq!(server.count(), 2);
}

#[test]
fn notes_of_a_killed_sandboxed_application_are_withdrawn_by_the_next() {
    let session = Session::new();
    let keeper = Keeper::new(&session.desktop);
    let mut teller = Teller::within(true);
    teller.tell(&report(StateName::Live));
    keeper.shows(&["camera-on"]);
    teller.perform(Notifier::default().tidy_up());
    keeper.shows(&[]);
}
