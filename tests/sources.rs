//! Sources as workers build them, with an `icamerasrc` of the test's own.

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

const WANTED: Wanted = Wanted {
    width: 320,
    height: 240,
    framerate: 30,
    buffer_count: 7,
};

fn setup() {
    gst::init().expect("GStreamer");
    gst::Element::register(None, "icamerasrc", gst::Rank::NONE, StandIn::static_type())
        .expect("registered");
}

fn spec(text: &str) -> SourceSpec {
    text.parse().expect("a source")
}

/// What a worker gets from the source behind its converter.
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
fn every_camera_of_the_hal_is_found_by_its_nick() {
    setup();
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
fn the_named_camera_is_chosen_and_no_other() {
    setup();
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
        assert!(fault.text.contains("ov02c10-uf, ov08x40-wf"), "{fault}");
    }
}

#[test]
fn sources_give_the_wanted_picture() {
    setup();
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
fn what_a_worker_loads_is_there() {
    setup();
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
