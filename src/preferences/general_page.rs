//! The page about Lenscap's place on the desktop.

use adw::subclass::prelude::*;
use adw::{glib, gtk};
use gtk::CompositeTemplate;
use gtk::prelude::StaticTypeExt;

use crate::model::View;
use crate::switch_row::SwitchRow;

glib::wrapper! {
    /// The page.
    pub struct GeneralPage(ObjectSubclass<imp::GeneralPage>)
        @extends gtk::Widget, adw::PreferencesPage,
        @implements gtk::Buildable, gtk::ConstraintTarget;
}

impl GeneralPage {
    /// Shows what is set.
    pub fn show_view(&self, view: &View) {
        let imp = self.imp();
        imp.tray.show_view(view);
        imp.notifications.show_view(view);
        imp.autostart.show_view(view);
        imp.restart_after_update.show_view(view);
    }
}

mod imp {
    use super::*;

    #[derive(CompositeTemplate, Default)]
    #[template(file = "general_page.ui")]
    pub struct GeneralPage {
        #[template_child]
        pub tray: TemplateChild<SwitchRow>,
        #[template_child]
        pub notifications: TemplateChild<SwitchRow>,
        #[template_child]
        pub autostart: TemplateChild<SwitchRow>,
        #[template_child]
        pub restart_after_update: TemplateChild<SwitchRow>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for GeneralPage {
        const NAME: &'static str = "LenscapGeneralPage";
        type Type = super::GeneralPage;
        type ParentType = adw::PreferencesPage;

        fn class_init(class: &mut Self::Class) {
            SwitchRow::ensure_type();
            class.bind_template();
        }

        fn instance_init(object: &glib::subclass::InitializingObject<Self>) {
            object.init_template();
        }
    }

    impl ObjectImpl for GeneralPage {}
    impl WidgetImpl for GeneralPage {}
    impl PreferencesPageImpl for GeneralPage {}
}
