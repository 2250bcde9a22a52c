//! A row with a list of values for one setting.

use std::cell::{Cell, RefCell};

use adw::prelude::*;
use adw::subclass::prelude::*;
use adw::{glib, gtk};
use gtk::CompositeTemplate;

use crate::model::{Choice, Key, View, offers};
use crate::{accessible, row};

glib::wrapper! {
    /// The row. Its property `key` names the setting; what a person picks goes to the window.
    pub struct ChoiceRow(ObjectSubclass<imp::ChoiceRow>)
        @extends gtk::Widget, gtk::ListBoxRow, adw::PreferencesRow, adw::ActionRow, adw::ComboRow,
        @implements gtk::Actionable, gtk::Buildable, gtk::ConstraintTarget;
}

impl ChoiceRow {
    /// Shows what can be chosen, and what is.
    pub fn show_view(&self, view: &View) {
        let Some(key) = Key::named(&self.key()) else {
            return;
        };
        let imp = self.imp();
        imp.is_showing.set(true);
        let choices = offers(key, view);
        if *imp.choices.borrow() != choices {
            let labels: Vec<_> = choices.iter().map(|choice| choice.label.as_str()).collect();
            self.set_model(Some(&gtk::StringList::new(&labels)));
            imp.choices.replace(choices);
        }
        let value = key.read(&view.settings);
        let chosen = imp
            .choices
            .borrow()
            .iter()
            .position(|choice| choice.value == value);
        let none = gtk::INVALID_LIST_POSITION;
        self.set_selected(chosen.and_then(|at| at.try_into().ok()).unwrap_or(none));
        imp.is_showing.set(false);
        row::tell_override(self, &imp.subtitle.borrow(), view.is_overridden(key));
    }
}

mod imp {
    use super::*;

    #[derive(CompositeTemplate, Default, glib::Properties)]
    #[properties(wrapper_type = super::ChoiceRow)]
    #[template(file = "choice_row.ui")]
    pub struct ChoiceRow {
        /// The setting's name.
        #[property(get, set, construct_only)]
        key: RefCell<String>,
        pub choices: RefCell<Vec<Choice>>,
        /// Whether the row changes because the setting did.
        pub is_showing: Cell<bool>,
        /// What the row says while nothing overrides it.
        pub subtitle: RefCell<String>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for ChoiceRow {
        const NAME: &'static str = "LenscapChoiceRow";
        type Type = super::ChoiceRow;
        type ParentType = adw::ComboRow;

        fn class_init(class: &mut Self::Class) {
            class.bind_template();
        }

        fn instance_init(object: &glib::subclass::InitializingObject<Self>) {
            object.init_template();
        }
    }

    #[glib::derived_properties]
    impl ObjectImpl for ChoiceRow {
        fn constructed(&self) {
            self.parent_constructed();
            self.obj().connect_selected_notify(|row| row.imp().ask());
        }
    }

    impl ChoiceRow {
        fn ask(&self) {
            let choices = self.choices.borrow();
            let chosen = usize::try_from(self.obj().selected()).ok();
            if let Some(choice) = chosen.and_then(|at| choices.get(at))
                && !self.is_showing.get()
            {
                row::ask(&*self.obj(), &self.key.borrow(), &choice.value);
            }
        }
    }

    impl WidgetImpl for ChoiceRow {
        /// The template's texts are there by now, and nothing is overridden yet.
        fn root(&self) {
            self.parent_root();
            let row = self.obj();
            let subtitle = row.subtitle().unwrap_or_default();
            if !subtitle.is_empty() {
                accessible::describe(&*row, &subtitle);
            }
            self.subtitle.replace(subtitle.into());
        }
    }
    impl ListBoxRowImpl for ChoiceRow {}
    impl PreferencesRowImpl for ChoiceRow {}
    impl ActionRowImpl for ChoiceRow {}
    impl ComboRowImpl for ChoiceRow {}
}
