//! The page about the virtual camera.

use std::cell::RefCell;

use adw::prelude::*;
use adw::subclass::prelude::*;
use adw::{glib, gtk};
use gtk::CompositeTemplate;
use lenscap::i18n::gettext;

use crate::choice_row::ChoiceRow;
use crate::model::{View, picture};

glib::wrapper! {
    /// The page.
    pub struct OutputPage(ObjectSubclass<imp::OutputPage>)
        @extends gtk::Widget, adw::PreferencesPage,
        @implements gtk::Buildable, gtk::ConstraintTarget;
}

impl OutputPage {
    /// Shows what is there, and what is set.
    pub fn show_view(&self, view: &View) {
        let imp = self.imp();
        imp.kind.show_view(view);
        imp.device.show_view(view);
        imp.format.show_view(view);
        imp.show_outputs(view);
    }
}

mod imp {
    use super::*;

    #[derive(CompositeTemplate, Default)]
    #[template(file = "output_page.ui")]
    pub struct OutputPage {
        #[template_child]
        now: TemplateChild<adw::PreferencesGroup>,
        #[template_child]
        pub kind: TemplateChild<ChoiceRow>,
        #[template_child]
        pub device: TemplateChild<ChoiceRow>,
        #[template_child]
        pub format: TemplateChild<ChoiceRow>,
        rows: RefCell<Vec<adw::ActionRow>>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for OutputPage {
        const NAME: &'static str = "LenscapOutputPage";
        type Type = super::OutputPage;
        type ParentType = adw::PreferencesPage;

        fn class_init(class: &mut Self::Class) {
            ChoiceRow::ensure_type();
            class.bind_template();
        }

        fn instance_init(object: &glib::subclass::InitializingObject<Self>) {
            object.init_template();
        }
    }

    impl ObjectImpl for OutputPage {}
    impl WidgetImpl for OutputPage {}
    impl PreferencesPageImpl for OutputPage {}

    impl OutputPage {
        /// A row for each virtual camera that is there, or one that says that there is none.
        pub fn show_outputs(&self, view: &View) {
            let outputs = view.report().map_or(&[][..], |report| &report.outputs);
            let texts: Vec<_> = if outputs.is_empty() {
                let none = gettext("There is none while Lenscap does not run or has no device");
                vec![(gettext("No virtual camera"), none)]
            } else {
                let texts = outputs.iter();
                texts
                    .map(|output| {
                        let place = format!("{}\n{}", output.device, picture(output));
                        (output.name.clone(), place)
                    })
                    .collect()
            };
            let mut rows = self.rows.borrow_mut();
            while rows.len() > texts.len() {
                if let Some(row) = rows.pop() {
                    self.now.remove(&row);
                }
            }
            while rows.len() < texts.len() {
                let row = adw::ActionRow::builder().subtitle_lines(0).build();
                let icon = gtk::Image::from_icon_name("camera-video-symbolic");
                row.add_prefix(&icon);
                self.now.add(&row);
                rows.push(row);
            }
            for (row, (title, detail)) in rows.iter().zip(&texts) {
                row.set_title(&glib::markup_escape_text(title));
                row.set_subtitle(&glib::markup_escape_text(detail));
            }
        }
    }
}
