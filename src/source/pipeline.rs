//! Sources described by the user in the syntax of `gst-launch-1.0`.

use glib::signal::signal_has_handler_pending;
use glib::subclass::SignalId;
use gstreamer::{self as gst, glib, prelude::*};

use super::{Wanted, chain, make, other, scaler};
use crate::relay::{Fault, FaultKind};
use crate::settings::{Message, n_};

/// The first word of each part of the description. Not all are elements: caps and references are
/// included.
pub fn factories(description: &str) -> Vec<String> {
    let first = |link: &str| link.split_whitespace().next().map(str::to_owned);
    let mut names: Vec<_> = description.split('!').filter_map(first).collect();
    names.extend(["videoscale".to_owned(), "capsfilter".to_owned()]);
    names
}

/// The described source at its own rate, scaled to the requested size if necessary.
pub fn build(description: &str, wanted: &Wanted) -> Result<gst::Element, Fault> {
    let source = parse(description)?;
    let [scale, size] = scaler(wanted)?;
    // Checked first, because a failure to link may have reasons other than the size.
    if !fits(&source, &scale) {
        return Err(unsupported(n_(
            "the pipeline's picture can't be scaled to {width}x{height} pixels: \
             choose another size in it",
        ))
        .with("width", wanted.width)
        .with("height", wanted.height));
    }
    chain(&[source, scale, size])
}

/// Whether the caps of the two intersect.
fn fits(source: &gst::Element, next: &gst::Element) -> bool {
    let pads = source.static_pad("src").zip(next.static_pad("sink"));
    pads.is_some_and(|(src, sink)| src.can_link(&sink))
}

/// Checks that the description makes a source, without starting it.
pub fn check(description: &str) -> Result<(), Fault> {
    parse(description)?;
    make("videoscale").map(drop)
}

/// Creates the described elements as a bin with a `src` pad for raw video.
fn parse(description: &str) -> Result<gst::Element, Fault> {
    // gst-launch allows caps only between elements, but people end with them.
    let bin = elements(description)
        .or_else(|error| elements(&format!("{description} ! capsfilter")).map_err(|_| error))
        .map_err(|error| refused(&error))?;
    let bin = bin.downcast::<gst::Bin>().map_err(|_| {
        other(n_(
            "the pipeline is not a source: describe one as gst-launch-1.0 takes it",
        ))
    })?;
    let last = open_end(&bin)?;
    if !last.query_caps(None).can_intersect(&any_raw_video()) {
        return Err(unsupported(n_(
            "the pipeline gives no raw video: end it with `! decodebin ! videoconvert`",
        )));
    }
    let pad = gst::GhostPad::builder_with_target(&last).map(|pad| pad.name("src").build());
    pad.and_then(|pad| bin.add_pad(&pad)).map_err(|error| {
        other(n_("the pipeline has no usable end: {error}")).with("error", error)
    })?;
    Ok(bin.upcast())
}

fn elements(description: &str) -> Result<gst::Element, glib::Error> {
    let flags = gst::ParseFlags::FATAL_ERRORS;
    gst::parse::bin_from_description_full(description, false, None, flags)
}

/// The only unlinked `src` pad.
fn open_end(bin: &gst::Bin) -> Result<gst::Pad, Fault> {
    let open: Vec<_> = bin
        .children()
        .iter()
        .flat_map(ElementExtManual::pads)
        .filter(|pad| !pad.is_linked())
        .collect();
    let is_sink = |pad: &gst::Pad| pad.direction() == gst::PadDirection::Sink;
    let (sinks, open): (Vec<_>, Vec<_>) = open.into_iter().partition(is_sink);
    if let Some(sink) = sinks.first()
        && !bin.children().iter().any(is_linked_later)
    {
        let owner = sink.parent_element().map(|element| element.name());
        return Err(other(n_(
            "the pipeline's element '{element}' gets no input: start with a source",
        ))
        .with("element", owner.unwrap_or_default()));
    }
    match &open[..] {
        [last] => Ok(last.clone()),
        [] => Err(other(n_(
            "the pipeline has no open end: leave out the sink, and end it with `! videoconvert`",
        ))),
        ends => Err(
            other(n_("the pipeline has {count} open ends: it must have one"))
                .with("count", ends.len()),
        ),
    }
}

