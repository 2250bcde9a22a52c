//! The window: keeps the one snapshot that everything in it shows, and does what is asked for.

mod checkup;

use std::cell::{Cell, OnceCell, RefCell};
use std::path::{Path, PathBuf};

use adw::prelude::*;
use adw::subclass::prelude::*;
use adw::{gio, glib, gtk};
use glib::{Priority, VariantTy};
use gtk::CompositeTemplate;
use lenscap::config::{self, Watcher};
use lenscap::dbus::Client;
use lenscap::i18n::{gettext, gettext_f, translate};
use lenscap::report::sentence;
use lenscap::settings::key::{FRAMERATE, PLACEHOLDER};
use lenscap::stderr::say;

use crate::bar::Bar;
use crate::behaviour_page::BehaviourPage;
use crate::camera_page::CameraPage;
use crate::general_page::GeneralPage;
use crate::model::{Key, Presence, Search, View, fit_framerate};
use crate::output_page::OutputPage;
use crate::row::SET;
use crate::setup_page::SetupPage;
use crate::status_card::{PAUSE, StatusCard};
use crate::{about, applet, program, thumbnail};

/// The pages, in the order of their tabs and keys.
const PAGES: [&str; 5] = ["camera", "behaviour", "output", "general", "setup"];

glib::wrapper! {
    /// The window.
    pub struct Window(ObjectSubclass<imp::Window>)
        @extends gtk::Widget, gtk::Window, gtk::ApplicationWindow, adw::ApplicationWindow,
        @implements gtk::Buildable, gtk::ConstraintTarget, gtk::Native,
            gtk::Root, gtk::ShortcutManager, gio::ActionGroup, gio::ActionMap;
}

impl Window {
    /// A window for the config file at `path`. The applet is started with `--config` if the file
    /// was named.
    pub fn new(application: &adw::Application, path: PathBuf, is_named: bool) -> Self {
        let window: Self = glib::Object::builder()
            .property("application", application)
            .build();
        window.imp().is_named.set(is_named);
        window.watch_config(&path);
        let known = window.imp().path.set(path);
        debug_assert!(known.is_ok(), "a new window has no file yet");
        window.reload();
        window.follow_applet();
        // The first frame comes first: its priority is higher.
        let later = window.downgrade();
        glib::idle_add_local_full(Priority::LOW, move || {
            if let Some(window) = later.upgrade() {
                window.search_soon();
            }
            glib::ControlFlow::Break
        });
        window
    }

    /// Opens the window about Lenscap.
    pub fn show_about(&self) {
        about::show(self, &self.imp().view.borrow());
    }

    /// Changes the snapshot, and shows it.
    fn update(&self, change: impl FnOnce(&mut View)) {
        change(&mut self.imp().view.borrow_mut());
        self.imp().show();
    }

    fn path(&self) -> &Path {
        self.imp()
            .path
            .get()
            .map_or(Path::new(""), PathBuf::as_path)
    }

    /// Reads the config file, whoever wrote it.
    fn reload(&self) {
        let last_good = self.imp().view.borrow().settings.clone();
        let loaded = config::load(self.path(), &last_good);
        self.update(|view| {
            view.settings = loaded.settings;
            view.config_error = loaded.error;
        });
    }

    fn watch_config(&self, path: &Path) {
        let window = self.downgrade();
        let watcher = Watcher::new(path, move || {
            if let Some(window) = window.upgrade() {
                window.reload();
            }
        });
        match watcher {
            Ok(watcher) => drop(self.imp().watcher.replace(Some(watcher))),
            Err(error) => say(format_args!(
                "lenscap-preferences: what others change in {} is not seen: {error}",
                path.display()
            )),
        }
    }

    fn follow_applet(&self) {
        let window = self.downgrade();
        glib::spawn_future_local(async move {
            let weak = window.clone();
            let changed = move |presence| {
                if let Some(window) = weak.upgrade() {
                    window.applet_changed(presence);
                }
            };
            let applet = applet::follow(changed).await;
            let Some(window) = window.upgrade() else {
                return;
            };
            match applet {
                Ok(applet) => drop(window.imp().applet.replace(Some(applet))),
                Err(_) => window.applet_changed(Presence::Absent), // no bus, so no applet is on it
            }
        });
    }

    fn applet_changed(&self, presence: Presence) {
        self.update(|view| view.applet = presence);
        self.search_soon();
    }

    /// Looks for devices, unless that was done, and then at the set-up: one after the other, as both
    /// load what cameras need.
    fn search_soon(&self) {
        let view = self.imp().view.borrow();
        let may_look = view.is_quiet() && self.is_mapped() && view.search != Search::Running;
        let is_searched = view.search != Search::Waiting;
        let is_due = view.checkup.is_due(view.report().is_some());
        drop(view);
        match (may_look, is_searched) {
            (true, false) => self.search(),
            (true, true) if is_due => self.check(),
            _ => {}
        }
    }

