//! `lenscap doctor`: what is wrong with the set-up, and what mends it.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use super::applet::Applet;
use super::args::Fix;
use super::control;
use crate::config::{self, Loaded};
use crate::doctor::{self, Action, Failure, Helper, Severity, Verdict};
use crate::i18n::{gettext, gettext_f};
use crate::settings::Settings;

/// There as long as the module is loaded.
const MODULE: &str = "/sys/module/v4l2loopback";

/// Climbs the ladder; with `fix`, does what can be done and climbs it again.
pub fn run(json: bool, fix: Option<Fix>) -> ExitCode {
    let mut verdicts = climb();
    if let Some(fix) = fix {
        verdicts = mend(verdicts, fix);
    }
    let text = if json {
        doctor::to_json(&verdicts)
    } else {
        doctor::to_text(&verdicts)
    };
    // A reader that has seen enough (`| head`) is no failure.
    let _ = io::stdout().write_all(text.as_bytes());
    if verdicts.iter().any(|verdict| verdict.outcome.is_broken()) {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

fn climb() -> Vec<Verdict> {
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

/// Does what the ladder marks, and what it marks after that: a module that is loaded may still lack
/// its options. Tells of it on standard error, since standard output is the ladder's, and answers
/// with the ladder as it is then.
fn mend(mut verdicts: Vec<Verdict>, fix: Fix) -> Vec<Verdict> {
    let helper = Helper::find();
    let mut done = Vec::new();
    loop {
        let actions = open_actions(&verdicts, fix, &done);
        if actions.is_empty() {
            break;
        }
        for action in actions {
            take(action, helper.as_ref());
            done.push(action);
        }
        verdicts = climb();
    }
    if done.is_empty() {
        let why = if helper.is_some() {
            gettext("There is nothing that Lenscap can mend here.")
        } else {
            gettext(
                "Lenscap can mend nothing here: lenscap-fix is not installed for the whole system, \
                 or pkexec is missing. Run the commands below instead.",
            )
        };
        eprintln!("{why}");
    }
    verdicts
}

fn take(action: Action, helper: Option<&Helper>) {
    let done = match (action, helper) {
        (Action::ResetPermissions, _) => doctor::reset_permissions(),
        (_, Some(helper)) => take_by(helper, action),
        (_, None) => return, // the ladder offers none of these
    };
    match done {
        Ok(said) => said.lines().for_each(|line| eprintln!("{line}")),
        Err(failure) => {
            let values = [("action", action.name()), ("reason", &failure.to_string())];
            eprintln!("{}", gettext_f("{action}: {reason}", &values));
        }
    }
}

fn take_by(helper: &Helper, action: Action) -> Result<String, Failure> {
    if action == Action::LoadModule && Path::new(MODULE).exists() {
        // Nobody's call ends for a question that is answered with no.
        helper.ask(action)?;
        end_applet();
    }
    helper.run(action)
}

/// Ends the applet, which keeps the module's device open. One that isn't there needs no word.
fn end_applet() {
    let ended = Applet::find().and_then(|applet| control::end(&applet));
    if ended.is_ok() {
        eprintln!("{}", gettext("Lenscap was ended for this; start it again."));
    }
}

/// Each wanted action once, in the order of the ladder, without those that were tried.
fn open_actions(verdicts: &[Verdict], fix: Fix, done: &[Action]) -> Vec<Action> {
    let mut actions = Vec::new();
    let findings = verdicts
        .iter()
        .flat_map(|verdict| verdict.outcome.findings());
    for (finding, action) in findings.filter_map(|finding| Some((finding, finding.action?))) {
        // Loading the module anew ends the applet, which a mere note isn't worth.
        let is_worth_it = finding.severity == Severity::Problem || action != Action::LoadModule;
        let is_wanted = fix == Fix::One(action) || fix == Fix::All && is_worth_it;
        if is_wanted && !actions.contains(&action) && !done.contains(&action) {
            actions.push(action);
        }
    }
    actions
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::{Finding, Outcome, Rung};

    #[test]
    fn every_action_is_taken_once_in_order() {
        let finding = |action| Finding::problem("x", String::new(), String::new()).action(action);
        let verdict = |rung, actions: &[Action]| Verdict {
            rung,
            outcome: Outcome::Found(actions.iter().map(|action| finding(*action)).collect()),
        };
        let (load, write) = (Action::LoadModule, Action::WriteModuleOptions);
        let verdicts = [
            verdict(Rung::CameraAccess, &[Action::WriteUdevRules]),
            verdict(Rung::ModuleOptions, &[load, write]),
            verdict(Rung::Device, &[load]),
        ];
        let all = [Action::WriteUdevRules, load, write];
        assert_eq!(open_actions(&verdicts, Fix::All, &[]), all);
        assert_eq!(open_actions(&verdicts, Fix::All, &all[..2]), [write]);
        assert_eq!(open_actions(&verdicts, Fix::All, &all), []);
        assert_eq!(open_actions(&verdicts, Fix::One(load), &[]), [load]);
        assert_eq!(open_actions(&verdicts, Fix::One(load), &[load]), []);
        assert_eq!(
            open_actions(&verdicts, Fix::One(Action::AddDevice), &[]),
            []
        );
    }

    #[test]
    fn a_note_is_not_worth_ending_the_applet() {
        let note = |action| Finding::note("x", String::new(), String::new()).action(action);
        let load = Action::LoadModule;
        let found = [load, Action::WriteModuleOptions].map(note).to_vec();
        let verdicts = [Verdict {
            rung: Rung::ModuleOptions,
            outcome: Outcome::Found(found),
        }];
        let all = open_actions(&verdicts, Fix::All, &[]);
        assert_eq!(all, [Action::WriteModuleOptions]);
        assert_eq!(open_actions(&verdicts, Fix::One(load), &[]), [load]);
    }
}
