//! Machines, and what is said of them.

mod camera;
mod desktop;
mod healthy;
mod output;
mod vcam;

use healthy::{healthy, ipu};

use super::judge;
use crate::doctor::facts::{Access, Facts, Module};
use crate::doctor::{Action, Outcome, Rung, Severity};

/// Checks what is said of a healthy machine after something was done to it: a rung and a finding's
/// code each, with a `!` before what is to be fixed.
fn check(damage: impl FnOnce(&mut Facts), expected: &[&str]) {
    let mut facts = healthy();
    damage(&mut facts);
    let verdicts = judge(&facts);
    let said: Vec<_> = verdicts
        .iter()
        .flat_map(|verdict| {
            verdict.outcome.findings().iter().map(|finding| {
                let mark = match finding.severity {
                    Severity::Problem => "!",
                    Severity::Note => "",
                };
                format!("{mark}{} {}", verdict.rung.name(), finding.code)
            })
        })
        .collect();
    assert_eq!(said, expected);
}

/// The command and the action for the only finding.
fn remedy(damage: impl FnOnce(&mut Facts)) -> (String, Option<Action>) {
    let mut facts = healthy();
    damage(&mut facts);
    let verdicts = judge(&facts);
    let findings: Vec<_> = verdicts
        .iter()
        .flat_map(|verdict| verdict.outcome.findings())
        .collect();
    assert_eq!(findings.len(), 1, "{findings:#?}");
    let fix = findings[0].fix.clone().unwrap_or_default();
    (fix, findings[0].action)
}

fn outcome(facts: &Facts, rung: Rung) -> Outcome {
    let verdicts = judge(facts);
    let verdict = verdicts.into_iter().find(|verdict| verdict.rung == rung);
    verdict.unwrap().outcome
}

fn is_skipped(facts: &Facts, rung: Rung) -> bool {
    matches!(outcome(facts, rung), Outcome::Skipped(_))
}

#[test]
fn every_rung_is_climbed_in_order_and_a_healthy_machine_is_well() {
    let verdicts = judge(&healthy());
    let rungs: Vec<_> = verdicts.iter().map(|verdict| verdict.rung).collect();
    assert_eq!(rungs, Rung::ALL);
    check(|_| (), &[]);
    check(ipu, &["camera raw_nodes"]);
}

#[test]
fn of_a_machine_of_which_nothing_is_known_nothing_is_invented() {
    let verdicts = judge(&Facts::default());
    let said = verdicts
        .iter()
        .flat_map(|verdict| verdict.outcome.findings());
    let codes: Vec<_> = said.map(|finding| finding.code).collect();
    assert_eq!(codes, ["probe_failed", "not_installed", "not_running"]);
}

#[test]
fn a_flatpak_says_what_it_cannot_do_and_offers_nothing() {
    // Neither modules nor the machine's other programs, nor who shows notifications, can be seen from there.
    let flatpak = |facts: &mut Facts| {
        facts.system.flatpak = true;
        facts.system.helper = None;
        facts.module = Module::default();
        facts.devices[0].access = Access::Free;
        facts.desktop.as_mut().unwrap().notifications = false;
    };
    check(flatpak, &["sandbox flatpak"]);
    let both = |facts: &mut Facts| {
        flatpak(facts);
        facts.devices[0].access = Access::Both;
    };
    check(
        both,
        &["sandbox flatpak", "!module_options exclusive_caps_off"],
    );
    let without = |facts: &mut Facts| {
        flatpak(facts);
        facts.devices.clear();
    };
    check(without, &["sandbox flatpak"]);
    // The maker's software is the machine's, and a webcam is a webcam everywhere.
    let built_in = |facts: &mut Facts| {
        without(facts);
        facts.camera.ipu = true;
    };
    check(built_in, &["sandbox flatpak"]);
    let alone = |facts: &mut Facts| {
        built_in(facts);
        facts.camera.found = Some(Vec::new());
    };
    check(alone, &["sandbox flatpak", "!camera out_of_reach"]);
    let mut facts = healthy();
    without(&mut facts);
    for rung in [
        Rung::CameraPlugin,
        Rung::ModuleInstalled,
        Rung::ModuleLoaded,
        Rung::Device,
        Rung::Rivals,
    ] {
        assert!(is_skipped(&facts, rung), "{rung:?}");
    }
}

/// Whatever is printed there is typed outside, where the program has another name.
#[test]
fn a_flatpak_is_started_as_flatpaks_are() {
    let commands = |damage: fn(&mut Facts)| {
        let mut facts = healthy();
        facts.system.flatpak = true;
        facts.system.helper = None;
        damage(&mut facts);
        let verdicts = judge(&facts);
        let found = verdicts
            .iter()
            .flat_map(|verdict| verdict.outcome.findings());
        found
            .filter_map(|finding| finding.fix.clone())
            .collect::<Vec<_>>()
    };
    let run = "flatpak run io.github.lenscap.Lenscap";
    assert_eq!(commands(|facts| facts.applet = None), [run]);
    let none = |facts: &mut Facts| facts.camera.found = Some(Vec::new());
    assert_eq!(commands(none), [format!("{run} devices")]);
    let both = |facts: &mut Facts| facts.devices[0].access = Access::Both;
    let fix = &commands(both)[0];
    assert!(fix.starts_with(&format!("{run} quit; ")), "{fix}");
}

#[test]
fn nothing_is_offered_without_the_helper() {
    let mut facts = healthy();
    facts.module.loaded = None;
    facts.system.helper = None;
    let said = outcome(&facts, Rung::ModuleLoaded);
    assert_eq!(said.findings()[0].action, None);
    assert!(said.findings()[0].fix.is_some());
}