    fn search(&self) {
        if self.imp().view.borrow().search == Search::Running {
            return;
        }
        self.update(|view| view.search = Search::Running);
        let window = self.downgrade();
        glib::spawn_future_local(async move {
            let found = program::search().await;
            if let Some(window) = window.upgrade() {
                window.update(|view| view.search = found.map_or_else(Search::Failed, Search::Done));
                window.search_soon();
            }
        });
    }

    /// Changes a setting in the config file. What then stands there is shown, whatever came of it.
    fn set(&self, key: Key, text: &str) {
        if key == Key::One(&PLACEHOLDER) && text.is_empty() {
            self.imp().show();
            self.choose_image();
            return;
        }
        let view = self.imp().view.borrow().clone();
        let mut result = Ok(());
        let edited = config::edit(self.path(), |settings| {
            result = key.write(settings, text);
            if key == Key::Size && !view.is_overridden(Key::One(&FRAMERATE)) {
                fit_framerate(view.devices(), settings);
            }
        });
        if let Err(error) = edited {
            self.toast(&sentence(&error.to_string()));
        }
        if let Err(error) = result {
            self.toast(&sentence(&translate(error.message())));
        }
        self.reload();
    }

    /// Covers the camera, or allows it. The switch goes back to what is so, and moves when the
    /// applet says that it is otherwise.
    async fn pause(&self, paused: bool) {
        self.imp().show();
        let applet = self.imp().applet.borrow().clone();
        if let Some(applet) = applet
            && let Err(reason) = applet.set_paused(paused).await
        {
            self.toast(&reason);
        }
    }

    fn start(&self) {
        self.action_set_enabled("win.start", false);
        let path = self.imp().is_named.get().then(|| self.path().to_owned());
        let window = self.downgrade();
        glib::spawn_future_local(async move {
            let ended = program::start_applet(path.as_deref()).await;
            if let Some(window) = window.upgrade() {
                window.action_set_enabled("win.start", true);
                if let Err(reason) = ended {
                    window.toast(&reason);
                }
            }
        });
    }

    /// Lets the user choose a picture for the placeholder, and takes one that can be shown.
    fn choose_image(&self) {
        let filter = gtk::FileFilter::new();
        filter.set_name(Some(&gettext("Pictures")));
        for kind in ["image/png", "image/jpeg", "image/webp"] {
            filter.add_mime_type(kind);
        }
        let chooser = gtk::FileChooserNative::builder()
            .title(gettext("Choose a Picture"))
            .transient_for(self)
            .modal(true)
            .action(gtk::FileChooserAction::Open)
            .accept_label(gettext("_Choose"))
            .build();
        chooser.add_filter(&filter);
        let window = self.downgrade();
        glib::spawn_future_local(async move {
            let response = chooser.run_future().await;
            let path = chooser.file().and_then(|file| file.path());
            if let (gtk::ResponseType::Accept, Some(path), Some(window)) =
                (response, path, window.upgrade())
            {
                window.take_image(path).await;
            }
        });
    }

    async fn take_image(&self, path: PathBuf) {
        match thumbnail::load(path.clone()).await {
            Ok(_) => self.set(Key::One(&PLACEHOLDER), &path.to_string_lossy()),
            Err(reason) => self.toast(&gettext_f(
                "This picture cannot be shown: {reason}",
                &[("reason", &reason)],
            )),
        }
    }

    fn show_keys(&self) {
        let builder = gtk::Builder::from_string(include_str!("keys.ui"));
        if let Some(keys) = builder.object::<gtk::ShortcutsWindow>("keys") {
            keys.set_transient_for(Some(self));
            keys.present();
        }
    }

    fn toast(&self, text: &str) {
        let toast = adw::Toast::new(&glib::markup_escape_text(text));
        self.imp().toasts.add_toast(toast);
    }
}

mod imp {
    use super::*;

