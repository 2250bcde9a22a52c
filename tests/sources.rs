//! Sources as workers build them, with a fake `icamerasrc` and a fake libcamera.

use std::sync::{Mutex, MutexGuard, PoisonError};

use gstreamer::{self as gst, glib, prelude::*};
use gstreamer_app::AppSink;
use lenscap::relay::FaultKind;
use lenscap::settings::SourceSpec;
use lenscap::source::{self, Wanted};

/// An element with the properties of Intel's `icamerasrc` around a test picture.
#[expect(missing_docs)] // the derived accessors
mod stand_in {
    use std::sync::Mutex;

    use gstreamer::{glib, prelude::*, subclass::prelude::*};

    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, glib::Enum)]
    #[enum_type(name = "StandInDeviceName")]
    pub enum DeviceName {
        #[default]
        #[enum_value(name = "Front camera", nick = "ov02c10-uf")]
        Front,
        #[enum_value(name = "World camera", nick = "ov08x40-wf")]
        World,
    }

    #[derive(Default, glib::Properties)]
    #[properties(wrapper_type = super::StandIn)]
    pub struct StandIn {
        #[property(get, set, builder(DeviceName::Front))]
        device_name: Mutex<DeviceName>,
        #[property(get, set, minimum = 2, maximum = 6, default = 6)]
        buffer_count: Mutex<i32>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for StandIn {
        const NAME: &'static str = "StandIn";
        type Type = super::StandIn;
        type ParentType = gstreamer::Bin;
    }

    #[glib::derived_properties]
    impl ObjectImpl for StandIn {
        fn constructed(&self) {
            self.parent_constructed();
            let picture = gstreamer::ElementFactory::make("videotestsrc")
                .build()
                .expect("videotestsrc");
            let pad = picture.static_pad("src").expect("a pad");
            self.obj().add(&picture).expect("added");
            let pad = gstreamer::GhostPad::with_target(&pad).expect("a ghost");
            self.obj().add_pad(&pad).expect("added");
        }
    }
    impl GstObjectImpl for StandIn {}
    impl ElementImpl for StandIn {}
    impl BinImpl for StandIn {}
}

glib::wrapper! {
    /// The element.
    pub struct StandIn(ObjectSubclass<stand_in::StandIn>)
        @extends gst::Bin, gst::Element, gst::Object;
}

/// libcamera's element around a test picture, and its list of cameras.
#[expect(missing_docs)] // the derived accessors
mod libcamera {
    use std::sync::{LazyLock, Mutex};

    use gstreamer::{
        glib,
        prelude::*,
        subclass::{DeviceProviderMetadata, prelude::*},
    };

    pub const IDS: [&str; 3] = [
        r"\_SB_.PC00.LNK1",
        r"\_SB_.PC00.XHCI.RHUB.HS06-6:1.0-0bda:5532",
        r"\_SB_.PC00.LNK2",
    ];

    #[derive(Default, glib::Properties)]
    #[properties(wrapper_type = super::LibcameraSource)]
    pub struct Source {
        #[property(get, set)]
        camera_name: Mutex<Option<String>>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for Source {
        const NAME: &'static str = "LibcameraStandIn";
        type Type = super::LibcameraSource;
        type ParentType = gstreamer::Bin;
    }

    #[glib::derived_properties]
    impl ObjectImpl for Source {
        /// A sensor with one size, different from the requested one.
        fn constructed(&self) {
            self.parent_constructed();
            let picture = "videotestsrc ! video/x-raw,format=BGRx,width=400,height=200,framerate=30/1 \
                           ! identity";
            let picture = gstreamer::parse::bin_from_description(picture, true).expect("a bin");
            let pad = picture.static_pad("src").expect("a pad");
            self.obj().add(&picture).expect("added");
            let pad = gstreamer::GhostPad::with_target(&pad).expect("a ghost");
            self.obj().add_pad(&pad).expect("added");
        }
    }
    impl GstObjectImpl for Source {}
    impl ElementImpl for Source {}
    impl BinImpl for Source {}

    #[derive(Default)]
    pub struct Camera;

    #[glib::object_subclass]
    impl ObjectSubclass for Camera {
        const NAME: &'static str = "LibcameraCamera";
        type Type = super::LibcameraCamera;
        type ParentType = gstreamer::Device;
    }
    impl ObjectImpl for Camera {}
    impl GstObjectImpl for Camera {}
    impl DeviceImpl for Camera {}

    #[derive(Default)]
    pub struct Provider;

