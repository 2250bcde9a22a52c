//! A bar across the window that says what stands in the way, with a button where there is a way out.
//!
//! libadwaita has one from 1.3 on.

use std::cell::RefCell;

use adw::prelude::*;
use adw::subclass::prelude::*;
use adw::{glib, gtk};
use gtk::CompositeTemplate;

glib::wrapper! {
    /// The bar. Without the property `button-label` it has no button.
    pub struct Bar(ObjectSubclass<imp::Bar>)
        @extends gtk::Widget, adw::Bin,
        @implements gtk::Buildable, gtk::ConstraintTarget;
}

impl Bar {
    /// Says this, or nothing. A bar that slides away keeps its words until it is gone.
    pub fn say(&self, text: Option<&str>) {
        let imp = self.imp();
        if let Some(text) = text {
            imp.label.set_label(text);
        }
        imp.revealer.set_reveal_child(text.is_some());
    }
}

mod imp {
    use super::*;

    #[derive(CompositeTemplate, Default, glib::Properties)]
    #[properties(wrapper_type = super::Bar)]
    #[template(file = "bar.ui")]
    pub struct Bar {
        #[template_child]
        pub revealer: TemplateChild<gtk::Revealer>,
        #[template_child]
        pub label: TemplateChild<gtk::Label>,
        #[template_child]
        pub button: TemplateChild<gtk::Button>,
        #[template_child]
        button_text: TemplateChild<gtk::Label>,
        /// What the button says.
        #[property(get, set = Self::set_button_label)]
        button_label: RefCell<String>,
        /// The action that the button starts.
        #[property(get, set = Self::set_button_action)]
        button_action: RefCell<String>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for Bar {
        const NAME: &'static str = "LenscapBar";
        type Type = super::Bar;
        type ParentType = adw::Bin;

        fn class_init(class: &mut Self::Class) {
            class.bind_template();
        }

        fn instance_init(object: &glib::subclass::InitializingObject<Self>) {
            object.init_template();
        }
    }

    impl Bar {
        fn set_button_label(&self, label: String) {
            self.button_text.set_label(&label);
            self.button.set_visible(!label.is_empty());
            self.button_label.replace(label);
        }

        fn set_button_action(&self, action: String) {
            self.button.set_action_name(Some(&action));
            self.button_action.replace(action);
        }
    }

    #[glib::derived_properties]
    impl ObjectImpl for Bar {}
    impl WidgetImpl for Bar {}
    impl BinImpl for Bar {}
}
