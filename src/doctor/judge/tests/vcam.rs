//! The vcam driver, wanted by name or as one of several ways.

use super::{check, is_skipped, outcome, remedy};
use crate::doctor::facts::{Facts, Module, Node, Vcam};
use crate::doctor::judge::tests::healthy::healthy;
use crate::doctor::{Action, Outcome, Rung};

fn node(path: &str) -> Node {
    Node {
        path: path.into(),
        open: true,
        ..Node::default()
    }
}

/// A machine whose kernel has the driver, loaded and open to the user.
fn loaded(facts: &mut Facts) {
    facts.vcam = Vcam {
        installed: true,
        control: Some(node("/dev/vcam")),
        udmabuf: Some(node("/dev/udmabuf")),
    };
}

/// One that is asked for by name.
fn named(facts: &mut Facts) {
    loaded(facts);
    facts.wanted.outputs = vec!["vcam".to_owned()];
}

fn close(node: &mut Option<Node>) {
    node.as_mut().unwrap().open = false;
}

#[test]
fn what_is_missing_is_said_to_who_asked_for_it() {
    check(named, &[]);
    let unloaded = |facts: &mut Facts| {
        named(facts);
        facts.vcam.control = None;
    };
    check(unloaded, &["!vcam vcam_not_loaded"]);
    assert_eq!(remedy(unloaded).0, "sudo modprobe vcam");
    let absent = |facts: &mut Facts| {
        unloaded(facts);
        facts.vcam.installed = false;
    };
    check(absent, &["!vcam vcam_not_installed"]);
    assert!(remedy(absent).0.contains("lenscap.toml"));
    let without_memory = |facts: &mut Facts| {
        named(facts);
        facts.vcam.udmabuf = None;
    };
    check(without_memory, &["!vcam no_udmabuf"]);
    assert!(remedy(without_memory).0.contains("lenscap.toml"));
}

#[test]
fn closed_nodes_are_opened_by_our_rules() {
    let control = |facts: &mut Facts| {
        named(facts);
        close(&mut facts.vcam.control);
    };
    check(control, &["!vcam vcam_denied"]);
    let memory = |facts: &mut Facts| {
        named(facts);
        close(&mut facts.vcam.udmabuf);
    };
    check(memory, &["!vcam vcam_denied"]);
    for (closed, path) in [
        (control as fn(&mut Facts), "/dev/vcam"),
        (memory, "/dev/udmabuf"),
    ] {
        let (fix, action) = remedy(closed);
        assert!(fix.contains("72-lenscap.rules"), "{fix}");
        assert_eq!(action, Some(Action::WriteUdevRules));
        let mut facts = healthy();
        closed(&mut facts);
        let said = outcome(&facts, Rung::Vcam);
        assert!(said.findings()[0].what.contains(path));
    }
}

#[test]
fn where_the_choice_is_left_its_lack_is_no_fault() {
    check(|facts| facts.vcam = Vcam::default(), &[]);
    assert!(is_skipped(&healthy(), Rung::Vcam));
    let closed = |facts: &mut Facts| {
        loaded(facts);
        close(&mut facts.vcam.control);
        facts.vcam.udmabuf = None;
    };
    check(closed, &["vcam vcam_denied", "vcam no_udmabuf"]);
    let another = |facts: &mut Facts| {
        closed(facts);
        facts.wanted.outputs = vec!["v4l2loopback".to_owned()];
    };
    check(another, &[]);
}

#[test]
fn it_serves_where_v4l2loopback_is_missing() {
    let instead = |facts: &mut Facts| {
        loaded(facts);
        facts.module = Module::default();
        facts.devices.clear();
    };
    check(instead, &[]);
    let closed = |facts: &mut Facts| {
        instead(facts);
        close(&mut facts.vcam.udmabuf);
    };
    check(
        closed,
        &["!module_installed not_installed", "vcam vcam_denied"],
    );
    let mut facts = healthy();
    instead(&mut facts);
    facts.wanted.outputs = vec!["v4l2loopback".to_owned()];
    assert_ne!(outcome(&facts, Rung::ModuleInstalled), Outcome::Fine);
    assert!(!is_skipped(&facts, Rung::ModuleInstalled));
}
