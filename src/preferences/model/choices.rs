//! What can be chosen in a list: all that makes sense, and what is set now even if it does not.

use lenscap::i18n::{gettext, gettext_f, list};
use lenscap::settings::key::{ACTIVATION, COOLDOWN, DEVICE, FORMAT, FRAMERATE, KIND, SOURCE};
use lenscap::settings::{Delay, OutputKind, PixelFormat, Settings, parse_framerate, parse_size};
use lenscap::source::Mode;

use super::devices::Devices;
use super::words::{rate, size, span};
use super::{Key, View};

/// A value that can be chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The setting as text.
    pub value: String,
    /// What it is called.
    pub label: String,
}

impl Choice {
    fn new(value: &(impl ToString + ?Sized), label: impl Into<String>) -> Self {
        Self {
            value: value.to_string(),
            label: label.into(),
        }
    }
}

/// The usual sizes, for a camera that doesn't tell its own.
const SIZES: [(u32, u32); 5] = [
    (1920, 1080),
    (1280, 720),
    (960, 540),
    (640, 480),
    (640, 360),
];

/// The usual frame rates, for a camera that doesn't tell its own.
const RATES: [u32; 4] = [60, 30, 24, 15];

/// Delays before the camera goes on, in milliseconds. Longer ones would only feel broken.
const ACTIVATION_MS: [u64; 5] = [0, 500, 1000, 2000, 5000];

/// Delays before the camera goes off, in milliseconds.
const COOLDOWN_MS: [u64; 6] = [0, 2000, 5000, 10_000, 30_000, 60_000];

/// What the list of this setting offers. A setting without a list offers nothing.
pub fn offers(key: Key, view: &View) -> Vec<Choice> {
    let settings = &view.settings;
    match key {
        Key::Size => sizes(modes(view), settings),
        Key::One(key) if *key == FRAMERATE => rates(modes(view), settings),
        Key::One(key) if *key == ACTIVATION => activation(settings.delays.activation),
        Key::One(key) if *key == COOLDOWN => cooldown(settings),
        Key::One(key) if *key == KIND => kinds(view.devices(), &key.get(settings)),
        Key::One(key) if *key == DEVICE => devices(view.devices(), &key.get(settings)),
        Key::One(key) if *key == FORMAT => formats(),
        _ => Vec::new(),
    }
}

/// Keeps the frame rate among those that the camera offers at this size: the highest that is not
/// above the old one, or else the lowest.
pub fn fit_framerate(devices: Option<&Devices>, settings: &mut Settings) {
    let source = devices.and_then(|devices| devices.source(&SOURCE.get(settings)));
    let modes = source.map_or(&[][..], |source| &source.modes);
    let offered = rates_at(modes, settings);
    let below = offered
        .iter()
        .filter(|rate| **rate <= settings.camera.framerate);
    if let Some(fitting) = below.max().or(offered.iter().min()) {
        settings.camera.framerate = *fitting;
    }
}

/// What the camera that is set offers; nothing where that is not known.
fn modes(view: &View) -> &[Mode] {
    let source = SOURCE.get(&view.settings);
    let found = view.devices().and_then(|devices| devices.source(&source));
    found.map_or(&[], |source| &source.modes)
}

fn sizes(modes: &[Mode], settings: &Settings) -> Vec<Choice> {
    let is_size = |size: u32| parse_size(&size.to_string()).is_ok();
    let known = modes.iter().map(|mode| (mode.width, mode.height));
    let mut sizes: Vec<_> = known
        .filter(|(width, height)| is_size(*width) && is_size(*height))
        .collect();
    if sizes.is_empty() {
        sizes.extend(SIZES);
    }
    sizes.push((settings.camera.width, settings.camera.height));
    sizes.sort_unstable_by_key(|(width, height)| (width * height, *width));
    sizes.dedup();
    let choices = sizes.into_iter().rev();
    choices
        .map(|(width, height)| Choice::new(&format!("{width}x{height}"), size(width, height)))
        .collect()
}

/// The frame rates that the camera offers at the size that is set.
fn rates_at(modes: &[Mode], settings: &Settings) -> Vec<u32> {
    let wanted = (settings.camera.width, settings.camera.height);
    let fitting = modes
        .iter()
        .filter(|mode| (mode.width, mode.height) == wanted);
    let rates = fitting.flat_map(|mode| &mode.framerates).copied();
    rates
        .filter(|rate| parse_framerate(&rate.to_string()).is_ok())
        .collect()
}

fn rates(modes: &[Mode], settings: &Settings) -> Vec<Choice> {
    let mut rates = rates_at(modes, settings);
    if rates.is_empty() {
        rates.extend(RATES);
    }
    rates.push(settings.camera.framerate);
    rates.sort_unstable();
    rates.dedup();
    let choices = rates.into_iter().rev();
    choices
        .map(|framerate| Choice::new(&framerate, rate(framerate)))
        .collect()
}

