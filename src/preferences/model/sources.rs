//! The list of cameras: those that can be chosen, and those that can't, with the reason.

use lenscap::i18n::{gettext, gettext_f, ngettext_f, translate};
use lenscap::settings::SourceSpec;
use lenscap::settings::key::SOURCE;
use lenscap::source::Found;

use super::View;
use super::devices::{Devices, is, setting};

/// The list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cameras {
    /// Those that can be chosen; what is set is always among them.
    pub usable: Vec<Camera>,
    /// Those that can't, alike ones joined; `value` is empty.
    pub unusable: Vec<Camera>,
    /// How many they are, each one counted.
    pub unusable_count: usize,
}

/// A camera in the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Camera {
    /// The setting as text.
    pub value: String,
    /// Its icon.
    pub icon: &'static str,
    /// What a person would call it.
    pub title: String,
    /// Where it is, or why it can't be used.
    pub detail: String,
}

/// The cameras of a view.
pub fn cameras(view: &View) -> Cameras {
    let none = Devices::default();
    let devices = view.devices().unwrap_or(&none);
    let current = SOURCE.get(&view.settings);
    let mut usable = vec![automatic(view, devices)];
    let mut unusable: Vec<&Found> = Vec::new();
    for source in &devices.sources {
        if source.problem.is_none() || is(source, &current) {
            let chosen = is(source, &current).then(|| current.clone());
            usable.push(Camera {
                value: chosen.unwrap_or_else(|| setting(source).to_owned()),
                ..camera(source)
            });
        } else {
            unusable.push(source);
        }
    }
    if usable.iter().all(|camera| camera.value != current) {
        usable.push(unlisted(view, current));
    }
    Cameras {
        usable,
        unusable: merged(&unusable),
        unusable_count: unusable.len(),
    }
}

fn automatic(view: &View, devices: &Devices) -> Camera {
    let told = view
        .report()
        .map(|report| report.source.name.as_str())
        .filter(|name| !name.is_empty() && SOURCE.get(&view.settings) == "auto");
    let found = || devices.source("auto").map(|source| source.name.as_str());
    let detail = match told.or_else(found) {
        Some(name) => gettext_f("Now {camera}", &[("camera", name)]),
        None => gettext("The built-in camera first, then others"),
    };
    Camera {
        value: "auto".to_owned(),
        icon: "camera-switch-symbolic",
        title: gettext("Automatic"),
        detail,
    }
}

fn camera(source: &Found) -> Camera {
    let place = match source.spec.split_once(':') {
        Some(("v4l2", path)) => path.to_owned(),
        _ if source.kind == "icamerasrc" => gettext("Built in, by way of Intel’s camera stack"),
        _ => source.spec.clone(),
    };
    let problem = source.problem.as_ref();
    Camera {
        value: source.spec.clone(),
        icon: icon(&source.kind),
        title: source.name.clone(),
        detail: problem.map_or(place, |fault| translate(&fault.message)),
    }
}

fn icon(kind: &str) -> &'static str {
    match kind {
        "icamerasrc" | "libcamera" => "computer-symbolic",
        "pipeline" | "rtsp" | "http" | "rtp" => "network-server-symbolic",
        _ => "camera-web-symbolic",
    }
}

/// A camera that is set and was not found, or can't be: a description, a test picture, or one that
/// is unplugged.
fn unlisted(view: &View, spec: String) -> Camera {
    let source = &view.settings.camera.source;
    let kind = source.kind();
    // As it may be shown: without the password that a URL may hold.
    let name = source.to_string();
    let (title, detail) = match kind {
        "test" => (
            gettext("Test picture"),
            gettext("A moving pattern instead of a camera"),
        ),
        "pipeline" => (gettext("GStreamer pipeline"), name),
        _ if matches!(source, SourceSpec::Network(_)) => (gettext("Network camera"), name),
        _ if view.devices().is_some() => (name, gettext("Not found: is it plugged in?")),
        _ => (name, String::new()),
    };
    Camera {
        value: spec,
        icon: icon(kind),
        title,
        detail,
    }
}

