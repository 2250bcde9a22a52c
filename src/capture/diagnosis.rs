//! Turns GStreamer's errors into faults with instructions for the user.

use gstreamer as gst;
use rustix::io::Errno;

use std::ffi::CStr;

use crate::relay::{Fault, FaultKind};
use crate::settings::{Message, MessageId, masked, n_};

/// The fault behind an error message of the pipeline.
///
/// Many elements report wrong "resource" errors or just "data stream error", with the real reason in
/// the debug text, so that takes precedence.
pub fn fault(error: &glib::Error, debug: Option<&str>) -> Fault {
    let text = format!("{} {}", error.message(), debug.unwrap_or_default());
    if error.matches(gst::CoreError::MissingPlugin)
        || error.matches(gst::StreamError::CodecNotFound)
    {
        return no_decoder(&text);
    }
    let kind = kind_by_text(&text).unwrap_or_else(|| kind_by_domain(error));
    explain(kind, in_one_line(error.message()))
}

/// Elements quote the C library's texts for these, in the user's language.
const ERRNO_KINDS: [(Errno, FaultKind); 5] = [
    (Errno::ACCESS, FaultKind::NoPermission),
    (Errno::PERM, FaultKind::NoPermission),
    (Errno::BUSY, FaultKind::Busy),
    (Errno::NOENT, FaultKind::NoCamera),
    (Errno::NODEV, FaultKind::NoCamera),
];

/// GStreamer's names of flow results, which are never translated.
const FLOW_RESULT_KINDS: [(&str, FaultKind); 2] = [
    ("not-negotiated", FaultKind::Unsupported),
    ("reason error (-5)", FaultKind::Stopped),
];

fn kind_by_text(text: &str) -> Option<FaultKind> {
    let numbers = ERRNO_KINDS.iter();
    let mut by_number = numbers.filter(|(errno, _)| text.contains(&strerror(*errno)));
    let mut by_name = FLOW_RESULT_KINDS
        .iter()
        .filter(|(name, _)| text.contains(name));
    let by_number = by_number.next().map(|&(_, kind)| kind);
    by_number.or_else(|| by_name.next().map(|&(_, kind)| kind))
}

/// The C library's text for an error, in the user's language.
fn strerror(errno: Errno) -> String {
    // SAFETY: GLib returns a string with static lifetime.
    let words = unsafe { CStr::from_ptr(glib::ffi::g_strerror(errno.raw_os_error())) };
    words.to_string_lossy().into_owned()
}

fn kind_by_domain(error: &glib::Error) -> FaultKind {
    if let Some(error) = error.kind::<gst::ResourceError>() {
        return kind_of_resource(error);
    }
    let unsupported = match error.kind::<gst::StreamError>() {
        Some(error) => matches!(
            error,
            gst::StreamError::Format
                | gst::StreamError::WrongType
                | gst::StreamError::CodecNotFound
        ),
        None => error.matches(gst::CoreError::Negotiation) || error.matches(gst::CoreError::Caps),
    };
    if unsupported {
        FaultKind::Unsupported
    } else {
        FaultKind::Other
    }
}

fn kind_of_resource(error: gst::ResourceError) -> FaultKind {
    match error {
        gst::ResourceError::NotFound
        | gst::ResourceError::OpenRead
        | gst::ResourceError::OpenReadWrite => FaultKind::NoCamera,
        gst::ResourceError::Busy => FaultKind::Busy,
        gst::ResourceError::NotAuthorized => FaultKind::NoPermission,
        gst::ResourceError::Settings => FaultKind::Unsupported,
        gst::ResourceError::Read => FaultKind::Stopped,
        _ => FaultKind::Other,
    }
}

