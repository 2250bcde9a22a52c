//! The page about the camera: which one, and the shape of its picture.

use std::cell::RefCell;

use adw::prelude::*;
use adw::subclass::prelude::*;
use adw::{glib, gtk};
use gtk::CompositeTemplate;
use lenscap::i18n::{gettext, gettext_f, ngettext_f};
use lenscap::settings::key::SOURCE;

use crate::choice_row::ChoiceRow;
use crate::model::{Camera, Cameras, Key, Search, View, cameras};
use crate::preview::Preview;
use crate::radio_row::RadioRow;
use crate::switch_row::SwitchRow;

glib::wrapper! {
    /// The page.
    pub struct CameraPage(ObjectSubclass<imp::CameraPage>)
        @extends gtk::Widget, adw::PreferencesPage,
        @implements gtk::Buildable, gtk::ConstraintTarget;
}

impl CameraPage {
    /// Shows the cameras that were found, and what is set.
    pub fn show_view(&self, view: &View) {
        let imp = self.imp();
        imp.size.show_view(view);
        imp.framerate.show_view(view);
        imp.mirror.show_view(view);
        imp.upside_down.show_view(view);
        imp.show_cameras(view);
        imp.show_search(view);
    }
}

mod imp {
    use super::*;

    #[derive(CompositeTemplate, Default)]
    #[template(file = "camera_page.ui")]
    pub struct CameraPage {
        #[template_child]
        look: TemplateChild<gtk::ToggleButton>,
        #[template_child]
        preview: TemplateChild<Preview>,
        #[template_child]
        cameras: TemplateChild<adw::PreferencesGroup>,
        #[template_child]
        search: TemplateChild<gtk::Stack>,
        #[template_child]
        spinner: TemplateChild<gtk::Spinner>,
        #[template_child]
        pub size: TemplateChild<ChoiceRow>,
        #[template_child]
        pub framerate: TemplateChild<ChoiceRow>,
        #[template_child]
        pub mirror: TemplateChild<SwitchRow>,
        #[template_child]
        pub upside_down: TemplateChild<SwitchRow>,
        rows: RefCell<Vec<RadioRow>>,
        group: gtk::CheckButton,
        unusable: RefCell<(Vec<Camera>, Option<adw::ExpanderRow>)>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for CameraPage {
        const NAME: &'static str = "LenscapCameraPage";
        type Type = super::CameraPage;
        type ParentType = adw::PreferencesPage;

        fn class_init(class: &mut Self::Class) {
            ChoiceRow::ensure_type();
            Preview::ensure_type();
            SwitchRow::ensure_type();
            class.bind_template();
        }

        fn instance_init(object: &glib::subclass::InitializingObject<Self>) {
            object.init_template();
        }
    }

    impl ObjectImpl for CameraPage {
        fn constructed(&self) {
            self.parent_constructed();
            let preview = self.preview.get();
            self.look.connect_toggled(move |look| {
                if look.is_active() {
                    preview.start();
                } else {
                    preview.stop();
                }
            });
        }
    }
    impl WidgetImpl for CameraPage {}
    impl PreferencesPageImpl for CameraPage {}

    impl CameraPage {
        pub fn show_cameras(&self, view: &View) {
            let Cameras {
                usable,
                unusable,
                unusable_count,
            } = cameras(view);
            let values = |row: &RadioRow| row.value();
            let shown: Vec<_> = self.rows.borrow().iter().map(values).collect();
            // Only another list makes other rows: new ones would take the keyboard's focus away.
            let is_new = !shown.iter().eq(usable.iter().map(|camera| &camera.value));
            if is_new {
                self.replace_rows(&usable);
            }
            let current = SOURCE.get(&view.settings);
            let is_overridden = view.is_overridden(Key::One(&SOURCE));
            for (row, camera) in self.rows.borrow().iter().zip(&usable) {
                row.set_texts(&camera.title, &camera.detail);
                row.choose(camera.value == current);
                row.allow(!is_overridden);
            }
            if is_new || self.unusable.borrow().0 != unusable {
                self.replace_unusable(unusable, unusable_count);
            }
        }

        fn replace_rows(&self, cameras: &[Camera]) {
            let mut rows = self.rows.borrow_mut();
            for row in rows.drain(..) {
                self.cameras.remove(&row);
            }
            for camera in cameras {
                let row = RadioRow::new(SOURCE.id(), &camera.value);
                row.join(&self.group);
                row.add_icon(camera.icon);
                self.cameras.add(&row);
                rows.push(row);
            }
        }

        fn replace_unusable(&self, cameras: Vec<Camera>, count: usize) {
            let mut unusable = self.unusable.borrow_mut();
            if let Some(old) = unusable.1.take() {
                self.cameras.remove(&old);
            }
            if !cameras.is_empty() {
                let count = count.try_into().unwrap_or(u32::MAX);
                let expander = adw::ExpanderRow::builder()
                    .title(gettext("_Not Usable"))
                    .use_underline(true)
                    .subtitle(ngettext_f("{n} device", "{n} devices", count, &[]))
                    .build();
                for camera in &cameras {
                    expander.add_row(&excuse(camera));
                }
                self.cameras.add(&expander);
                unusable.1 = Some(expander);
            }
            unusable.0 = cameras;
        }

        pub fn show_search(&self, view: &View) {
            let is_running = view.search == Search::Running;
            self.spinner.set_spinning(is_running);
            let page = if is_running { "spinner" } else { "button" };
            self.search.set_visible_child_name(page);
            let note = match &view.search {
                _ if view.is_overridden(Key::One(&SOURCE)) => {
                    gettext("Set on Lenscap’s command line for this run")
                }
                Search::Waiting if view.report().is_some_and(|report| report.camera_open) => {
                    gettext("Other cameras are looked for when this one is off")
                }
                Search::Failed(reason) => {
                    gettext_f("Cameras cannot be listed: {reason}", &[("reason", reason)])
                }
                _ => String::new(),
            };
            let note = (!note.is_empty()).then(|| glib::markup_escape_text(&note));
            self.cameras.set_description(note.as_deref());
        }
    }

    /// A row for what can't be chosen, with the reason.
    fn excuse(camera: &Camera) -> adw::ActionRow {
        let row = adw::ActionRow::builder()
            .title(glib::markup_escape_text(&camera.title))
            .subtitle(glib::markup_escape_text(&camera.detail))
            .build();
        let icon = gtk::Image::from_icon_name("camera-disabled-symbolic");
        icon.add_css_class("dim-label");
        row.add_prefix(&icon);
        row
    }
}