fn activation(current: Delay) -> Vec<Choice> {
    let current = match current {
        Delay::Auto => None,
        Delay::Fixed(delay) => u64::try_from(delay.as_millis()).ok(),
    };
    let mut choices = vec![Choice::new("auto", gettext("Automatic"))];
    choices.extend(spans(&ACTIVATION_MS, current));
    choices
}

fn cooldown(settings: &Settings) -> Vec<Choice> {
    let current = u64::try_from(settings.delays.cooldown.as_millis()).ok();
    spans(&COOLDOWN_MS, current)
}

fn spans(usual: &[u64], current: Option<u64>) -> Vec<Choice> {
    let mut all = usual.to_vec();
    all.extend(current);
    all.sort_unstable();
    all.dedup();
    let label = |ms| match ms {
        0 => gettext("At once"),
        ms => span(ms),
    };
    all.into_iter()
        .map(|ms| Choice::new(&ms, label(ms)))
        .collect()
}

/// The kinds of virtual cameras; vcam only where it works, since few kernels have it.
fn kinds(devices: Option<&Devices>, current: &str) -> Vec<Choice> {
    let outputs = devices.map_or(&[][..], |devices| &devices.outputs);
    let works = |kind: OutputKind| {
        let mut usable = outputs.iter().filter(|output| output.problem.is_none());
        usable.any(|output| output.kind == kind.name())
    };
    let offered = OutputKind::ALL.into_iter();
    let offered = offered.filter(|kind| *kind != OutputKind::Vcam || works(*kind));
    let mut choices: Vec<_> = offered
        .map(|kind| Choice::new(kind.name(), kind_label(kind)))
        .collect();
    let both = [OutputKind::V4l2loopback, OutputKind::Pipewire];
    let label = list(&both.map(kind_label));
    choices.push(Choice::new(&both.map(OutputKind::name).join(","), label));
    if choices.iter().all(|choice| choice.value != current) {
        let kinds = current.split(',').filter_map(|kind| kind.parse().ok());
        let labels: Vec<_> = kinds.map(kind_label).collect();
        choices.push(Choice::new(current, list(&labels)));
    }
    choices
}

fn kind_label(kind: OutputKind) -> String {
    match kind {
        OutputKind::Auto => gettext("Automatic"),
        OutputKind::V4l2loopback => gettext("Video device (v4l2loopback)"),
        OutputKind::Vcam => gettext("Video device (vcam)"),
        OutputKind::Pipewire => gettext("PipeWire camera"),
    }
}

fn devices(devices: Option<&Devices>, current: &str) -> Vec<Choice> {
    let mut choices = vec![Choice::new("auto", gettext("Automatic"))];
    let outputs = devices.map_or(&[][..], |devices| &devices.outputs);
    // A camera of vcam is made anew by each applet: it can't be chosen.
    let usable = outputs
        .iter()
        .filter(|output| output.problem.is_none() && output.kind != OutputKind::Vcam.name());
    choices.extend(usable.map(|output| {
        let values = [("name", &*output.name), ("device", &*output.device)];
        Choice::new(&output.device, gettext_f("{name} ({device})", &values))
    }));
    if choices.iter().all(|choice| choice.value != current) {
        choices.push(Choice::new(current, current));
    }
    choices
}

fn formats() -> Vec<Choice> {
    let named = PixelFormat::ALL.map(|format| Choice::new(format.name(), format.name()));
    let auto = Choice::new("auto", gettext("Automatic"));
    std::iter::once(auto).chain(named).collect()
}

#[cfg(test)]
mod tests {
    use lenscap::settings::key::KEYS;

    use super::*;
    use crate::model::Search;

    const VCAM: &str = r#"{"type":"output","kind":"vcam","device":"/dev/vcam","name":"Lenscap Camera","problem":null}"#;
    const LINES: &str = r#"{"type":"source","kind":"v4l2","spec":"v4l2:/dev/video0","name":"HP","rank":1,"problem":null,"modes":[{"format":"NV12","width":1280,"height":720,"framerates":[30,10]},{"format":"NV12","width":1280,"height":720,"framerates":[60]},{"format":"NV12","width":1921,"height":1081,"framerates":[30]},{"format":"NV12","width":640,"height":480,"framerates":[15,0]}]}
{"type":"output","kind":"v4l2loopback","device":"/dev/video10","name":"Lenscap","problem":null}
{"type":"output","kind":"vcam","device":"/dev/vcam","name":"Lenscap Camera","problem":{"kind":"no_output","text":"not loaded"}}
{"type":"output","kind":"v4l2loopback","device":"/dev/video11","name":"OBS","problem":{"kind":"busy","text":"taken"}}"#;

