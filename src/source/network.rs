//! Network cameras.
//!
//! `decodebin` handles RTP, multipart streams and bare JPEG alike, and tries the next decoder if the
//! first in rank, such as a graphics card's, doesn't work here.

use gstreamer::{self as gst, glib, prelude::*};

use super::{Wanted, chain, make, missing, other, scaler};
use crate::relay::{Fault, FaultKind};
use crate::settings::{Encoding, Message, NetworkCamera, Protocol, Rtp, RtpWay, n_};

/// How long packets wait for a late one. Only then is there a delay; busy wireless networks need less.
const REORDER_MS: u32 = 100;

/// How long to wait for data before the camera counts as lost: longer than a wireless network needs
/// for roaming.
const LOST: gst::ClockTime = gst::ClockTime::from_seconds(5);

/// Size of the kernel's receive buffer in bytes: a large JPEG picture arrives in one burst. The system
/// may allow less.
const SOCKET_BUFFER: i32 = 2 * 1024 * 1024;

/// RTP's clock rate for video (RFC 3551).
const CLOCK_RATE: i32 = 90_000;

const DECODER_PACKAGE: &str = "GStreamer's libav plugin (Debian: gstreamer1.0-libav)";

/// The element factories that a worker loads in advance.
pub fn factories(camera: &NetworkCamera) -> Vec<String> {
    let first = match &camera.protocol {
        Protocol::Rtsp => &["rtspsrc", "udpsrc"][..],
        Protocol::Http => &["souphttpsrc", "multipartdemux"],
        Protocol::Rtp(rtp) => match rtp.way {
            RtpWay::Datagrams => &["udpsrc", "rtpjitterbuffer"][..],
            RtpWay::FramedDatagrams => &["udpsrc", "rtpstreamdepay", "rtpjitterbuffer"],
            RtpWay::Stream => &["tcpclientsrc", "rtpstreamdepay"],
        },
    };
    let rest = ["decodebin", "videoscale", "capsfilter"];
    first.iter().chain(&rest).map(ToString::to_string).collect()
}

/// The source, scaled to the requested size, at the camera's own rate.
pub fn build(camera: &NetworkCamera, wanted: &Wanted) -> Result<gst::Element, Fault> {
    let decoder = decoder()?;
    let [scale, size] = scaler(wanted)?;
    let source = chain(&[scale.clone(), size])?;
    let bin = source
        .downcast::<gst::Bin>()
        .map_err(|_| other(n_("the source has no end")))?;
    bin.add(&decoder).map_err(|error| broken(&error))?;
    link_when_there(&decoder, &scale);
    let transport = transport(camera)?;
    bin.add_many(&transport).map_err(|error| broken(&error))?;
    gst::Element::link_many(&transport).map_err(|error| broken(&error))?;
    let last = transport
        .last()
        .ok_or_else(|| other(n_("the source has no end")))?;
    if camera.protocol == Protocol::Rtsp {
        link_when_there(last, &decoder);
    } else {
        last.link(&decoder).map_err(|error| broken(&error))?;
    }
    Ok(bin.upcast())
}

/// Checks, without network access, that the needed elements are installed.
pub fn check(camera: &NetworkCamera) -> Result<(), Fault> {
    let found = |name: &String| gst::ElementFactory::find(name).is_some();
    if let Some(name) = factories(camera).iter().find(|name| !found(name)) {
        return Err(missing(name));
    }
    match &camera.protocol {
        Protocol::Rtp(rtp) => check_decoder(rtp.encoding),
        // The encoding is known only after connecting.
        Protocol::Rtsp | Protocol::Http => Ok(()),
    }
}

fn check_decoder(encoding: Encoding) -> Result<(), Fault> {
    let media = match encoding {
        Encoding::Jpeg => "image/jpeg",
        Encoding::H264 => "video/x-h264",
    };
    let caps = gst::Caps::new_empty_simple(media);
    let kind = gst::ElementFactoryType::DECODER;
    let mut decoders =
        gst::ElementFactory::factories_with_type(kind, gst::Rank::MARGINAL).into_iter();
    if decoders.any(|decoder| decoder.can_sink_any_caps(&caps)) {
        return Ok(());
    }
    Err(Fault::new(
        FaultKind::Unsupported,
        n_("no decoder for {encoding} is installed: install {package}"),
    )
    .with("encoding", encoding.name())
    .with("package", DECODER_PACKAGE))
}

/// The elements that receive bytes or packets.
fn transport(camera: &NetworkCamera) -> Result<Vec<gst::Element>, Fault> {
    match &camera.protocol {
        Protocol::Rtsp => Ok(vec![rtsp(camera)?]),
        Protocol::Http => Ok(vec![http(camera)?]),
        Protocol::Rtp(rtp) => bare_rtp(rtp),
    }
}

/// An RTSP session with packets over its TCP connection: UDP is often blocked by firewalls, which
/// takes five seconds to detect.
fn rtsp(camera: &NetworkCamera) -> Result<gst::Element, Fault> {
    let element = make("rtspsrc")?;
    element.set_property("location", &camera.location);
    element.set_property_from_str("protocols", "tcp+http");
    element.set_property("latency", REORDER_MS);
    element.set_property("tcp-timeout", LOST.useconds());
    log_in(&element, camera);
    // Don't request audio.
    element.connect("select-stream", false, |values| {
        let caps = values
            .get(2)
            .and_then(|value| value.get::<gst::Caps>().ok());
        Some(caps.is_none_or(|caps| is_video(&caps)).to_value())
    });
    Ok(element)
}

