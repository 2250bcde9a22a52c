//! A row that is one of several values of a setting.

use std::cell::{Cell, RefCell};

use adw::prelude::*;
use adw::subclass::prelude::*;
use adw::{glib, gtk};
use gtk::CompositeTemplate;

use crate::{accessible, row};

glib::wrapper! {
    /// The row. Its properties name the setting and the value; picking it goes to the window.
    pub struct RadioRow(ObjectSubclass<imp::RadioRow>)
        @extends gtk::Widget, gtk::ListBoxRow, adw::PreferencesRow, adw::ActionRow,
        @implements gtk::Actionable, gtk::Buildable, gtk::ConstraintTarget;
}

impl RadioRow {
    /// A row for a value of a setting.
    pub fn new(key: &str, value: &str) -> Self {
        let row: Self = glib::Object::builder().property("key", key).build();
        row.set_value(value);
        row
    }

    /// Puts it in a group of which only one is chosen. The group is a button that is never shown,
    /// so that one row alone has a round mark, too.
    pub fn join(&self, group: &gtk::CheckButton) {
        self.imp().check.set_group(Some(group));
    }

    /// What it says, to eyes and ears.
    pub fn set_texts(&self, title: &str, detail: &str) {
        self.set_title(&glib::markup_escape_text(title));
        self.set_subtitle(&glib::markup_escape_text(detail));
        accessible::describe(&*self.imp().check, detail);
    }

    /// Puts a picture between its mark and its title.
    pub fn add_picture(&self, picture: &impl IsA<gtk::Widget>) {
        self.add_prefix(picture);
        // The last prefix comes first; the mark belongs there.
        let check = &*self.imp().check;
        self.remove(check);
        self.add_prefix(check);
    }

    /// Puts an icon between its mark and its title.
    pub fn add_icon(&self, name: &str) {
        self.add_picture(&gtk::Image::from_icon_name(name));
    }

    /// Lets it be picked, or not.
    pub fn allow(&self, is_allowed: bool) {
        self.set_sensitive(is_allowed);
        self.imp().check.set_sensitive(is_allowed);
    }

    /// Shows whether it is the one.
    pub fn choose(&self, is_chosen: bool) {
        let imp = self.imp();
        imp.is_showing.set(true);
        imp.check.set_active(is_chosen);
        imp.is_showing.set(false);
    }
}

mod imp {
    use super::*;

    #[derive(CompositeTemplate, Default, glib::Properties)]
    #[properties(wrapper_type = super::RadioRow)]
    #[template(file = "radio_row.ui")]
    pub struct RadioRow {
        #[template_child]
        pub check: TemplateChild<gtk::CheckButton>,
        /// The setting's name.
        #[property(get, set, construct_only)]
        key: RefCell<String>,
        /// The value that it stands for.
        #[property(get, set)]
        value: RefCell<String>,
        /// Whether the mark moves because the setting did.
        pub is_showing: Cell<bool>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for RadioRow {
        const NAME: &'static str = "LenscapRadioRow";
        type Type = super::RadioRow;
        type ParentType = adw::ActionRow;

        fn class_init(class: &mut Self::Class) {
            class.bind_template();
        }

        fn instance_init(object: &glib::subclass::InitializingObject<Self>) {
            object.init_template();
        }
    }

    #[glib::derived_properties]
    impl ObjectImpl for RadioRow {
        fn constructed(&self) {
            self.parent_constructed();
            let weak = self.obj().downgrade();
            self.check.connect_toggled(move |check| {
                if let Some(row) = weak.upgrade()
                    && check.is_active()
                {
                    row.imp().ask();
                }
            });
        }
    }

    impl RadioRow {
        fn ask(&self) {
            if !self.is_showing.get() {
                row::ask(&*self.obj(), &self.key.borrow(), &self.value.borrow());
            }
        }
    }

    impl WidgetImpl for RadioRow {}
    impl ListBoxRowImpl for RadioRow {}
    impl PreferencesRowImpl for RadioRow {}
    impl ActionRowImpl for RadioRow {}
}
