//! The config file as it is written, and the one way from there to [`Settings`].

use std::ops::Range;

use toml_edit::{Array, Document, Item, TomlError, Value};

use crate::i18n::{gettext_f, ngettext_f, translate};
use crate::settings::Settings;
use crate::settings::key::{FileType, KEYS, Key};

/// Reads the file's text. `Ok` comes with what is odd, a line each; `Err` is one line.
pub fn parse(text: &str) -> Result<(Settings, Vec<String>), String> {
    let document = Document::parse(text).map_err(|error| syntax(text, &error))?;
    let mut settings = Settings::default();
    let mut problems = Vec::new();
    for (key, file_type) in Key::in_file() {
        let Some(item) = find(text, &document, key)? else {
            continue;
        };
        let value = as_text(item, file_type).ok_or_else(|| {
            let expected = match file_type {
                FileType::Text => "text or a whole number",
                FileType::Flag => "a boolean",
                FileType::List => "text or a list of texts",
            };
            wrong_type(text, item, expected)
        })?;
        if let Err(error) = key.set(&mut settings, &value) {
            problems.push(format!("{key}: {}", translate(error.message())));
        }
    }
    match summary(&problems) {
        Some(problem) => Err(problem),
        None => Ok((settings, unknown(&document))),
    }
}

/// The value of a key as the file writes it.
pub fn value(text: &str, file_type: FileType) -> Value {
    match (file_type, text.parse::<i64>()) {
        (FileType::Flag, _) => (text == "true").into(),
        (FileType::List, _) if text.contains(',') => text.split(',').collect::<Array>().into(),
        (FileType::Text, Ok(number)) => number.into(),
        _ => text.into(),
    }
}

/// Where the file has a value for the key.
fn find<'a>(
    text: &str,
    document: &'a Document<&str>,
    key: &Key,
) -> Result<Option<&'a Item>, String> {
    let Some(section) = document.get(key.section) else {
        return Ok(None);
    };
    match section.as_table_like() {
        Some(table) => Ok(table.get(key.name)),
        None => Err(wrong_type(text, section, "a section")),
    }
}

/// A value as text, whether it was written as a string or as a whole number: both then go through
/// the parser that the command line uses. `None` if it has another type.
fn as_text(item: &Item, file_type: FileType) -> Option<String> {
    match (file_type, item.as_value()?) {
        (FileType::Flag, Value::Boolean(flag)) => Some(flag.value().to_string()),
        (FileType::Text | FileType::List, Value::String(text)) => Some(text.value().clone()),
        (FileType::Text, Value::Integer(number)) => Some(number.value().to_string()),
        (FileType::List, Value::Array(list)) => {
            let texts: Option<Vec<_>> = list.iter().map(Value::as_str).collect();
            Some(texts?.join(","))
        }
        _ => None,
    }
}

/// A warning for each section and key that has no meaning.
fn unknown(document: &Document<&str>) -> Vec<String> {
    let mut names = Vec::new();
    for (section, item) in document.iter() {
        let mut known = KEYS.iter().filter(|key| key.section == section).peekable();
        if known.peek().is_none() {
            names.push(section.to_owned());
        } else if let Some(table) = item.as_table_like() {
            let is_known = |name: &str| {
                let mut keys = Key::in_file();
                keys.any(|(key, _)| (key.section, key.name) == (section, name))
            };
            let unknown = table.iter().filter(|(name, _)| !is_known(name));
            names.extend(unknown.map(|(name, _)| format!("{section}.{name}")));
        }
    }
    let warning = |name| format!("unknown key '{name}' is ignored");
    names.into_iter().map(warning).collect()
}

fn wrong_type(text: &str, item: &Item, expected: &str) -> String {
    let problem = format!("invalid type: {}, expected {expected}", item.type_name());
    at(text, item.span(), &problem)
}

/// A TOML error in one line; its own rendering takes five.
fn syntax(text: &str, error: &TomlError) -> String {
    at(text, error.span(), &error.message().replace('\n', ", "))
}

fn at(text: &str, span: Option<Range<usize>>, problem: &str) -> String {
    let Some(span) = span else {
        return problem.to_owned();
    };
    let before = text.get(..span.start).unwrap_or_default();
    let line = 1 + before.matches('\n').count();
    gettext_f(
        "line {line}: {problem}",
        &[("line", &line.to_string()), ("problem", problem)],
    )
}