    #[glib::object_subclass]
    impl ObjectSubclass for Provider {
        const NAME: &'static str = "LibcameraProvider";
        type Type = super::LibcameraProvider;
        type ParentType = gstreamer::DeviceProvider;
    }
    impl ObjectImpl for Provider {}
    impl GstObjectImpl for Provider {}
    impl DeviceProviderImpl for Provider {
        /// A provider that lacks any of this is not registered.
        fn metadata() -> Option<&'static DeviceProviderMetadata> {
            static METADATA: LazyLock<DeviceProviderMetadata> = LazyLock::new(|| {
                DeviceProviderMetadata::new("Cameras", "Source/Video", "A list", "Lenscap")
            });
            Some(&METADATA)
        }

        fn probe(&self) -> Vec<gstreamer::Device> {
            let caps: gstreamer::Caps = "video/x-raw,format=NV12,width=[2,1280],height=[2,720]"
                .parse()
                .expect("caps");
            let camera = |id| {
                let camera: super::LibcameraCamera = glib::Object::builder()
                    .property("display-name", id)
                    .property("device-class", "Source/Video")
                    .property("caps", &caps)
                    .build();
                camera.upcast()
            };
            IDS.map(camera).into()
        }
    }
}

glib::wrapper! {
    /// The element.
    pub struct LibcameraSource(ObjectSubclass<libcamera::Source>)
        @extends gst::Bin, gst::Element, gst::Object;
}

glib::wrapper! {
    /// A camera in the list.
    pub struct LibcameraCamera(ObjectSubclass<libcamera::Camera>) @extends gst::Device, gst::Object;
}

glib::wrapper! {
    /// The list.
    pub struct LibcameraProvider(ObjectSubclass<libcamera::Provider>)
        @extends gst::DeviceProvider, gst::Object;
}

const WANTED: Wanted = Wanted {
    width: 320,
    height: 240,
    framerate: 30,
    buffer_count: 7,
};

/// The registry is the process's own, so the tests take turns.
static REGISTRY: Mutex<()> = Mutex::new(());

/// Stand-ins that are registered for one test.
struct Registered {
    features: Vec<gst::PluginFeature>,
    _turn: MutexGuard<'static, ()>,
}

impl Registered {
    fn nothing() -> Self {
        let turn = REGISTRY.lock().unwrap_or_else(PoisonError::into_inner);
        gst::init().expect("GStreamer");
        Self {
            features: Vec::new(),
            _turn: turn,
        }
    }

    fn icamerasrc() -> Self {
        Self::nothing().and_icamerasrc()
    }

    fn libcamera() -> Self {
        let list = "libcameraprovider";
        let this = Self::nothing().and_element("libcamerasrc", LibcameraSource::static_type());
        gst::DeviceProvider::register(
            None,
            list,
            gst::Rank::NONE,
            LibcameraProvider::static_type(),
        )
        .expect("registered");
        this.and_feature(list, gst::DeviceProviderFactory::static_type())
    }

    fn and_icamerasrc(self) -> Self {
        self.and_element("icamerasrc", StandIn::static_type())
    }

    fn and_element(self, name: &str, element: glib::Type) -> Self {
        gst::Element::register(None, name, gst::Rank::NONE, element).expect("registered");
        self.and_feature(name, gst::ElementFactory::static_type())
    }

    fn and_feature(mut self, name: &str, kind: glib::Type) -> Self {
        let feature = gst::Registry::get().find_feature(name, kind);
        self.features.push(feature.expect("registered"));
        self
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        for feature in &self.features {
            gst::Registry::get().remove_feature(feature);
        }
    }
}

fn spec(text: &str) -> SourceSpec {
    text.parse().expect("a source")
}

/// A frame from the source after the worker's converter.
fn first_frame(source: &gst::Element) -> gstreamer_video::VideoInfo {
    let convert = gst::ElementFactory::make("videoconvert")
        .build()
        .expect("videoconvert");
    let sink = AppSink::builder().sync(false).build();
    let pipeline = gst::Pipeline::new();
    let chain = [source, &convert, sink.upcast_ref()];
    pipeline.add_many(chain).expect("added");
    gst::Element::link_many(chain).expect("linked");
    pipeline.set_state(gst::State::Playing).expect("playing");
    let sample = sink
        .try_pull_sample(gst::ClockTime::from_seconds(10))
        .expect("a frame");
    pipeline.set_state(gst::State::Null).expect("stopped");
    gstreamer_video::VideoInfo::from_caps(sample.caps().expect("caps")).expect("raw video")
}

#[test]
fn every_camera_of_the_hal_is_found() {
    let _stand_ins = Registered::icamerasrc();
    let found = source::find_all();
    let cameras = found.iter().filter(|found| found.kind == "icamerasrc");
    let cameras: Vec<_> = cameras.map(|found| (&*found.spec, &*found.name)).collect();
    assert_eq!(
        cameras,
        [
            ("icamerasrc:ov02c10-uf", "Front camera"),
            ("icamerasrc:ov08x40-wf", "World camera"),
        ]
    );
    let auto = source::check(&SourceSpec::Auto).expect("a camera");
    assert_eq!(auto.spec, "icamerasrc:ov02c10-uf");
}

