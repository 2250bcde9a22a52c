//! The tray icon at a host.

use std::cell::RefCell;
use std::rc::Rc;

use lenscap::applications::Application;
use lenscap::dbus::Request;
use lenscap::relay::StateName;
use lenscap::report::Report;
use lenscap::tray::{Click, Model, Symbol, Tray};

use crate::session::{Session, report};
use lenscap_support::desktop::wait;
use lenscap_support::host::Host;

fn model(report: &Report) -> Model {
    let firefox = Application {
        name: "Firefox".to_owned(),
        icon: None,
    };
    Model::new(report, &[firefox])
}

fn failed() -> Report {
    Report {
        error: Some("no <camera>: load video_nr=10".to_owned()),
        ..report(StateName::Failed)
    }
}

/// A tray icon and the clicks received.
fn tray(session: &Session, report: &Report) -> (Tray, Rc<RefCell<Vec<Click>>>) {
    let clicks: Rc<RefCell<Vec<Click>>> = Rc::default();
    let made = clicks.clone();
    let clicked = move |click| made.borrow_mut().push(click);
    let tray = Tray::new(&session.desktop.bus, model(report), clicked, |_| ());
    (tray, clicks)
}

#[test]
fn every_state_is_shown() {
    let session = Session::new();
    let host = Host::new(&session.desktop);
    host.start();
    let (tray, _) = tray(&session, &report(StateName::Arming));
    let item = host.item(0);
    for (report, symbol, word, status, headline) in [
        (
            report(StateName::Live),
            Symbol::Live,
            "live",
            "Active",
            "Camera is on",
        ),
        (
            report(StateName::Paused),
            Symbol::Paused,
            "paused",
            "Active",
            "Camera is paused",
        ),
        (
            failed(),
            Symbol::Failed,
            "failed",
            "NeedsAttention",
            "Camera not available",
        ),
        (
            report(StateName::Idle),
            Symbol::Idle,
            "idle",
            "Active",
            "Camera is off",
        ),
    ] {
        tray.show(model(&report));
        wait(headline, || {
            (host.tooltip(&item).0 == headline).then_some(())
        });
        let name = format!("io.github.lenscap.Lenscap-{word}-symbolic");
        assert_eq!(host.text(&item, "IconName"), name);
        assert_eq!(host.text(&item, "Status"), status);
        let pixmaps = host.pixmaps(&item, "IconPixmap");
        let sides: Vec<_> = pixmaps
            .iter()
            .map(|(width, height, _)| (*width, *height))
            .collect();
        assert_eq!(sides, [16, 22, 24, 32, 48, 96].map(|side| (side, side)));
        let wanted: Vec<_> = symbol.pixmaps().into_iter().map(|icon| icon.data).collect();
        let pixels: Vec<_> = pixmaps.into_iter().map(|(_, _, data)| data).collect();
        assert!(pixels == wanted, "{symbol:?}");
    }
}

#[test]
fn a_failures_reason_is_escaped() {
    let session = Session::new();
    let host = Host::new(&session.desktop);
    host.start();
    let (_tray, _) = tray(&session, &failed());
    let item = host.item(0);
    let detail = "No &lt;camera&gt;: load video_nr=10";
    assert_eq!(host.tooltip(&item).1, detail);
    let attention = "io.github.lenscap.Lenscap-failed-symbolic";
    assert_eq!(host.text(&item, "AttentionIconName"), attention);
    assert_eq!(host.pixmaps(&item, "AttentionIconPixmap").len(), 6);
    // A single underscore would mark a mnemonic.
    assert_eq!(host.menu(&item)[1].label, "No <camera>: load video__nr=10");
}

#[test]
fn the_menu_is_that_of_the_model() {
    let session = Session::new();
    let host = Host::new(&session.desktop);
    host.start();
    let (tray, _) = tray(&session, &report(StateName::Live));
    let item = host.item(0);
    let lines = |host: &Host| {
        let lines = host.menu(&item).into_iter();
        let lines = lines.map(|line| (line.label, line.checked, line.enabled));
        lines.collect::<Vec<_>>()
    };
    let line = |label: &str, checked, enabled| (label.to_owned(), checked, enabled);
    assert_eq!(
        lines(&host),
        [
            line("Camera is on", None, false),
            line("In use by Firefox", None, false),
            line("", None, true),
            line("Allow camera", Some(true), true),
            line("", None, true),
            line("Preferences…", None, true),
            line("About", None, true),
            line("Quit", None, true),
        ]
    );
    tray.show(model(&report(StateName::Paused)));
    let unchecked = line("Allow camera", Some(false), true);
    wait("the switch", || {
        lines(&host).contains(&unchecked).then_some(())
    });
}

