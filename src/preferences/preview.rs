//! The picture that applications see, for as long as somebody can see it here.
//!
//! A preview counts as a client and turns the camera on, so it is open only between
//! [`start`](Preview::start) and [`stop`](Preview::stop), and while the widget is on the screen.

mod channel;
mod painter;

use std::cell::{Cell, RefCell};

use adw::prelude::*;
use adw::subclass::prelude::*;
use adw::{gdk, gio, glib, gtk};
use glib::ControlFlow;
use gtk::CompositeTemplate;
use lenscap::i18n::gettext;
use lenscap::preview::Reader;
use lenscap::settings::Geometry;

use channel::Channel;
use painter::Painter;

/// Wide enough to recognise oneself, narrow enough for the smallest window.
const NATURAL_WIDTH: i32 = 480;
/// The shape of the place for the picture until the picture's own is known.
const SHAPE: (u32, u32) = (16, 9);

glib::wrapper! {
    /// The widget. It shows nothing before it is started.
    pub struct Preview(ObjectSubclass<imp::Preview>)
        @extends gtk::Widget,
        @implements gtk::Buildable, gtk::ConstraintTarget;
}

impl Default for Preview {
    fn default() -> Self {
        glib::Object::new()
    }
}

impl Preview {
    /// Looks from now on, whenever the widget is on the screen.
    pub fn start(&self) {
        self.imp().wanted.set(true);
        if self.is_mapped() {
            self.look();
        }
    }

    /// Looks no more, and forgets what was seen.
    pub fn stop(&self) {
        self.imp().wanted.set(false);
        self.look_away();
    }

    fn look(&self) {
        self.look_away();
        let widget = self.downgrade();
        let looking = glib::spawn_future_local(look(widget));
        self.imp().looking.replace(Some(looking));
    }

    fn look_away(&self) {
        if let Some(looking) = self.imp().looking.take() {
            looking.abort();
        }
        self.say("");
    }

    /// Puts words in the picture's place.
    fn say(&self, text: &str) {
        let imp = self.imp();
        imp.message.set_label(text);
        imp.stack.set_visible_child_name("message");
        imp.picture.set_paintable(gdk::Paintable::NONE);
    }

    fn show_picture(&self, picture: &gdk::Texture) {
        let imp = self.imp();
        imp.picture.set_paintable(Some(picture));
        imp.stack.set_visible_child_name("picture");
    }

    fn set_shape(&self, geometry: Geometry) {
        let shape = (geometry.width, geometry.height);
        if self.imp().shape.replace(Some(shape)) != Some(shape) {
            self.queue_resize();
        }
    }

    /// Device pixels that there are for a picture.
    fn room(&self) -> (u32, u32) {
        let pixels = |length: i32| u32::try_from(length * self.scale_factor()).unwrap_or(0);
        (pixels(self.width()), pixels(self.height()))
    }

    /// Shows the newest frame, if there is one; breaks when no more will come.
    fn show_newest(&self, reader: &mut Reader, painter: &Painter) -> ControlFlow {
        let Ok(newest) = reader.newest() else {
            return ControlFlow::Break;
        };
        if let Some(frame) = newest {
            match painter.paint(frame.bytes(), self.room()) {
                Ok(picture) => self.show_picture(&picture),
                Err(error) => tracing::warn!("a frame can't be shown: {error}"),
            }
        }
        ControlFlow::Continue
    }
}

/// Looks until it is aborted: at frames where there are any, and else for a sign that there may be.
async fn look(widget: glib::WeakRef<Preview>) {
    let say = |text: &str| {
        if let Some(widget) = widget.upgrade() {
            widget.say(text);
        }
    };
    // The plugins may have to be looked through, which takes its time.
    if !matches!(gio::spawn_blocking(gstreamer::init).await, Ok(Ok(()))) {
        return say(&gettext("GStreamer can’t be used; install it again"));
    }
    let channel = match Channel::new().await {
        Ok(channel) => channel,
        Err(error) => return say(error.message()),
    };
    loop {
        let reader = match channel.open().await {
            Ok(reader) => reader,
            Err(text) => {
                say(&text);
                channel.change().await;
                continue;
            }
        };
        let Some(painter) = Painter::new(reader.geometry()) else {
            return say(&gettext("This picture’s format can’t be shown"));
        };
        let shown = widget.clone();
        if let Some(widget) = widget.upgrade() {
            widget.set_shape(reader.geometry());
        }
        channel::read(reader, move |reader| match shown.upgrade() {
            Some(widget) => widget.show_newest(reader, &painter),
            None => ControlFlow::Break,
        })
        .await;
    }
}

mod imp {
    use adw::prelude::*;
    use adw::subclass::prelude::*;

    use super::{Cell, CompositeTemplate, NATURAL_WIDTH, RefCell, SHAPE, glib, gtk};

    #[derive(CompositeTemplate, Default)]
    #[template(file = "preview.ui")]
    pub struct Preview {
        #[template_child]
        pub stack: TemplateChild<gtk::Stack>,
        #[template_child]
        pub message: TemplateChild<gtk::Label>,
        #[template_child]
        pub picture: TemplateChild<gtk::Picture>,
        /// Whether to look whenever that makes sense.
        pub wanted: Cell<bool>,
        /// Width and height of the frames.
        pub shape: Cell<Option<(u32, u32)>>,
        /// While somebody looks.
        pub looking: RefCell<Option<glib::JoinHandle<()>>>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for Preview {
        const NAME: &'static str = "LenscapPreview";
        type Type = super::Preview;
        type ParentType = gtk::Widget;

        fn class_init(class: &mut Self::Class) {
            class.bind_template();
        }

        fn instance_init(object: &glib::subclass::InitializingObject<Self>) {
            object.init_template();
        }
    }

    impl ObjectImpl for Preview {
        fn dispose(&self) {
            self.obj().look_away();
            self.stack.unparent();
        }
    }

    impl WidgetImpl for Preview {
        fn map(&self) {
            self.parent_map();
            if self.wanted.get() {
                self.obj().look();
            }
        }

        fn unmap(&self) {
            self.obj().look_away();
            self.parent_unmap();
        }

        fn request_mode(&self) -> gtk::SizeRequestMode {
            gtk::SizeRequestMode::HeightForWidth
        }

        /// The picture's shape asks for room, not the picture: that is made to fit the room.
        fn measure(&self, orientation: gtk::Orientation, for_size: i32) -> (i32, i32, i32, i32) {
            let (least, ..) = self.message.measure(orientation, for_size);
            if orientation == gtk::Orientation::Horizontal {
                return (least, NATURAL_WIDTH.max(least), -1, -1);
            }
            let (width, height) = self.shape.get().unwrap_or(SHAPE);
            let across = if for_size < 0 {
                NATURAL_WIDTH
            } else {
                for_size
            };
            let wanted = i64::from(across) * i64::from(height) / i64::from(width.max(1));
            let wanted = i32::try_from(wanted).unwrap_or(i32::MAX).max(least);
            (wanted, wanted, -1, -1)
        }

        fn size_allocate(&self, width: i32, height: i32, baseline: i32) {
            self.stack.allocate(width, height, baseline, None);
        }
    }
}