/// Joins neighbours that differ in their number alone: an IPU6 laptop has dozens of sensor nodes.
fn merged(sources: &[&Found]) -> Vec<Camera> {
    let stem = |name: &str| {
        let stem = name.trim_end_matches(|letter: char| letter.is_ascii_digit());
        stem.trim_end().to_owned()
    };
    let mut groups: Vec<Vec<&Found>> = Vec::new();
    for source in sources {
        match groups.last_mut() {
            Some(group)
                if group[0].problem == source.problem
                    && stem(&group[0].name) == stem(&source.name) =>
            {
                group.push(source);
            }
            _ => groups.push(vec![source]),
        }
    }
    let groups = groups.into_iter();
    groups
        .map(|group| {
            let more = u32::try_from(group.len() - 1).unwrap_or(u32::MAX);
            let mut camera = Camera {
                value: String::new(),
                ..camera(group[0])
            };
            if more > 0 {
                let values = [("name", camera.title.as_str())];
                camera.title =
                    ngettext_f("{name} and {n} more", "{name} and {n} more", more, &values);
            }
            camera
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Search;

    fn list(spec: &str, lines: &str) -> Cameras {
        let mut view = View {
            search: Search::Done(Devices::parse(lines)),
            ..View::default()
        };
        view.settings.camera.source = spec.parse().unwrap();
        cameras(&view)
    }

    fn line(spec: &str, name: &str, problem: &str) -> String {
        let problem = match problem {
            "" => "null".to_owned(),
            text => format!(r#"{{"kind":"busy","text":"{text}"}}"#),
        };
        format!(
            r#"{{"type":"source","kind":"v4l2","spec":"{spec}","name":"{name}","rank":1,"problem":{problem}}}"#
        ) + "\n"
    }

    fn titles(cameras: &[Camera]) -> Vec<&str> {
        cameras.iter().map(|camera| camera.title.as_str()).collect()
    }

    #[test]
    fn automatic_comes_first_and_names_what_it_takes() {
        let cameras = list("auto", &line("v4l2:/dev/video0", "Webcam", ""));
        assert_eq!(titles(&cameras.usable), ["Automatic", "Webcam"]);
        assert_eq!(cameras.usable[0].detail, "Now Webcam");
        assert_eq!(cameras.usable[1].detail, "/dev/video0");
        assert_eq!(list("auto", "").usable.len(), 1);
    }

    #[test]
    fn what_cannot_be_used_is_apart_with_the_reason_and_joined() {
        let lines = line("v4l2:/dev/video1", "ISYS Capture 0", "a sensor")
            + &line("v4l2:/dev/video2", "ISYS Capture 1", "a sensor")
            + &line("v4l2:/dev/video3", "ISYS Capture 12", "a sensor")
            + &line("v4l2:/dev/video4", "Webcam", "closed");
        let cameras = list("auto", &lines);
        assert_eq!(titles(&cameras.usable), ["Automatic"]);
        assert_eq!(
            titles(&cameras.unusable),
            ["ISYS Capture 0 and 2 more", "Webcam"]
        );
        assert_eq!(cameras.unusable[1].detail, "closed");
        assert_eq!(cameras.unusable_count, 4);
    }

    #[test]
    fn what_is_set_can_be_seen_whatever_it_is() {
        let lines = line("v4l2:/dev/video0", "Webcam", "closed");
        let cameras = list("v4l2:/dev/video0", &lines);
        assert_eq!(titles(&cameras.usable), ["Automatic", "Webcam"]);
        assert_eq!(cameras.usable[1].detail, "closed");
        assert_eq!(cameras.unusable, []);
        let gone = list("v4l2:/dev/video9", &lines);
        assert_eq!(titles(&gone.usable), ["Automatic", "v4l2:/dev/video9"]);
        assert!(gone.usable[1].detail.starts_with("Not found"));
        let test = list("test", "");
        assert_eq!(titles(&test.usable), ["Automatic", "Test picture"]);
        let pipeline = list("pipeline:videotestsrc", "");
        assert_eq!(pipeline.usable[1].detail, "pipeline:videotestsrc");
    }
}
