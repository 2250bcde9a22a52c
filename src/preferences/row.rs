//! What all rows have in common: how they ask for a change, and how they tell that they can't.

use adw::prelude::*;
use adw::{glib, gtk};
use lenscap::i18n::gettext;

/// The window's action that changes a setting; takes its name and its value as text.
pub const SET: &str = "win.set";

/// Asks for a change of the setting of this name. The answer is that the row is shown anew.
pub fn ask(row: &impl IsA<gtk::Widget>, key: &str, value: &str) {
    let asked = row.activate_action(SET, Some(&(key, value).to_variant()));
    debug_assert!(asked.is_ok(), "a row lives in a window");
}

/// Has a row say that the command line took its place, or else what it always says.
pub fn tell_override(row: &impl IsA<adw::ActionRow>, subtitle: &str, is_overridden: bool) {
    let row = row.as_ref();
    row.set_sensitive(!is_overridden);
    if is_overridden {
        row.set_subtitle(&gettext("Set on Lenscap’s command line for this run"));
    } else {
        row.set_subtitle(&glib::markup_escape_text(subtitle));
    }
}