#[test]
fn cameras_of_libcamera_are_found() {
    let _stand_ins = Registered::libcamera();
    let found = source::find_all();
    let cameras: Vec<_> = found.iter().filter(|one| one.kind == "libcamera").collect();
    let ids: Vec<_> = cameras.iter().map(|camera| &*camera.id).collect();
    assert_eq!(ids, libcamera::IDS.map(|id| format!("libcamera:{id}")));
    assert_eq!(cameras[0].name, "Built-in camera LNK1");
    let sizes: Vec<_> = cameras[0].modes.iter().map(|mode| mode.width).collect();
    assert_eq!(sizes, [1280, 800, 640, 640]);
    // Built-in cameras come first.
    assert_eq!(source::best(&found).expect("a camera").id, cameras[0].id);

    let second = source::check(&spec(ids[2])).expect("a camera");
    assert_eq!(second.name, "Built-in camera LNK2");
    let fault = source::check(&spec("libcamera:LNK3")).expect_err("unknown");
    assert_eq!(fault.kind, FaultKind::NoCamera);
}

/// Exactly the named camera, scaled to the requested size.
#[test]
fn a_camera_of_libcamera_is_shown() {
    let _stand_ins = Registered::libcamera();
    let name = format!("libcamera:{}", libcamera::IDS[2]);
    let source = source::build(&spec(&name), &WANTED).expect("a source");
    let bin = source.downcast_ref::<gst::Bin>().expect("a bin");
    let children = bin.children();
    let camera = children
        .iter()
        .find_map(|child| child.downcast_ref::<LibcameraSource>());
    let camera = camera.expect("the stand-in");
    assert_eq!(camera.camera_name().as_deref(), Some(libcamera::IDS[2]));
    let info = first_frame(&source);
    assert_eq!((info.width(), info.height()), (320, 240));
    assert_eq!(info.par(), gst::Fraction::new(1, 1));
}

/// A sensor of both Intel's software and libcamera is one camera.
#[test]
fn a_sensor_is_listed_once() {
    let _stand_ins = Registered::libcamera().and_icamerasrc();
    let found = source::find_all();
    let usable = found.iter().filter(|one| one.problem.is_none());
    let specs: Vec<_> = usable.map(|one| &*one.spec).collect();
    assert_eq!(
        specs,
        [
            "icamerasrc:ov02c10-uf",
            "icamerasrc:ov08x40-wf",
            &format!("libcamera:{}", libcamera::IDS[1]),
        ]
    );
}

#[test]
fn exactly_the_named_camera_is_chosen() {
    let _stand_ins = Registered::icamerasrc();
    let bin = source::build(&spec("icamerasrc:ov08x40-wf"), &WANTED).expect("a source");
    let bin = bin.downcast::<gst::Bin>().expect("a bin");
    let children = bin.children();
    let camera = children
        .iter()
        .find_map(|child| child.downcast_ref::<StandIn>());
    let camera = camera.expect("the stand-in");
    assert_eq!(camera.device_name(), stand_in::DeviceName::World);
    assert_eq!(camera.buffer_count(), 6, "the most that it takes");

    for fault in [
        source::build(&spec("icamerasrc:webcam"), &WANTED).expect_err("unknown"),
        source::check(&spec("icamerasrc:webcam")).expect_err("unknown"),
    ] {
        assert_eq!(fault.kind, FaultKind::NoCamera);
        assert!(
            fault.to_string().contains("ov02c10-uf, ov08x40-wf"),
            "{fault}"
        );
    }
}

#[test]
fn sources_provide_the_requested_picture() {
    let _stand_ins = Registered::icamerasrc();
    for text in [
        "icamerasrc",
        "icamerasrc:ov02c10-uf",
        "test",
        "pipeline:videotestsrc",
    ] {
        let source = source::build(&spec(text), &WANTED).expect(text);
        let info = first_frame(&source);
        assert_eq!((info.width(), info.height()), (320, 240), "{text}");
        if text != "pipeline:videotestsrc" {
            assert_eq!(info.fps(), gst::Fraction::new(30, 1), "{text}");
        }
        if text.starts_with("icamerasrc") {
            assert_eq!(info.format(), gstreamer_video::VideoFormat::Nv12, "{text}");
        }
    }
}

#[test]
fn the_factories_to_load_exist() {
    let _stand_ins = Registered::icamerasrc();
    for text in [
        "icamerasrc",
        "v4l2:/dev/video0",
        "test",
        "pipeline:videotestsrc ! videoconvert",
    ] {
        for factory in source::factories(&spec(text)) {
            assert!(
                gst::ElementFactory::find(&factory).is_some(),
                "{factory} of {text}"
            );
        }
    }
}
