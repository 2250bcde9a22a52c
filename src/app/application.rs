//! The `gio::Application`: one instance a session bus, and the object that others talk to.

use std::cell::{OnceCell, RefCell};
use std::rc::Rc;

use gio::prelude::*;
use gio::subclass::prelude::*;
use gio::{Cancellable, DBusCallFlags, DBusConnection};
use glib::SignalHandlerId;
use glib::thread_guard::ThreadGuard;

use super::Applet;
use crate::dbus::{self, Service};
use crate::name_watch::{BUS, BUS_PATH};

glib::wrapper! {
    /// The application; it owns nothing but its place on the bus.
    pub struct Application(ObjectSubclass<imp::Application>)
        @extends gio::Application,
        @implements gio::ActionGroup, gio::ActionMap;
}

impl Application {
    /// An application that speaks for this applet.
    pub fn new(applet: &Rc<Applet>) -> Self {
        let application: Self = glib::Object::builder()
            .property("application-id", dbus::NAME)
            .build();
        let known = application.imp().applet.set(applet.clone());
        debug_assert!(known.is_ok(), "a new object has no applet yet");
        application
    }

    /// The object on the bus, where there is a bus.
    pub fn service(&self) -> std::cell::Ref<'_, Option<Service>> {
        self.imp().service.borrow()
    }
}

/// Gives the name up, and returns when the bus has taken it back: a start that waits for this
/// process's end is to find it free. GIO doesn't wait for that.
fn release_name(connection: &DBusConnection) {
    let released = connection.call_sync(
        Some(BUS),
        BUS_PATH,
        BUS,
        "ReleaseName",
        Some(&(dbus::NAME,).to_variant()),
        None,
        DBusCallFlags::NONE,
        dbus::CALL_TIMEOUT_MS,
        Cancellable::NONE,
    );
    if let Err(error) = released {
        tracing::debug!("the name stays on the bus until the connection ends: {error}");
    }
}

mod imp {
    use super::{
        ApplicationImpl, ApplicationImplExt, DBusConnection, ObjectExt, ObjectImpl, ObjectSubclass,
        ObjectSubclassExt, OnceCell, Rc, RefCell, Service, SignalHandlerId, ThreadGuard,
    };
    use crate::app::Applet;

    #[derive(Default)]
    pub struct Application {
        pub applet: OnceCell<Rc<Applet>>,
        pub service: RefCell<Option<Service>>,
        /// The handler of the connection's end.
        closed: RefCell<Option<SignalHandlerId>>,
        /// `run` activates the first instance, too; only later ones mean a second start.
        started: std::cell::Cell<bool>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for Application {
        const NAME: &'static str = "LenscapApplication";
        type Type = super::Application;
        type ParentType = gio::Application;
    }

    impl ObjectImpl for Application {}

    impl ApplicationImpl for Application {
        fn activate(&self) {
            let Some(applet) = self.applet.get() else {
                return;
            };
            if self.started.replace(true) {
                if applet.life.quitting.get() {
                    return; // the other process waits for our end, and then starts
                }
                if let Err(reason) = applet.show_preferences() {
                    tracing::warn!("{reason}");
                }
            } else {
                applet.start(&self.obj());
            }
        }

        /// Called before the name is taken, so that a process that sees the name also finds the object.
        fn dbus_register(
            &self,
            connection: &DBusConnection,
            path: &str,
        ) -> Result<(), glib::Error> {
            self.parent_dbus_register(connection, path)?;
            // The bus may die under a running call; the picture must not.
            connection.set_exit_on_close(false);
            let Some(applet) = self.applet.get() else {
                return Ok(());
            };
            let closed = ThreadGuard::new(Rc::downgrade(applet));
            self.closed
                .replace(Some(connection.connect_closed(move |_, _, _| {
                    if let Some(applet) = closed.get_ref().upgrade() {
                        applet.bus_is_gone();
                    }
                })));
            let (reported, requested, shown) = (applet.clone(), applet.clone(), applet.clone());
            let service = Service::export(
                connection,
                move |with_stats| reported.report(with_stats),
                move |request| requested.request(request),
                move |caller| shown.open_preview_for(caller),
            )?;
            self.service.replace(Some(service));
            Ok(())
        }

        fn dbus_unregister(&self, connection: &DBusConnection, path: &str) {
            self.service.replace(None);
            // The connection may be freed on GIO's own thread, where the closure must not be.
            if let Some(closed) = self.closed.take() {
                connection.disconnect(closed);
            }
            self.parent_dbus_unregister(connection, path);
            super::release_name(connection);
        }
    }
}
