//! The vcam driver, named in the settings or one of several kinds.

use super::{check, is_skipped, outcome_of, remedy};
use crate::doctor::facts::{Facts, ModuleFacts, NodeAccess, VcamFacts};
use crate::doctor::judge::tests::healthy::healthy;
use crate::doctor::{Check, Outcome, RootAction};

fn node(path: &str) -> NodeAccess {
    NodeAccess {
        path: path.into(),
        open: true,
        ..NodeAccess::default()
    }
}

/// Gives the machine the driver, loaded and accessible.
fn loaded(facts: &mut Facts) {
    facts.vcam = VcamFacts {
        installed: true,
        control: Some(node("/dev/vcam")),
        udmabuf: Some(node("/dev/udmabuf")),
    };
}

/// Names the driver in the settings.
fn named(facts: &mut Facts) {
    loaded(facts);
    facts.wanted.outputs = vec!["vcam".to_owned()];
}

fn close(node: &mut Option<NodeAccess>) {
    node.as_mut().unwrap().open = false;
}

#[test]
fn a_missing_driver_is_a_problem_if_the_settings_name_it() {
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
fn our_rules_give_access_to_closed_nodes() {
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
        assert_eq!(action, Some(RootAction::WriteUdevRules.into()));
        let mut facts = healthy();
        closed(&mut facts);
        let outcome = outcome_of(&facts, Check::Vcam);
        assert!(outcome.findings()[0].what.contains(path));
    }
}

#[test]
fn a_missing_driver_is_no_problem_if_another_kind_will_do() {
    check(|facts| facts.vcam = VcamFacts::default(), &[]);
    assert!(is_skipped(&healthy(), Check::Vcam));
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
fn it_replaces_a_missing_v4l2loopback() {
    let instead = |facts: &mut Facts| {
        loaded(facts);
        facts.module = ModuleFacts::default();
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
    assert_ne!(outcome_of(&facts, Check::ModuleInstalled), Outcome::Fine);
    assert!(!is_skipped(&facts, Check::ModuleInstalled));
}