/// When the structure changes, entries have new ids, and some hosts take seconds to rebuild them.
#[test]
fn the_menus_structure_is_the_same_in_every_state() {
    let session = Session::new();
    let host = Host::new(&session.desktop);
    host.start();
    let (tray, _) = tray(&session, &report(StateName::Idle));
    let item = host.item(0);
    let ids = || {
        let lines = host.layout(&item).into_iter();
        lines.map(|line| line.id).collect::<Vec<_>>()
    };
    let first = ids();
    let states = [StateName::Live, StateName::Paused, StateName::Starting];
    for report in states.map(report).into_iter().chain([failed()]) {
        let model = model(&report);
        let headline = model.headline.clone();
        tray.show(model);
        wait(&headline, || {
            (host.menu(&item)[0].label == headline).then_some(())
        });
        assert_eq!(ids(), first, "{headline}");
    }
}

#[test]
fn clicks_are_requests() {
    let session = Session::new();
    let host = Host::new(&session.desktop);
    host.start();
    let (tray, clicks) = tray(&session, &report(StateName::Live));
    let item = host.item(0);
    let clicked = |what: &str| wait(what, || clicks.borrow_mut().pop());
    host.activate(&item);
    assert_eq!(
        clicked("a click on the icon"),
        Click::Request(Request::Pause)
    );
    for (label, click) in [
        ("Allow camera", Click::Request(Request::Pause)),
        ("Preferences…", Click::Request(Request::ShowPreferences)),
        ("About", Click::About),
        ("Quit", Click::Request(Request::Quit)),
    ] {
        host.choose(&item, label).unwrap();
        assert_eq!(clicked(label), click);
    }
    tray.show(model(&report(StateName::Paused)));
    wait("paused", || {
        (host.tooltip(&item).0 == "Camera is paused").then_some(())
    });
    host.activate(&item);
    assert_eq!(
        clicked("a click on the icon"),
        Click::Request(Request::Resume)
    );
}

#[test]
fn a_host_may_appear_late_crash_and_return() {
    let session = Session::new();
    let host = Host::new(&session.desktop);
    let (tray, _) = tray(&session, &report(StateName::Idle));
    host.start();
    let first = host.item(0);
    host.stop();
    tray.show(model(&report(StateName::Paused)));
    host.start();
    let item = wait("another item", || {
        let newest = host.items.borrow().last().cloned();
        newest.filter(|item| *item != first)
    });
    wait("the end of the first", || {
        (!session.desktop.has_owner(&first)).then_some(())
    });
    wait("paused", || {
        (host.tooltip(&item).0 == "Camera is paused").then_some(())
    });
}

#[test]
fn the_owner_is_notified_whether_a_host_shows_the_icon() {
    let session = Session::new();
    let host = Host::new(&session.desktop);
    let told: Rc<RefCell<Vec<bool>>> = Rc::default();
    let log = told.clone();
    let shown = move |is_shown| log.borrow_mut().push(is_shown);
    let model = model(&report(StateName::Idle));
    let tray = Tray::new(&session.desktop.bus, model, |_| (), shown);
    let wait_for = |wanted: &[bool]| {
        wait(&format!("{wanted:?}"), || {
            (*told.borrow() == wanted).then_some(())
        });
    };
    wait_for(&[false]);
    host.start();
    wait_for(&[false, true]);
    host.stop();
    wait_for(&[false, true, false]);
    host.start();
    wait_for(&[false, true, false, true]);
    let item = host.item(1);
    drop(tray);
    wait("its end", || {
        (!session.desktop.has_owner(&item)).then_some(())
    });
    wait_for(&[false, true, false, true]);
}

#[test]
fn an_icon_missing_from_the_theme_is_shown() {
    let session = Session::new();
    std::fs::remove_file(session.home.path().join("icons")).unwrap();
    let host = Host::new(&session.desktop);
    host.start();
    let (_tray, _) = tray(&session, &report(StateName::Idle));
    let item = host.item(0);
    assert_eq!(host.text(&item, "IconName"), "");
    assert_eq!(host.pixmaps(&item, "IconPixmap").len(), 6);
}

#[test]
fn the_icon_is_removed_on_drop() {
    let session = Session::new();
    let host = Host::new(&session.desktop);
    host.start();
    let (tray, _) = tray(&session, &report(StateName::Idle));
    let item = host.item(0);
    drop(tray);
    wait("its end", || {
        (!session.desktop.has_owner(&item)).then_some(())
    });
}