/// Whether the element, as `decodebin`, is linked once it has a pad for that: the parser waits for it with
/// a handler.
fn is_linked_later(element: &gst::Element) -> bool {
    SignalId::lookup("pad-added", element.type_())
        .is_some_and(|signal| signal_has_handler_pending(element, signal, None, true))
}

/// Raw video in any kind of memory; a converter follows.
fn any_raw_video() -> gst::Caps {
    gst::Caps::builder("video/x-raw").any_features().build()
}

/// The elements are fine, what they give is not.
fn unsupported(text: impl Into<Message>) -> Fault {
    Fault::new(FaultKind::Unsupported, text)
}

/// GStreamer's message, which names the error.
fn refused(error: &glib::Error) -> Fault {
    let text = error.message().lines().next().unwrap_or_default();
    other(n_("the pipeline description is wrong: {error}")).with("error", text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WANTED: Wanted = Wanted {
        width: 320,
        height: 240,
        framerate: 30,
        buffer_count: 7,
    };

    fn check(description: &str, expected: Result<(), &str>) {
        gst::init().expect("GStreamer");
        let checked = super::check(description).map_err(|fault| fault.to_string());
        match expected {
            Ok(()) => assert_eq!(checked, Ok(()), "{description}"),
            Err(part) => {
                let text = checked.expect_err(description);
                assert!(text.contains(part), "{description}: {text}");
                assert_eq!(text.lines().count(), 1, "{text}");
            }
        }
    }

    #[test]
    fn invalid_descriptions_have_a_reason() {
        check("videotestsrc", Ok(()));
        check("videotestsrc ! video/x-raw,width=64 ! videoconvert", Ok(()));
        check(
            "videotestsrc name=a ! tee name=t t. ! queue ! fakesink t. ! queue",
            Ok(()),
        );
        check("videotestsr", Err("no element \"videotestsr\""));
        check("videotestsrc patern=ball", Err("\"patern\""));
        check("videotestsrc pattern=bal", Err("pattern"));
        check("videotestsrc ! ! queue", Err("syntax error"));
        check("videotestsrc ! fakesink", Err("no open end"));
        check("videotestsrc videotestsrc", Err("2 open ends"));
        check("videoconvert", Err("gets no input"));
        check("videotestsrc ! identity videoconvert", Err("gets no input"));
        check("audiotestsrc", Err("no raw video"));
        check("", Err("pipeline"));
    }

    /// What the advice about a pipeline without raw video leads to.
    #[test]
    fn a_decoder_is_linked_when_it_knows_the_format() {
        let encoded = "videotestsrc num-buffers=1 ! video/x-raw,width=64,height=48 ! jpegenc";
        check(encoded, Err("end it with `! decodebin ! videoconvert`"));
        let decoded = format!("{encoded} ! decodebin ! videoconvert");
        check(&decoded, Ok(()));
        check_picture(&decoded);
    }

    #[test]
    fn pictures_are_scaled_to_the_requested_size() {
        check_picture("videotestsrc num-buffers=1 ! video/x-raw,width=200,height=50");
    }

    fn check_picture(description: &str) {
        gst::init().expect("GStreamer");
        let source = build(description, &WANTED).expect("a source");
        let sink = gst_app_sink();
        let pipeline = gst::Pipeline::new();
        pipeline
            .add_many([&source, sink.upcast_ref()])
            .expect("added");
        source.link(&sink).expect("linked");
        pipeline.set_state(gst::State::Playing).expect("playing");
        let sample = sink
            .try_pull_sample(gst::ClockTime::from_seconds(10))
            .expect("a frame");
        pipeline.set_state(gst::State::Null).expect("stopped");
        let info = gstreamer_video::VideoInfo::from_caps(sample.caps().expect("caps"));
        let info = info.expect("raw video");
        assert_eq!((info.width(), info.height()), (320, 240));
        assert_eq!(info.par(), gst::Fraction::new(1, 1));
    }

    fn gst_app_sink() -> gstreamer_app::AppSink {
        gstreamer_app::AppSink::builder().sync(false).build()
    }

    #[test]
    fn elements_to_load_are_the_first_word_of_each_part() {
        let names = factories("rtspsrc location=x ! decodebin ! videoconvert");
        assert_eq!(names[..3], ["rtspsrc", "decodebin", "videoconvert"]);
    }
}
