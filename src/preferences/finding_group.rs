//! One thing that is wrong with the set-up: what, why it matters, and what mends it.

use adw::prelude::*;
use adw::subclass::prelude::*;
use adw::{glib, gtk};
use gtk::CompositeTemplate;
use lenscap::i18n::gettext;

use crate::accessible;
use crate::model::Finding;

glib::wrapper! {
    /// The words, a button where Lenscap can do something, and a command to copy where there is one.
    pub struct FindingGroup(ObjectSubclass<imp::FindingGroup>)
        @extends gtk::Widget, adw::PreferencesGroup,
        @implements gtk::Buildable, gtk::ConstraintTarget;
}

impl FindingGroup {
    /// The group for a finding.
    pub fn new(finding: &Finding) -> Self {
        let group: Self = glib::Object::new();
        let imp = group.imp();
        group.set_title(&glib::markup_escape_text(&finding.question));
        imp.words
            .set_title(&glib::markup_escape_text(&finding.what));
        imp.words
            .set_subtitle(&glib::markup_escape_text(&finding.why));
        let (icon, label) = if finding.is_problem {
            // Translators: what an icon means, for who can't see it.
            ("dialog-warning-symbolic", gettext("Problem"))
        } else {
            // Translators: what an icon means, for who can't see it.
            ("dialog-information-symbolic", gettext("Note"))
        };
        imp.icon.set_icon_name(Some(icon));
        accessible::name(&*imp.icon, &label);
        imp.show_action(finding);
        imp.show_command(finding.command.as_deref());
        group
    }
}

mod imp {
    use super::*;

    #[derive(CompositeTemplate, Default)]
    #[template(file = "finding_group.ui")]
    pub struct FindingGroup {
        #[template_child]
        pub words: TemplateChild<adw::ActionRow>,
        #[template_child]
        pub icon: TemplateChild<gtk::Image>,
        #[template_child]
        mend: TemplateChild<gtk::Button>,
        #[template_child]
        command: TemplateChild<adw::ActionRow>,
        #[template_child]
        copy: TemplateChild<gtk::Button>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for FindingGroup {
        const NAME: &'static str = "LenscapFindingGroup";
        type Type = super::FindingGroup;
        type ParentType = adw::PreferencesGroup;

        fn class_init(class: &mut Self::Class) {
            class.bind_template();
        }

        fn instance_init(object: &glib::subclass::InitializingObject<Self>) {
            object.init_template();
        }
    }

    impl FindingGroup {
        pub fn show_action(&self, finding: &Finding) {
            self.mend.set_visible(finding.action.is_some());
            let action = finding.action.as_deref().unwrap_or_default();
            self.mend
                .set_action_target_value(Some(&action.to_variant()));
            accessible::describe(&*self.mend, &finding.what);
            if finding.is_problem {
                self.mend.add_css_class("suggested-action");
            }
        }

        pub fn show_command(&self, command: Option<&str>) {
            self.command.set_visible(command.is_some());
            let command = command.unwrap_or_default();
            self.command.set_title(&glib::markup_escape_text(command));
            self.copy
                .set_action_target_value(Some(&command.to_variant()));
            accessible::describe(&*self.copy, command);
        }
    }

    impl ObjectImpl for FindingGroup {}
    impl WidgetImpl for FindingGroup {}
    impl PreferencesGroupImpl for FindingGroup {}
}
