//! About Lenscap.

use adw::gtk;
use adw::prelude::*;
use lenscap::i18n::gettext;

use crate::model::{Presence, View};

/// Opens the window.
pub fn show(parent: &impl IsA<gtk::Window>, view: &View) {
    let about = adw::AboutWindow::builder()
        .transient_for(parent)
        .modal(true)
        .application_name("Lenscap")
        .application_icon("io.github.lenscap.Lenscap")
        .developer_name(gettext("The Lenscap authors"))
        .version(env!("CARGO_PKG_VERSION"))
        .comments(gettext(
            "A lens cap for the laptop camera that takes itself off: \
             the camera is on only while somebody looks.",
        ))
        .license_type(gtk::License::MitX11)
        .debug_info(debug_info(view))
        .debug_info_filename("lenscap-status.json")
        .build();
    about.present();
}

/// What to paste into a bug report: the status, made readable.
fn debug_info(view: &View) -> String {
    match &view.applet {
        Presence::Running(report) => {
            serde_json::to_string_pretty(report).unwrap_or_else(|error| error.to_string())
        }
        other => format!("{other:?}"),
    }
}