fn http(camera: &NetworkCamera) -> Result<gst::Element, Fault> {
    let element = make("souphttpsrc")?;
    element.set_property("location", &camera.location);
    element.set_property("is-live", true);
    element.set_property("do-timestamp", true);
    element.set_property("timeout", u32::try_from(LOST.seconds()).unwrap_or(5));
    log_in(&element, camera);
    Ok(element)
}

/// The password isn't passed in the URL, because error messages contain that.
fn log_in(element: &gst::Element, camera: &NetworkCamera) {
    if let Some(login) = &camera.login {
        element.set_property("user-id", &login.user);
        element.set_property("user-pw", &login.password);
    }
}

fn bare_rtp(rtp: &Rtp) -> Result<Vec<gst::Element>, Fault> {
    let framed = rtp_caps("application/x-rtp-stream", rtp.encoding);
    let plain = rtp_caps("application/x-rtp", rtp.encoding);
    Ok(match rtp.way {
        RtpWay::Datagrams => vec![datagrams(rtp, &plain)?, jitter_buffer()?],
        RtpWay::FramedDatagrams => {
            vec![
                datagrams(rtp, &framed)?,
                make("rtpstreamdepay")?,
                jitter_buffer()?,
            ]
        }
        RtpWay::Stream => vec![
            connection(rtp)?,
            super::filter(&framed)?,
            make("rtpstreamdepay")?,
        ],
    })
}

fn rtp_caps(media: &str, encoding: Encoding) -> gst::Caps {
    gst::Caps::builder(media)
        .field("media", "video")
        .field("clock-rate", CLOCK_RATE)
        .field("encoding-name", encoding.name())
        .build()
}

fn datagrams(rtp: &Rtp, caps: &gst::Caps) -> Result<gst::Element, Fault> {
    let element = make("udpsrc")?;
    element.set_property("address", &rtp.host);
    element.set_property("port", i32::from(rtp.port));
    element.set_property("caps", caps);
    element.set_property("buffer-size", SOCKET_BUFFER);
    element.set_property("timeout", LOST.nseconds());
    Ok(element)
}

fn connection(rtp: &Rtp) -> Result<gst::Element, Fault> {
    let element = make("tcpclientsrc")?;
    element.set_property("host", &rtp.host);
    element.set_property("port", i32::from(rtp.port));
    Ok(element)
}

fn jitter_buffer() -> Result<gst::Element, Fault> {
    let element = make("rtpjitterbuffer")?;
    element.set_property("latency", REORDER_MS);
    Ok(element)
}

/// Demultiplexes and decodes video.
fn decoder() -> Result<gst::Element, Fault> {
    let element = make("decodebin")?;
    let video = gst::Caps::builder("video/x-raw").any_features().build();
    element.set_property("caps", video);
    element.connect("element-added", false, |values| {
        let added = values.get(1)?.get::<gst::Element>().ok()?;
        // It would wait for further streams for ever, but a camera has one.
        if added.find_property("single-stream").is_some() {
            added.set_property("single-stream", true);
        }
        None
    });
    Ok(element)
}

/// Links the first video pad that an element adds.
fn link_when_there(from: &gst::Element, to: &gst::Element) {
    let to = to.downgrade();
    from.connect_pad_added(move |_, pad| {
        let sink = to.upgrade().and_then(|to| to.static_pad("sink"));
        let caps = pad.current_caps().unwrap_or_else(|| pad.query_caps(None));
        if let Some(sink) = sink.filter(|sink| !sink.is_linked() && is_video(&caps))
            && let Err(error) = pad.link(&sink)
        {
            tracing::warn!("the camera's stream is not usable: {error}");
        }
    });
}

/// Whether a stream is video: raw, or in RTP.
fn is_video(caps: &gst::Caps) -> bool {
    caps.iter().any(|structure| {
        structure.name() == "video/x-raw" || structure.get::<&str>("media") == Ok("video")
    })
}

fn broken(error: &glib::BoolError) -> Fault {
    other(Message::verbatim(error.to_string()))
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

    #[test]
    fn all_kinds_are_built_without_network_access() {
        gst::init().expect("GStreamer");
        for url in [
            "rtsp://me:secret@camera.invalid/stream",
            "http://me:secret@camera.invalid/video",
            "rtp://0.0.0.0:5004?encoding=JPEG",
            "rtp://0.0.0.0:5004?encoding=H264&framing=stream",
            "rtp+tcp://camera.invalid:5004?encoding=JPEG",
        ] {
            let camera: NetworkCamera = url.parse().expect(url);
            assert_eq!(check(&camera), Ok(()), "{url}");
            let source = build(&camera, &WANTED).expect(url);
            assert!(source.static_pad("src").is_some(), "{url}");
            for element in source.downcast::<gst::Bin>().expect("a bin").children() {
                if element.find_property("location").is_some() {
                    let location = element.property::<String>("location");
                    assert!(!location.contains("secret"), "{location}");
                }
            }
        }
    }
}
