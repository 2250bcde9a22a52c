//! Facts of various machines, and the findings about them.

mod camera;
mod desktop;
mod healthy;
mod output;
mod vcam;

use healthy::{healthy, ipu};

use super::judge;
use crate::doctor::facts::{DeviceState, Facts, ModuleFacts};
use crate::doctor::{Action, Check, Outcome, Severity};

/// Compares the findings about a healthy machine after a change to it: the names of check and
/// finding, with a `!` before problems.
fn check(damage: impl FnOnce(&mut Facts), expected: &[&str]) {
    let mut facts = healthy();
    damage(&mut facts);
    let results = judge(&facts);
    let found: Vec<_> = results
        .iter()
        .flat_map(|result| {
            result.outcome.findings().iter().map(|finding| {
                let mark = match finding.severity {
                    Severity::Problem => "!",
                    Severity::Note => "",
                };
                format!("{mark}{} {}", result.check.name(), finding.code)
            })
        })
        .collect();
    assert_eq!(found, expected);
}

/// The command and the action for the only finding.
fn remedy(damage: impl FnOnce(&mut Facts)) -> (String, Option<Action>) {
    let mut facts = healthy();
    damage(&mut facts);
    let results = judge(&facts);
    let findings: Vec<_> = results
        .iter()
        .flat_map(|result| result.outcome.findings())
        .collect();
    assert_eq!(findings.len(), 1, "{findings:#?}");
    let fix = findings[0].fix.clone().unwrap_or_default();
    (fix, findings[0].action)
}

fn outcome_of(facts: &Facts, check: Check) -> Outcome {
    let results = judge(facts);
    let result = results.into_iter().find(|result| result.check == check);
    result.unwrap().outcome
}

fn is_skipped(facts: &Facts, check: Check) -> bool {
    matches!(outcome_of(facts, check), Outcome::Skipped(_))
}

#[test]
fn every_check_runs_in_order_and_a_healthy_machine_has_no_problem() {
    let results = judge(&healthy());
    let checks: Vec<_> = results.iter().map(|result| result.check).collect();
    assert_eq!(checks, Check::ALL);
    check(|_| (), &[]);
    check(ipu, &["camera raw_nodes"]);
}

#[test]
fn unknown_facts_make_no_other_findings() {
    let results = judge(&Facts::default());
    let findings = results.iter().flat_map(|result| result.outcome.findings());
    let codes: Vec<_> = findings.map(|finding| finding.code).collect();
    assert_eq!(codes, ["probe_failed", "not_installed", "not_running"]);
}

#[test]
fn a_flatpak_reports_its_limits_and_offers_no_action() {
    // Modules, other programs and the notification service are hidden from a Flatpak.
    let flatpak = |facts: &mut Facts| {
        facts.system.flatpak = true;
        facts.system.helper = None;
        facts.module = ModuleFacts::default();
        facts.devices[0].state = DeviceState::Free;
        facts.desktop.as_mut().unwrap().notifications = false;
    };
    check(flatpak, &["sandbox flatpak"]);
    let both = |facts: &mut Facts| {
        flatpak(facts);
        facts.devices[0].state = DeviceState::Both;
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
    // A built-in camera needs the host's software, a webcam doesn't.
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
    for check in [
        Check::CameraPlugin,
        Check::ModuleInstalled,
        Check::ModuleLoaded,
        Check::Device,
        Check::Rivals,
    ] {
        assert!(is_skipped(&facts, check), "{check:?}");
    }
}

/// The printed commands are run outside the sandbox.
#[test]
fn a_flatpaks_commands_start_with_flatpak_run() {
    let commands = |damage: fn(&mut Facts)| {
        let mut facts = healthy();
        facts.system.flatpak = true;
        facts.system.helper = None;
        damage(&mut facts);
        let results = judge(&facts);
        let found = results.iter().flat_map(|result| result.outcome.findings());
        found
            .filter_map(|finding| finding.fix.clone())
            .collect::<Vec<_>>()
    };
    let run = "flatpak run io.github.lenscap.Lenscap";
    assert_eq!(commands(|facts| facts.applet = None), [run]);
    let none = |facts: &mut Facts| facts.camera.found = Some(Vec::new());
    assert_eq!(commands(none), [format!("{run} devices")]);
    let both = |facts: &mut Facts| facts.devices[0].state = DeviceState::Both;
    let fix = &commands(both)[0];
    assert!(fix.starts_with(&format!("{run} quit; ")), "{fix}");
}

#[test]
fn no_action_is_offered_without_the_helper() {
    let mut facts = healthy();
    facts.module.loaded = None;
    facts.system.helper = None;
    let outcome = outcome_of(&facts, Check::ModuleLoaded);
    assert_eq!(outcome.findings()[0].action, None);
    assert!(outcome.findings()[0].fix.is_some());
}
