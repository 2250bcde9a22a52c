//! Check of the camera portal's permissions.

use super::commands::delete_permission;
use super::hidden;
use crate::doctor::facts::Facts;
use crate::doctor::permissions::names;
use crate::doctor::{Action, Finding, Outcome};
use crate::i18n::{gettext, gettext_f};

pub fn permissions(facts: &Facts) -> Outcome {
    if facts.system.flatpak {
        return hidden();
    }
    let Some(desktop) = &facts.desktop else {
        return Outcome::Skipped(gettext("There is no session bus here."));
    };
    match &desktop.denied {
        None => Outcome::Skipped(gettext("There are no desktop portals.")),
        Some(denied) if denied.is_empty() => Outcome::Fine,
        Some(denied) => refused(denied).into(),
    }
}

fn refused(denied: &[String]) -> Finding {
    // A denial for one application may be intended, one for all outside sandboxes hardly is.
    let kind = if denied.iter().any(String::is_empty) {
        Finding::problem
    } else {
        Finding::note
    };
    let commands: Vec<_> = denied.iter().map(|name| delete_permission(name)).collect();
    kind(
        "camera_denied",
        gettext_f(
            "The camera portal denies every camera to {applications}, without asking.",
            &[("applications", &names(denied))],
        ),
        gettext(
            "It remembers a No from its dialog permanently, even if the application ended while \
             the dialog was open. Once the answer is deleted, it asks again.",
        ),
    )
    .fix(commands.join(" && "))
    .action(Action::ResetPermissions)
}