/// One line: what is wrong in our words and in the element's own, and what to do next.
fn explain(kind: FaultKind, error: Message) -> Fault {
    let text = match kind {
        // Translators: {error} is a message of the camera's software.
        FaultKind::NoCamera => {
            n_("the camera is not there ({error}): connect it, or choose another source")
        }
        FaultKind::NoPermission => n_(
            "no permission to open the camera ({error}): run 'lenscap devices' to see what is missing",
        ),
        FaultKind::Busy => n_(
            "another program has the camera open ({error}): close that program, or choose another source",
        ),
        FaultKind::Unsupported => n_(
            "the camera does not give the wanted picture ({error}): choose another size, frame rate or format",
        ),
        FaultKind::Stopped => n_(
            "the camera stopped giving pictures ({error}): it is tried again by itself; 'lenscap devices' looks for the reason",
        ),
        _ => n_("the camera failed ({error}): run 'lenscap devices' to find out why"),
    };
    Fault::new(kind, Message::new(text).with_message("error", error))
}

/// What an element reports, in one line without a full stop: it goes into the middle of ours.
fn in_one_line(text: &str) -> Message {
    let text = masked(text);
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    Message::verbatim(text.trim_end_matches(['.', '。']))
}

/// The fault in an element message, if it is one.
pub fn element_fault(structure: Option<&gst::StructureRef>) -> Option<Fault> {
    let silent = structure.is_some_and(|message| message.name() == "GstUDPSrcTimeout");
    silent.then(|| {
        Fault::new(
            FaultKind::NoPicture,
            n_(
                "nothing comes from the network camera: start its sender, and see that no firewall is \
                 in its way; it is tried again by itself",
            ),
        )
    })
}

/// The fault of a network camera, which may have delivered pictures before.
pub fn of_network(fault: Fault, name: &str, was_there: bool) -> Fault {
    match fault.kind {
        FaultKind::NoPermission => Fault::new(
            fault.kind,
            n_("{name} wants another user or password: correct them in its URL"),
        )
        .with("name", name),
        // GStreamer may have no more to say of a camera that it didn't reach.
        FaultKind::NoCamera | FaultKind::Stopped if !was_there => Fault::new(
            FaultKind::NoCamera,
            n_(
                "no picture from {name}: see that the camera is on and its URL right; it is tried \
                 again by itself",
            ),
        )
        .with("name", name),
        _ => fault,
    }
}

/// No installed element decodes the camera's video.
fn no_decoder(text: &str) -> Fault {
    // GStreamer names the format after this text, with details in parentheses.
    let what = text.split("Missing decoder: ").nth(1);
    let what = what.and_then(|what| what.split(['(', '\n']).next());
    // Translators: it goes into "no decoder for {what} is installed".
    let what = what.map_or(n_("this camera's video").into(), |what| {
        Message::verbatim(what.trim())
    });
    let message = Message::new(n_(
        "no decoder for {what} is installed: install GStreamer's libav plugin (Debian: \
         gstreamer1.0-libav)",
    ));
    Fault::new(FaultKind::Unsupported, message.with_message("what", what))
}

/// The stream ended unexpectedly.
pub fn ended() -> Fault {
    explain(FaultKind::Stopped, n_("its stream ended").into())
}

/// The source can't be linked, because it provides no raw video of this size.
pub fn no_raw_video(width: u32, height: u32) -> Fault {
    Fault::new(
        FaultKind::Unsupported,
        n_(
            "the source gives no raw video of {width}x{height} pixels: choose another size, or \
             complete its description by a decoder or a scaler",
        ),
    )
    .with("width", width)
    .with("height", height)
}

/// An element of GStreamer's base packages is not installed.
pub fn missing(element: &str) -> Fault {
    Fault::new(
        FaultKind::Other,
        n_("GStreamer's element '{element}' is missing: install its base and good plugins"),
    )
    .with("element", element)
}

/// Anything without a better name; `text` says what to do about the `error`.
pub fn other(text: MessageId, error: impl std::fmt::Display) -> Fault {
    Fault::new(FaultKind::Other, text).with("error", error)
}