    #[derive(CompositeTemplate, Default)]
    #[template(file = "window.ui")]
    pub struct Window {
        #[template_child]
        pub toasts: TemplateChild<adw::ToastOverlay>,
        #[template_child]
        switcher: TemplateChild<adw::ViewSwitcherTitle>,
        #[template_child]
        switcher_bar: TemplateChild<adw::ViewSwitcherBar>,
        #[template_child]
        absence: TemplateChild<Bar>,
        #[template_child]
        trouble: TemplateChild<Bar>,
        #[template_child]
        card: TemplateChild<StatusCard>,
        #[template_child]
        pub stack: TemplateChild<adw::ViewStack>,
        #[template_child]
        camera_page: TemplateChild<CameraPage>,
        #[template_child]
        behaviour_page: TemplateChild<BehaviourPage>,
        #[template_child]
        output_page: TemplateChild<OutputPage>,
        #[template_child]
        general_page: TemplateChild<GeneralPage>,
        #[template_child]
        setup: TemplateChild<adw::ViewStackPage>,
        #[template_child]
        setup_page: TemplateChild<SetupPage>,
        pub view: RefCell<View>,
        pub path: OnceCell<PathBuf>,
        pub is_named: Cell<bool>,
        pub watcher: RefCell<Option<Watcher>>,
        pub applet: RefCell<Option<Client>>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for Window {
        const NAME: &'static str = "LenscapWindow";
        type Type = super::Window;
        type ParentType = adw::ApplicationWindow;

        fn class_init(class: &mut Self::Class) {
            Bar::ensure_type();
            StatusCard::ensure_type();
            CameraPage::ensure_type();
            BehaviourPage::ensure_type();
            OutputPage::ensure_type();
            GeneralPage::ensure_type();
            SetupPage::ensure_type();
            class.bind_template();
            install_actions(class);
        }

        fn instance_init(object: &glib::subclass::InitializingObject<Self>) {
            object.init_template();
        }
    }

    fn install_actions(class: &mut <Window as ObjectSubclass>::Class) {
        let text_pair = VariantTy::new("(ss)").ok();
        class.install_action(SET, text_pair, |window, _, value| {
            let value = value.and_then(glib::Variant::get::<(String, String)>);
            let Some((Some(key), text)) = value.map(|(key, text)| (Key::named(&key), text)) else {
                return;
            };
            // Later: a row must not be shown anew from within its own signal.
            let window = window.downgrade();
            glib::spawn_future_local(async move {
                if let Some(window) = window.upgrade() {
                    window.set(key, &text);
                }
            });
        });
        class.install_action(PAUSE, Some(VariantTy::BOOLEAN), |window, _, paused| {
            let paused = paused.and_then(glib::Variant::get).unwrap_or(true);
            let window = window.clone();
            glib::spawn_future_local(async move { window.pause(paused).await });
        });
        class.install_action("win.page", Some(VariantTy::INT32), |window, _, number| {
            let number = number.and_then(glib::Variant::get::<i32>).unwrap_or(0);
            let page = usize::try_from(number).ok().and_then(|at| PAGES.get(at));
            if let Some(page) = page {
                window.imp().stack.set_visible_child_name(page);
            }
        });
        class.install_action("win.start", None, |window, _, _| window.start());
        class.install_action("win.search", None, |window, _, _| window.search());
        class.install_action("win.show-setup", None, |window, _, _| {
            window.imp().stack.set_visible_child_name("setup");
            if window.imp().view.borrow().is_quiet() {
                window.check();
            }
        });
        class.install_action("win.check", None, |window, _, _| window.check());
        class.install_action("win.mend", Some(VariantTy::STRING), |window, _, action| {
            window.mend(&text(action));
        });
        class.install_action("win.copy", Some(VariantTy::STRING), |window, _, command| {
            window.copy(&text(command));
        });
        class.install_action("win.choose-image", None, |window, _, _| {
            window.choose_image();
        });
        class.install_action("win.keys", None, |window, _, _| window.show_keys());
        class.install_action("win.about", None, |window, _, _| window.show_about());
    }

    fn text(value: Option<&glib::Variant>) -> String {
        value.and_then(glib::Variant::get).unwrap_or_default()
    }

    impl Window {
        pub fn show(&self) {
            let view = self.view.borrow();
            let is_absent = view.applet == Presence::Absent;
            let absence = gettext("Lenscap is not running");
            self.absence.say(is_absent.then_some(&*absence));
            self.trouble.say(view.trouble().as_deref());
            self.card.show_view(&view);
            self.camera_page.show_view(&view);
            self.behaviour_page.show_view(&view);
            self.output_page.show_view(&view);
            self.general_page.show_view(&view);
            self.setup_page.show_view(&view);
            let problems = view.checkup.problems().unwrap_or_default();
            self.setup.set_badge_number(problems);
            self.setup.set_needs_attention(problems > 0);
        }
    }

    impl ObjectImpl for Window {
        fn constructed(&self) {
            self.parent_constructed();
            // The tabs go to the bottom where the top is too narrow. That is found out while widgets
            // get their sizes, which is too late for the bar to get one: it waits for the next turn.
            let bar = self.switcher_bar.downgrade();
            self.switcher.connect_title_visible_notify(move |switcher| {
                let (bar, is_narrow) = (bar.clone(), switcher.is_title_visible());
                glib::idle_add_local_once(move || {
                    if let Some(bar) = bar.upgrade() {
                        bar.set_reveal(is_narrow);
                    }
                });
            });
        }
    }
    impl WidgetImpl for Window {}
    impl WindowImpl for Window {}
    impl ApplicationWindowImpl for Window {}
    impl AdwApplicationWindowImpl for Window {}
}