    fn view(change: impl FnOnce(&mut Settings)) -> View {
        let mut view = View {
            search: Search::Done(Devices::parse(LINES)),
            ..View::default()
        };
        change(&mut view.settings);
        view
    }

    fn values(key: Key, view: &View) -> Vec<String> {
        let choices = offers(key, view);
        choices.into_iter().map(|choice| choice.value).collect()
    }

    #[test]
    fn a_cameras_own_sizes_and_rates_are_offered() {
        let view = view(|settings| {
            settings.camera.width = 1280;
            settings.camera.height = 720;
        });
        assert_eq!(values(Key::Size, &view), ["1280x720", "640x480"]);
        assert_eq!(values(Key::One(&FRAMERATE), &view), ["60", "30", "10"]);
    }

    #[test]
    fn what_is_set_is_offered_even_if_the_camera_lacks_it() {
        let view = view(|settings| settings.camera.framerate = 25);
        assert_eq!(
            values(Key::Size, &view),
            ["1920x1080", "1280x720", "640x480"]
        );
        assert_eq!(
            values(Key::One(&FRAMERATE), &view),
            ["60", "30", "25", "24", "15"]
        );
    }

    #[test]
    fn an_unknown_camera_gets_the_usual_sizes() {
        let view = View::default();
        assert_eq!(values(Key::Size, &view).len(), SIZES.len());
        assert_eq!(values(Key::One(&FRAMERATE), &view).len(), RATES.len());
    }

    #[test]
    fn a_new_size_keeps_a_rate_that_it_has() {
        for (size, before, wanted) in [
            ((1280, 720), 30, 30),
            ((1280, 720), 25, 10),
            ((1280, 720), 5, 10),
            ((640, 480), 30, 15),
            ((320, 240), 30, 30),
        ] {
            let view = view(|settings| {
                (settings.camera.width, settings.camera.height) = size;
                settings.camera.framerate = before;
            });
            let mut settings = view.settings.clone();
            fit_framerate(view.devices(), &mut settings);
            assert_eq!(settings.camera.framerate, wanted, "{size:?} {before}");
        }
    }

    #[test]
    fn odd_delays_are_put_where_they_belong() {
        let view = view(|settings| {
            settings.delays.activation = "750".parse().unwrap();
            settings.delays.cooldown = std::time::Duration::from_millis(7000);
        });
        assert_eq!(
            values(Key::One(&ACTIVATION), &view),
            ["auto", "0", "500", "750", "1000", "2000", "5000"]
        );
        assert_eq!(
            values(Key::One(&COOLDOWN), &view),
            ["0", "2000", "5000", "7000", "10000", "30000", "60000"]
        );
    }

    #[test]
    fn devices_that_are_taken_are_not_offered_unless_set() {
        assert_eq!(
            values(Key::One(&DEVICE), &view(|_| ())),
            ["auto", "/dev/video10"]
        );
        let set = view(|settings| {
            settings.output.set_device(Some(&"/dev/video11".into()));
        });
        assert_eq!(
            values(Key::One(&DEVICE), &set),
            ["auto", "/dev/video10", "/dev/video11"]
        );
    }

    #[test]
    fn vcam_is_offered_where_it_works_or_is_set() {
        let usual = ["auto", "v4l2loopback", "pipewire", "v4l2loopback,pipewire"];
        assert_eq!(values(Key::One(&KIND), &view(|_| ())), usual);
        let there = View {
            search: Search::Done(Devices::parse(VCAM)),
            ..View::default()
        };
        assert_eq!(
            values(Key::One(&KIND), &there),
            [
                "auto",
                "v4l2loopback",
                "vcam",
                "pipewire",
                "v4l2loopback,pipewire"
            ]
        );
        assert_eq!(values(Key::One(&DEVICE), &there), ["auto"]);
        let set = view(|settings| {
            KIND.set(settings, "vcam,pipewire").unwrap();
        });
        let choices = offers(Key::One(&KIND), &set);
        let label = choices.last().map(|choice| choice.label.as_str());
        assert_eq!(choices.len(), usual.len() + 1);
        assert_eq!(label, Some("Video device (vcam) and PipeWire camera"));
    }

    #[test]
    fn every_choice_is_a_value_that_can_be_set() {
        let view = view(|_| ());
        let keys = KEYS.iter().copied().map(Key::One);
        for key in keys.chain([Key::Size]) {
            for choice in offers(key, &view) {
                let mut settings = Settings::default();
                key.write(&mut settings, &choice.value).unwrap();
                assert_eq!(key.read(&settings), choice.value);
                assert!(!choice.label.is_empty());
            }
        }
    }
}
