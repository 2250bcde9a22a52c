//! The page about the set-up: what is wrong with it, why that matters, and what mends it.

use std::cell::RefCell;

use adw::prelude::*;
use adw::subclass::prelude::*;
use adw::{glib, gtk};
use gtk::CompositeTemplate;

use crate::finding_group::FindingGroup;
use crate::model::{Finding, View, summary};

glib::wrapper! {
    /// The page.
    pub struct SetupPage(ObjectSubclass<imp::SetupPage>)
        @extends gtk::Widget, adw::PreferencesPage,
        @implements gtk::Buildable, gtk::ConstraintTarget;
}

impl SetupPage {
    /// Shows what was found.
    pub fn show_view(&self, view: &View) {
        let imp = self.imp();
        let is_running = view.checkup.is_running;
        imp.spinner.set_spinning(is_running);
        let page = if is_running { "spinner" } else { "button" };
        imp.search.set_visible_child_name(page);
        let summary = glib::markup_escape_text(&summary(&view.checkup));
        imp.summary.set_description(Some(&summary));
        imp.show_findings(view.checkup.findings());
    }
}

mod imp {
    use super::*;

    #[derive(CompositeTemplate, Default)]
    #[template(file = "setup_page.ui")]
    pub struct SetupPage {
        #[template_child]
        pub summary: TemplateChild<adw::PreferencesGroup>,
        #[template_child]
        pub search: TemplateChild<gtk::Stack>,
        #[template_child]
        pub spinner: TemplateChild<gtk::Spinner>,
        shown: RefCell<Vec<(Finding, FindingGroup)>>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for SetupPage {
        const NAME: &'static str = "LenscapSetupPage";
        type Type = super::SetupPage;
        type ParentType = adw::PreferencesPage;

        fn class_init(class: &mut Self::Class) {
            class.bind_template();
        }

        fn instance_init(object: &glib::subclass::InitializingObject<Self>) {
            object.init_template();
        }
    }

    impl SetupPage {
        pub fn show_findings(&self, findings: Vec<Finding>) {
            let mut shown = self.shown.borrow_mut();
            // Only other findings make other rows: new ones would take the keyboard's focus away.
            if shown.iter().map(|(finding, _)| finding).eq(&findings) {
                return;
            }
            let page = self.obj();
            for (_, group) in shown.drain(..) {
                page.remove(&group);
            }
            for finding in findings {
                let group = FindingGroup::new(&finding);
                page.add(&group);
                shown.push((finding, group));
            }
        }
    }

    impl ObjectImpl for SetupPage {}
    impl WidgetImpl for SetupPage {}
    impl PreferencesPageImpl for SetupPage {}
}
