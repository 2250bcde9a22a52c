//! Names and descriptions for those who don't see the window.
//!
//! The bindings have this from GTK 4.10 on only.

use adw::glib::translate::{IntoGlib, ToGlibPtr};
use adw::gtk::{self, ffi};
use adw::prelude::*;

unsafe extern "C" {
    /// GTK's own, from 4.0 on: sets properties from parallel arrays, both copied.
    fn gtk_accessible_update_property_value(
        accessible: *mut ffi::GtkWidget,
        count: std::ffi::c_int,
        properties: *mut ffi::GtkAccessibleProperty,
        values: *const adw::glib::gobject_ffi::GValue,
    );
}

/// What a screen reader calls a widget that shows no words.
pub fn name(widget: &impl IsA<gtk::Widget>, name: &str) {
    set(widget, gtk::AccessibleProperty::Label, name);
}

/// What a screen reader says of a widget after its name. Rows pass their title on to their controls,
/// but not what stands below it.
pub fn describe(widget: &impl IsA<gtk::Widget>, description: &str) {
    set(widget, gtk::AccessibleProperty::Description, description);
}

fn set(widget: &impl IsA<gtk::Widget>, property: gtk::AccessibleProperty, text: &str) {
    let widget: *mut ffi::GtkWidget = widget.as_ref().to_glib_none().0;
    let mut property = property.into_glib();
    let value = text.to_value();
    // SAFETY: every widget implements the interface; one property and one value of the type that
    // GTK documents for it are passed, and both are copied.
    unsafe {
        gtk_accessible_update_property_value(widget, 1, &raw mut property, value.to_glib_none().0);
    }
}
