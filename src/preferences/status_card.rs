//! The card at the top of the window: what the camera does, and the switch that covers it.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use adw::prelude::*;
use adw::subclass::prelude::*;
use adw::{glib, gtk};
use glib::{Propagation, SourceId};
use gtk::CompositeTemplate;
use jiff::Timestamp;

use crate::model::{Card, Tone, View};

/// The window's action that covers the camera, or allows it.
pub const PAUSE: &str = "win.pause";

/// How often "for 5 minutes" is looked at again: its unit.
const MINUTE: Duration = Duration::from_secs(60);

glib::wrapper! {
    /// The card.
    pub struct StatusCard(ObjectSubclass<imp::StatusCard>)
        @extends gtk::Widget, adw::Bin,
        @implements gtk::Buildable, gtk::ConstraintTarget;
}

impl StatusCard {
    /// Shows what the camera does, and goes on counting the minutes that it does.
    pub fn show_view(&self, view: &View) {
        self.imp().view.replace(view.clone());
        self.imp().show();
    }
}

mod imp {
    use super::*;

    #[derive(CompositeTemplate, Default)]
    #[template(file = "status_card.ui")]
    pub struct StatusCard {
        #[template_child]
        state: TemplateChild<adw::ActionRow>,
        #[template_child]
        icon: TemplateChild<gtk::Image>,
        #[template_child]
        allow: TemplateChild<adw::ActionRow>,
        #[template_child]
        switch: TemplateChild<gtk::Switch>,
        pub view: RefCell<View>,
        /// Whether the switch moves because the camera's state did.
        is_showing: Cell<bool>,
        clock: RefCell<Option<SourceId>>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for StatusCard {
        const NAME: &'static str = "LenscapStatusCard";
        type Type = super::StatusCard;
        type ParentType = adw::Bin;

        fn class_init(class: &mut Self::Class) {
            class.bind_template();
        }

        fn instance_init(object: &glib::subclass::InitializingObject<Self>) {
            object.init_template();
        }
    }

    impl ObjectImpl for StatusCard {
        fn constructed(&self) {
            self.parent_constructed();
            let weak = self.obj().downgrade();
            self.switch.connect_state_set(move |_, allowed| {
                if let Some(card) = weak.upgrade() {
                    card.imp().ask(allowed);
                }
                Propagation::Stop
            });
        }
    }

    impl StatusCard {
        pub fn show(&self) {
            let card = Card::new(&self.view.borrow(), Timestamp::now());
            self.state.set_title(&glib::markup_escape_text(&card.title));
            self.state
                .set_subtitle(&glib::markup_escape_text(&card.detail));
            self.icon.set_icon_name(Some(card.tone.icon()));
            for tone in [Tone::Off, Tone::On, Tone::Covered, Tone::Trouble] {
                self.icon.remove_css_class(tone.class());
            }
            self.icon.add_css_class(card.tone.class());
            self.is_showing.set(true);
            self.allow.set_sensitive(card.allowed.is_some());
            self.switch.set_sensitive(card.allowed.is_some());
            self.switch.set_state(card.allowed.unwrap_or(false));
            self.switch.set_active(card.allowed.unwrap_or(false));
            self.is_showing.set(false);
        }

        fn ask(&self, allowed: bool) {
            if !self.is_showing.get() {
                let pause = (!allowed).to_variant();
                let asked = self.obj().activate_action(PAUSE, Some(&pause));
                debug_assert!(asked.is_ok(), "the card lives in a window");
            }
        }
    }

    impl WidgetImpl for StatusCard {
        fn map(&self) {
            self.parent_map();
            self.show();
            let weak = self.obj().downgrade();
            let clock = glib::timeout_add_local(MINUTE, move || match weak.upgrade() {
                Some(card) => {
                    card.imp().show();
                    glib::ControlFlow::Continue
                }
                None => glib::ControlFlow::Break,
            });
            self.clock.replace(Some(clock));
        }

        fn unmap(&self) {
            if let Some(clock) = self.clock.take() {
                clock.remove();
            }
            self.parent_unmap();
        }
    }
    impl BinImpl for StatusCard {}
}
