//! The page about what Lenscap does by itself: its delays, what covers the camera, and the placeholder.

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use adw::prelude::*;
use adw::subclass::prelude::*;
use adw::{gdk, glib, gtk};
use gtk::CompositeTemplate;
use lenscap::i18n::{gettext, gettext_f};
use lenscap::settings::PlaceholderSpec;
use lenscap::settings::key::PLACEHOLDER;

use crate::choice_row::ChoiceRow;
use crate::model::View;
use crate::radio_row::RadioRow;
use crate::switch_row::SwitchRow;
use crate::thumbnail;

glib::wrapper! {
    /// The page.
    pub struct BehaviourPage(ObjectSubclass<imp::BehaviourPage>)
        @extends gtk::Widget, adw::PreferencesPage,
        @implements gtk::Buildable, gtk::ConstraintTarget;
}

impl BehaviourPage {
    /// Shows what is set.
    pub fn show_view(&self, view: &View) {
        let imp = self.imp();
        imp.activation.show_view(view);
        imp.cooldown.show_view(view);
        imp.cover_when_locked.show_view(view);
        if let PlaceholderSpec::Image(path) = &view.settings.output.placeholder {
            imp.show_image(path);
        }
        let current = PLACEHOLDER.get(&view.settings);
        for row in [&imp.card, &imp.black, &imp.image] {
            row.choose(row.value() == current);
        }
    }
}

mod imp {
    use super::*;

    #[derive(CompositeTemplate, Default)]
    #[template(file = "behaviour_page.ui")]
    pub struct BehaviourPage {
        #[template_child]
        pub activation: TemplateChild<ChoiceRow>,
        #[template_child]
        pub cooldown: TemplateChild<ChoiceRow>,
        #[template_child]
        pub cover_when_locked: TemplateChild<SwitchRow>,
        #[template_child]
        pub card: TemplateChild<RadioRow>,
        #[template_child]
        pub black: TemplateChild<RadioRow>,
        #[template_child]
        pub image: TemplateChild<RadioRow>,
        group: gtk::CheckButton,
        thumbnail: gtk::Stack,
        /// The picture that the thumbnail is of. It is kept while another placeholder is set, so
        /// that going back is one step.
        shown: RefCell<Option<PathBuf>>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for BehaviourPage {
        const NAME: &'static str = "LenscapBehaviourPage";
        type Type = super::BehaviourPage;
        type ParentType = adw::PreferencesPage;

        fn class_init(class: &mut Self::Class) {
            ChoiceRow::ensure_type();
            RadioRow::ensure_type();
            SwitchRow::ensure_type();
            class.bind_template();
        }

        fn instance_init(object: &glib::subclass::InitializingObject<Self>) {
            object.init_template();
        }
    }

    impl ObjectImpl for BehaviourPage {
        fn constructed(&self) {
            self.parent_constructed();
            for row in [&self.card, &self.black, &self.image] {
                row.join(&self.group);
            }
            self.card.set_texts(
                &gettext("Card"),
                &gettext("Says in plain words why there is no picture"),
            );
            self.black
                .set_texts(&gettext("Black"), &gettext("Nothing at all"));
            self.image
                .set_texts(&gettext("Your Own Picture"), &gettext("PNG, JPEG or WebP"));
            let symbol = gtk::Image::from_icon_name("camera-disabled-symbolic");
            self.card.add_picture(&frame(&symbol, "card"));
            self.black.add_picture(&frame(&gtk::Image::new(), "black"));
            self.image.add_picture(&frame(&self.thumbnail, "own"));
            self.show_thumbnail(None);
        }
    }
    impl WidgetImpl for BehaviourPage {}
    impl PreferencesPageImpl for BehaviourPage {}

    impl BehaviourPage {
        fn show_thumbnail(&self, picture: Option<&gdk::Paintable>) {
            let child: gtk::Widget = match picture {
                Some(picture) => gtk::Picture::for_paintable(picture).upcast(),
                None => gtk::Image::from_icon_name("image-x-generic-symbolic").upcast(),
            };
            if let Some(old) = self.thumbnail.visible_child() {
                self.thumbnail.remove(&old);
            }
            self.thumbnail.add_child(&child);
        }

        /// Shows a small version of the picture, as soon as it is loaded.
        pub fn show_image(&self, path: &Path) {
            if self.shown.borrow().as_deref() == Some(path) {
                return;
            }
            self.shown.replace(Some(path.to_owned()));
            self.image.set_value(path.to_string_lossy());
            let name = path.file_name().unwrap_or(path.as_os_str());
            let title = gettext("Your Own Picture");
            self.image.set_texts(&title, &name.to_string_lossy());
            let (page, path) = (self.obj().downgrade(), path.to_owned());
            glib::spawn_future_local(async move {
                let loaded = thumbnail::load(path.clone()).await;
                let Some(page) = page.upgrade() else { return };
                let imp = page.imp();
                if imp.shown.borrow().as_ref() != Some(&path) {
                    return; // another one was chosen meanwhile
                }
                if let Err(reason) = &loaded {
                    let reason = gettext_f("Cannot be shown: {reason}", &[("reason", reason)]);
                    imp.image.set_texts(&title, &reason);
                }
                imp.show_thumbnail(loaded.ok().as_ref());
            });
        }
    }

    /// A small screen with something on it; eyes alone need it.
    fn frame(child: &impl IsA<gtk::Widget>, class: &str) -> gtk::Widget {
        child.set_hexpand(true);
        child.set_vexpand(true);
        let frame = gtk::Box::builder()
            .accessible_role(gtk::AccessibleRole::Presentation)
            .overflow(gtk::Overflow::Hidden)
            .hexpand(false)
            .valign(gtk::Align::Center)
            .css_classes(["thumbnail", class])
            .build();
        frame.append(child);
        frame.upcast()
    }
}
