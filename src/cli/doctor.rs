//! `lenscap doctor`: diagnoses the set-up, and fixes it.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use super::applet::Applet;
use super::args::Fix;
use super::control;
use crate::config::{self, Loaded};
use crate::doctor::{self, Action, CheckResult, FixError, Helper, RootAction, Severity};
use crate::i18n::{gettext, gettext_f};
use crate::settings::Settings;
use crate::stderr::say;

/// Exists while the module is loaded.
const MODULE: &str = "/sys/module/v4l2loopback";

/// Runs the checks; with `fix`, applies the fixes and runs them again.
pub fn run(json: bool, fix: Option<Fix>) -> ExitCode {
    let mut results = run_checks();
    if let Some(fix) = fix {
        results = apply_fixes(results, fix);
    }
    let text = if json {
        doctor::to_json(&results)
    } else {
        doctor::to_text(&results)
    };
    // A closed pipe (`| head`) is not an error.
    let _ = io::stdout().write_all(text.as_bytes());
    if results.iter().any(|result| result.outcome.is_broken()) {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

fn run_checks() -> Vec<CheckResult> {
    let loaded = match config::default_path() {
        Ok(path) => config::load(&path, &Settings::default()),
        Err(error) => Loaded {
            settings: Settings::default(),
            warnings: Vec::new(),
            error: Some(error.to_string()),
        },
    };
    let applet = Applet::find().and_then(|applet| applet.status()).ok();
    doctor::judge(&doctor::gather(&loaded, applet))
}

/// Applies the offered fixes, and those that are offered after that: a module that is loaded now may
/// still lack its options. Reports on standard error, as standard output is for the results, and
/// returns the new results.
fn apply_fixes(mut results: Vec<CheckResult>, fix: Fix) -> Vec<CheckResult> {
    let helper = Helper::find();
    let mut tried = Vec::new();
    loop {
        let actions = pending_actions(&results, fix, &tried);
        if actions.is_empty() {
            break;
        }
        for action in actions {
            apply(action, helper.as_ref());
            tried.push(action);
        }
        results = run_checks();
    }
    if tried.is_empty() {
        let why = if helper.is_some() {
            gettext("There is nothing that Lenscap can fix here.")
        } else {
            gettext(
                "Lenscap can't fix anything here: lenscap-fix is not installed for the whole system, \
                 or pkexec is missing. Run the commands below instead.",
            )
        };
        say(why);
    }
    results
}

fn apply(action: Action, helper: Option<&Helper>) {
    let result = match (action, helper) {
        (Action::ResetPermissions, _) => doctor::reset_permissions(),
        (Action::Root(action), Some(helper)) => run_helper(helper, action),
        (Action::Root(_), None) => return, // not offered without the helper
    };
    match result {
        Ok(report) => report.lines().for_each(say),
        Err(error) => {
            let values = [("action", action.name()), ("reason", &error.to_string())];
            say(gettext_f("{action}: {reason}", &values));
        }
    }
}

fn run_helper(helper: &Helper, action: RootAction) -> Result<String, FixError> {
    if action == RootAction::LoadModule && Path::new(MODULE).exists() {
        // Without consent, don't interrupt a running call.
        helper.authorize(action)?;
        quit_applet();
    }
    helper.run(action)
}

/// Ends the applet, which keeps the module's device open.
fn quit_applet() {
    let ended = Applet::find().and_then(|applet| control::end(&applet));
    if ended.is_ok() {
        say(gettext("Lenscap was stopped for this; start it again."));
    }
}

/// Each requested action once, in the order of the checks, without those already tried.
fn pending_actions(results: &[CheckResult], fix: Fix, tried: &[Action]) -> Vec<Action> {
    let mut actions = Vec::new();
    let findings = results.iter().flat_map(|result| result.outcome.findings());
    for (finding, action) in findings.filter_map(|finding| Some((finding, finding.action?))) {
        // Reloading the module ends the applet, which a note doesn't justify.
        let is_worth_it =
            finding.severity == Severity::Problem || action != RootAction::LoadModule.into();
        let is_wanted = fix == Fix::One(action) || fix == Fix::All && is_worth_it;
        if is_wanted && !actions.contains(&action) && !tried.contains(&action) {
            actions.push(action);
        }
    }
    actions
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::{Check, Finding, Outcome};

    #[test]
    fn every_action_is_applied_once_in_order() {
        let finding = |action| Finding::problem("x", String::new(), String::new()).action(action);
        let result = |check, actions: &[Action]| CheckResult {
            check,
            outcome: Outcome::Found(actions.iter().map(|action| finding(*action)).collect()),
        };
        let load = Action::Root(RootAction::LoadModule);
        let write = Action::Root(RootAction::WriteModuleOptions);
        let rules = Action::Root(RootAction::WriteUdevRules);
        let add = Action::Root(RootAction::AddDevice);
        let results = [
            result(Check::CameraAccess, &[rules]),
            result(Check::ModuleOptions, &[load, write]),
            result(Check::Device, &[load]),
        ];
        let all = [rules, load, write];
        assert_eq!(pending_actions(&results, Fix::All, &[]), all);
        assert_eq!(pending_actions(&results, Fix::All, &all[..2]), [write]);
        assert_eq!(pending_actions(&results, Fix::All, &all), []);
        assert_eq!(pending_actions(&results, Fix::One(load), &[]), [load]);
        assert_eq!(pending_actions(&results, Fix::One(load), &[load]), []);
        assert_eq!(pending_actions(&results, Fix::One(add), &[]), []);
    }

    #[test]
    fn a_note_does_not_end_the_applet() {
        let note = |action| Finding::note("x", String::new(), String::new()).action(action);
        let load = Action::Root(RootAction::LoadModule);
        let write = Action::Root(RootAction::WriteModuleOptions);
        let found = [load, write].map(note).to_vec();
        let results = [CheckResult {
            check: Check::ModuleOptions,
            outcome: Outcome::Found(found),
        }];
        let all = pending_actions(&results, Fix::All, &[]);
        assert_eq!(all, [write]);
        assert_eq!(pending_actions(&results, Fix::One(load), &[]), [load]);
    }
}
