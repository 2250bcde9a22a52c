//! A row with a switch for one setting.

use std::cell::{Cell, RefCell};

use adw::prelude::*;
use adw::subclass::prelude::*;
use adw::{glib, gtk};
use glib::Propagation;
use gtk::CompositeTemplate;

use crate::model::{Key, View};
use crate::{accessible, row};

glib::wrapper! {
    /// The row. Its property `key` names the setting; what a person asks for goes to the window,
    /// and the switch moves when the setting has changed.
    pub struct SwitchRow(ObjectSubclass<imp::SwitchRow>)
        @extends gtk::Widget, gtk::ListBoxRow, adw::PreferencesRow, adw::ActionRow,
        @implements gtk::Actionable, gtk::Buildable, gtk::ConstraintTarget;
}

impl SwitchRow {
    /// Shows the setting as it is.
    pub fn show_view(&self, view: &View) {
        let Some(key) = Key::named(&self.key()) else {
            return;
        };
        let imp = self.imp();
        imp.is_showing.set(true);
        let is_on = view.is_on(key);
        imp.switch.set_state(is_on);
        imp.switch.set_active(is_on);
        imp.is_showing.set(false);
        // To screen readers a widget is as sensitive as itself, whatever its row is.
        imp.switch.set_sensitive(!view.is_overridden(key));
        row::tell_override(self, &imp.subtitle.borrow(), view.is_overridden(key));
    }
}

mod imp {
    use super::*;

    #[derive(CompositeTemplate, Default, glib::Properties)]
    #[properties(wrapper_type = super::SwitchRow)]
    #[template(file = "switch_row.ui")]
    pub struct SwitchRow {
        #[template_child]
        pub switch: TemplateChild<gtk::Switch>,
        /// The setting's name.
        #[property(get, set, construct_only)]
        key: RefCell<String>,
        /// Whether the switch moves because the setting did.
        pub is_showing: Cell<bool>,
        /// What the row says while nothing overrides it.
        pub subtitle: RefCell<String>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for SwitchRow {
        const NAME: &'static str = "LenscapSwitchRow";
        type Type = super::SwitchRow;
        type ParentType = adw::ActionRow;

        fn class_init(class: &mut Self::Class) {
            class.bind_template();
        }

        fn instance_init(object: &glib::subclass::InitializingObject<Self>) {
            object.init_template();
        }
    }

    #[glib::derived_properties]
    impl ObjectImpl for SwitchRow {
        fn constructed(&self) {
            self.parent_constructed();
            let row = self.obj();
            let weak = row.downgrade();
            self.switch.connect_state_set(move |_, wanted| {
                if let Some(row) = weak.upgrade() {
                    row.imp().ask(wanted);
                }
                Propagation::Stop
            });
        }
    }

    impl SwitchRow {
        fn ask(&self, wanted: bool) {
            if !self.is_showing.get() {
                row::ask(&*self.obj(), &self.key.borrow(), &wanted.to_string());
            }
        }
    }

    impl WidgetImpl for SwitchRow {
        /// The template's texts are there by now, and nothing is overridden yet.
        fn root(&self) {
            self.parent_root();
            let row = self.obj();
            let subtitle = row.subtitle().unwrap_or_default();
            accessible::describe(&*self.switch, &subtitle);
            self.subtitle.replace(subtitle.into());
        }
    }
    impl ListBoxRowImpl for SwitchRow {}
    impl PreferencesRowImpl for SwitchRow {}
    impl ActionRowImpl for SwitchRow {}
}