#[cfg(test)]
mod tests {
    use glib::error::ErrorDomain;

    use super::*;

    fn check(error: impl ErrorDomain, message: &str, debug: &str, kind: FaultKind) {
        gst::init().unwrap();
        let fault = fault(&glib::Error::new(error, message), Some(debug));
        assert_eq!(fault.kind, kind, "{fault}");
        assert!(!fault.to_string().contains('\n'), "{fault}");
    }

    #[test]
    fn errors_are_classified_by_text_and_domain() {
        use gst::{CoreError, ResourceError, StreamError};
        let v4l2 = "Cannot identify device '/dev/video9'.";
        let errno = "system error: No such file or directory";
        check(ResourceError::NotFound, v4l2, errno, FaultKind::NoCamera);
        check(
            ResourceError::OpenRead,
            "Could not open.",
            "",
            FaultKind::NoCamera,
        );
        let errno = "system error: Permission denied";
        let open = "Could not open device '/dev/video0' for reading and writing.";
        check(
            ResourceError::OpenReadWrite,
            open,
            errno,
            FaultKind::NoPermission,
        );
        check(ResourceError::Busy, "Device is busy", "", FaultKind::Busy);
        let errno = "system error: Device or resource busy";
        check(
            ResourceError::Failed,
            "Failed to start",
            errno,
            FaultKind::Busy,
        );
        let flow = "streaming stopped, reason not-negotiated (-4)";
        check(
            StreamError::Failed,
            "Internal data stream error.",
            flow,
            FaultKind::Unsupported,
        );
        let flow = "streaming stopped, reason error (-5)";
        check(
            StreamError::Failed,
            "Internal data stream error.",
            flow,
            FaultKind::Stopped,
        );
        check(StreamError::Format, "odd", "", FaultKind::Unsupported);
        check(CoreError::Negotiation, "odd", "", FaultKind::Unsupported);
        check(CoreError::Failed, "two\nlines", "", FaultKind::Other);
    }

    #[test]
    fn a_missing_decoder_is_named() {
        gst::init().unwrap();
        let error = glib::Error::new(gst::CoreError::MissingPlugin, "a plug-in is missing");
        let debug =
            "no suitable plugins found:\nMissing decoder: H.265 (Main) (video/x-h265, a=b)\n";
        let fault = fault(&error, Some(debug));
        assert_eq!(fault.kind, FaultKind::Unsupported);
        assert!(
            fault
                .to_string()
                .starts_with("no decoder for H.265 is installed: install"),
            "{fault}"
        );
    }

    #[test]
    fn network_cameras_have_faults_of_their_own() {
        let of = |kind, was_there| {
            let fault = of_network(
                Fault::new(kind, "the element's words"),
                "camera:80",
                was_there,
            );
            (
                fault.kind,
                fault.to_string().starts_with("no picture from camera:80"),
            )
        };
        let (absent, stopped) = (FaultKind::NoCamera, FaultKind::Stopped);
        assert_eq!(of(absent, false), (absent, true));
        assert_eq!(of(stopped, false), (absent, true));
        assert_eq!(of(stopped, true), (stopped, false));
        assert_eq!(of(FaultKind::Other, false), (FaultKind::Other, false));
        let closed = of_network(Fault::new(FaultKind::NoPermission, ""), "camera:80", true);
        assert!(closed.to_string().contains("password"), "{closed}");
    }

    #[test]
    fn passwords_are_masked() {
        let error = glib::Error::new(gst::ResourceError::OpenRead, "no http://me:secret@camera/");
        assert!(!fault(&error, None).to_string().contains("secret"));
    }

    #[test]
    fn the_line_has_the_elements_message_and_the_next_step() {
        let error = glib::Error::new(gst::ResourceError::Busy, "Device is\n busy.");
        assert_eq!(
            fault(&error, None).to_string(),
            "another program has the camera open (Device is busy): close that program, or choose \
             another source"
        );
    }
}