/// One line about all problems; `None` if there are none.
fn summary(problems: &[String]) -> Option<String> {
    let (first, more) = problems.split_first()?;
    let Some(count) = u32::try_from(more.len()).ok().filter(|count| *count > 0) else {
        return Some(first.clone());
    };
    // Translators: a problem, and how many others there are.
    Some(ngettext_f(
        "{problem} (and {n} more)",
        "{problem} (and {n} more)",
        count,
        &[("problem", first)],
    ))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::settings::{Delay, PixelFormat, PlaceholderSpec, SourceSpec, Transform};

    #[test]
    fn an_empty_file_means_the_defaults() {
        assert_eq!(parse("").unwrap(), (Settings::default(), Vec::new()));
        assert_eq!(parse("[camera]\n").unwrap().0, Settings::default());
    }

    #[test]
    fn every_key_is_read() {
        let (settings, warnings) = parse(
            r#"
            [camera]
            source = "v4l2:/dev/video3"
            width = 640
            height = "480"
            framerate = 15
            buffer_count = 4
            transform = "mirror"
            [delays]
            activation_ms = 250
            cooldown_ms = "100"
            [output]
            kind = "v4l2loopback"
            device = "/dev/video10"
            format = "nv12"
            placeholder = "black"
            [desktop]
            tray = false
            notifications = false
            autostart = true
            cover_when_locked = true
            restart_after_update = false
            "#,
        )
        .unwrap();
        assert_eq!(warnings, Vec::<String>::new());
        let mut wanted = Settings::default();
        wanted.camera.source = SourceSpec::V4l2("/dev/video3".into());
        wanted.camera.width = 640;
        wanted.camera.height = 480;
        wanted.camera.framerate = 15;
        wanted.camera.buffer_count = 4;
        wanted.camera.transform = Transform::Mirror;
        wanted.delays.activation = Delay::Fixed(Duration::from_millis(250));
        wanted.delays.cooldown = Duration::from_millis(100);
        wanted.output.specs = vec!["v4l2loopback:/dev/video10".parse().unwrap()];
        wanted.output.format = Some(PixelFormat::Nv12);
        wanted.output.placeholder = PlaceholderSpec::Black;
        wanted.desktop.tray = false;
        wanted.desktop.notifications = false;
        wanted.desktop.autostart = true;
        wanted.desktop.cover_when_locked = true;
        wanted.desktop.restart_after_update = false;
        assert_eq!(settings, wanted);
    }

    #[test]
    fn virtual_cameras_may_stand_together() {
        let (settings, _) =
            parse("[output]\nkind = [\"v4l2loopback\", \"pipewire\"]\ndevice = \"/dev/video10\"\n")
                .unwrap();
        let specs: Vec<_> = settings
            .output
            .specs
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(specs, ["v4l2loopback:/dev/video10", "pipewire"]);
    }

    #[test]
    fn unknown_keys_are_warned_about_by_name_and_the_rest_counts() {
        let (settings, warnings) =
            parse("colour = 1\n[camera]\nwidht = 1\nheight = 480\n[extra]\na = 1\n").unwrap();
        assert_eq!(settings.camera.height, 480);
        assert_eq!(
            warnings,
            ["colour", "camera.widht", "extra"]
                .map(|key| format!("unknown key '{key}' is ignored"))
        );
    }

    #[test]
    fn what_is_wrong_is_told_in_one_line_with_its_place() {
        for (text, wanted) in [
            ("[camera]\nwidth = 0\n", "camera.width: '0' is not a size"),
            ("[camera]\nwidth = -2\n", "camera.width: '-2' is not"),
            ("[camera]\nframerate = 1000\n", "camera.framerate: '1000'"),
            ("[camera]\nwidth = true\n", "line 2: invalid type: boolean"),
            ("[camera]\nwidth = 1.5\n", "line 2: invalid type: float"),
            ("[camera]\n\nsource = [1]\n", "line 3: invalid type"),
            ("camera = 1\n", "line 1: invalid type"),
            ("[desktop]\ntray = \"yes\"\n", "line 2: invalid type"),
            ("[camera\nwidth = 640\n", "line 1: "),
            ("[camera]\nwidth = \n", "line 2: "),
            ("[camera]\nwidth = 2\nwidth = 4\n", "line 3: duplicate key"),
            ("[camera]\nwidth = 99999999999999999999\n", "line 2: "),
            (
                "[delays]\ncooldown_ms = \"soon\"\n",
                "delays.cooldown_ms: 'soon'",
            ),
            (
                "[output]\nkind = \"window\"\n",
                "output.kind: unknown output",
            ),
            ("[output]\nkind = []\n", "output.kind: an empty list"),
            (
                "[output]\nkind = [\"auto\", \"pipewire\"]\n",
                "output.kind: output 'auto' stands alone",
            ),
            (
                "[output]\nkind = [\"pipewire\", \"pipewire\"]\n",
                "output.kind: output 'pipewire' is named twice",
            ),
            ("[output]\nkind = 1\n", "line 2: invalid type"),
            (
                "[output]\nformat = \"MJPG\"\n",
                "output.format: unknown format",
            ),
            (
                "[camera]\nwidth = 1\nheight = 1\n",
                "camera.width: '1' is not a size: give an even number of pixels from 2 to 8192 \
                 (and 1 more)",
            ),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.starts_with(wanted), "{text:?}: {error}");
            assert!(!error.contains('\n'), "{text:?}: {error}");
        }
    }
}
