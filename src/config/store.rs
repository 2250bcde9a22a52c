//! Writing the config file: what changed, and nothing else.
//!
//! The file belongs to the user. A change of one setting leaves every other key as it stands there,
//! known or not, and a file that can't be understood is set aside rather than overwritten. The new
//! text takes the old one's place by renaming, so that nobody ever reads half of it; confy writes it
//! (alone it would truncate the old text first).

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use confy::ConfyError;
use toml::{Table, Value};

use super::file;
use crate::i18n::gettext_f;
use crate::settings::{self, Settings};

/// What came of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edited {
    /// The settings that the file now holds.
    pub settings: Settings,
    /// Where the old file is, if it could not be understood and a new one took its place.
    pub set_aside: Option<PathBuf>,
}

/// Why the file is as it was.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// It can't be read, and so nothing is known about what would be lost.
    #[error("{}", gettext_f("cannot read {file}: {reason}", &[("file", &path.to_string_lossy()), ("reason", &source.to_string())]))]
    Read {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: io::Error,
    },
    /// The new file can't be written, or not be put in place.
    #[error("{}", gettext_f("cannot save {file}: {reason}", &[("file", &path.to_string_lossy()), ("reason", reason)]))]
    Write {
        /// The file.
        path: PathBuf,
        /// What is wrong, in the words of who said so.
        reason: String,
    },
}

/// Changes settings in the config file, as it is now and not as it was when it was last looked at.
///
/// A file that can't be understood is kept under a name of its own; the new one then starts from
/// `last_good`.
pub fn edit(
    path: &Path,
    last_good: &Settings,
    change: impl FnOnce(&mut Settings),
) -> Result<Edited, EditError> {
    let path = resolve(path);
    let read = read(&path)?;
    let text = String::from_utf8_lossy(&read);
    let is_text = matches!(text, std::borrow::Cow::Borrowed(_));
    let known = is_text
        .then(|| Some((file::parse(&text).ok()?.0, text.parse::<Table>().ok()?)))
        .flatten();
    if let Some((before, mut table)) = known {
        let mut after = before.clone();
        change(&mut after);
        if after != before {
            lay_over(&mut table, &before, &after);
            replace(&path, &table)?;
        }
        return Ok(Edited {
            settings: after,
            set_aside: None,
        });
    }
    let mut after = last_good.clone();
    change(&mut after);
    let mut table = Table::new();
    lay_over(&mut table, &Settings::default(), &after);
    let aside = beside(&path, "", ".broken");
    fs::copy(&path, &aside).map_err(|error| unwritten(&aside, &error))?;
    replace(&path, &table)?;
    Ok(Edited {
        settings: after,
        set_aside: Some(aside),
    })
}

/// The file's bytes; a missing file is an empty one.
fn read(path: &Path) -> Result<Vec<u8>, EditError> {
    match fs::read(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        read => read.map_err(|source| EditError::Read {
            path: path.to_owned(),
            source,
        }),
    }
}

/// Sets the keys whose values differ.
fn lay_over(table: &mut Table, before: &Settings, after: &Settings) {
    let changes = entries(before).into_iter().zip(entries(after));
    for (_, (section, key, value)) in changes.filter(|(before, after)| before != after) {
        let section = table.entry(section).or_insert_with(|| Table::new().into());
        if let Some(section) = section.as_table_mut() {
            section.insert(key.to_owned(), value);
        }
    }
}

/// One kind as a word, several as a list.
fn kinds(output: &settings::Output) -> Value {
    let kinds: Vec<_> = output.specs.iter().map(|spec| spec.kind.name()).collect();
    match kinds[..] {
        [kind] => kind.into(),
        _ => kinds.into(),
    }
}

/// Every key that the file may have: its section, its name and its value.
fn entries(settings: &Settings) -> [(&'static str, &'static str, Value); 16] {
    let Settings {
        camera,
        delays,
        output,
        desktop,
    } = settings;
    let device = output.device();
    let device = device.map_or("auto".into(), |path| path.display().to_string());
    let format = output.format.map_or("auto", |format| format.name());
    [
        ("camera", "source", camera.source.revealed().into()),
        ("camera", "width", camera.width.into()),
        ("camera", "height", camera.height.into()),
        ("camera", "framerate", camera.framerate.into()),
        ("camera", "buffer_count", camera.buffer_count.into()),
        ("camera", "transform", camera.transform.name().into()),
        (
            "delays",
            "activation_ms",
            number(delays.activation.to_string()),
        ),
        (
            "delays",
            "cooldown_ms",
            number(delays.cooldown.as_millis().to_string()),
        ),
        ("output", "kind", kinds(output)),
        ("output", "device", device.into()),
        ("output", "format", format.into()),
        (
            "output",
            "placeholder",
            output.placeholder.to_string().into(),
        ),
        ("desktop", "tray", desktop.tray.into()),
        ("desktop", "notifications", desktop.notifications.into()),
        ("desktop", "autostart", desktop.autostart.into()),
        (
            "desktop",
            "cover_when_locked",
            desktop.cover_when_locked.into(),
        ),
    ]
}

/// A number where the text is one, as people would write it into the file.
fn number(text: String) -> Value {
    text.parse::<i64>().map_or(Value::String(text), Value::from)
}

/// Puts the new text in place of the old one in one step, with the old one's permissions.
fn replace(path: &Path, table: &Table) -> Result<(), EditError> {
    // Of this process: another one may be writing, too.
    let new = beside(path, ".", &format!(".{}", std::process::id()));
    let written = confy::store_path(&new, table)
        .map_err(|error| reason(&error))
        .and_then(|()| {
            let renamed = keep_permissions(path, &new).and_then(|()| fs::rename(&new, path));
            renamed.map_err(|error| error.to_string())
        });
    written.map_err(|reason| {
        let _ = fs::remove_file(&new);
        unwritten(path, &reason)
    })
}

fn keep_permissions(old: &Path, new: &Path) -> io::Result<()> {
    match fs::metadata(old) {
        Ok(old) => fs::set_permissions(new, old.permissions()),
        Err(_) => Ok(()), // there was none
    }
}

/// confy's own words leave the reason out.
fn reason(error: &ConfyError) -> String {
    let source = std::error::Error::source(error);
    source.map_or_else(|| error.to_string(), ToString::to_string)
}

fn unwritten(path: &Path, reason: &dyn std::fmt::Display) -> EditError {
    EditError::Write {
        path: path.to_owned(),
        reason: reason.to_string(),
    }
}

/// A file in the same directory, so that renaming is one step.
fn beside(path: &Path, before: &str, after: &str) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!("{before}{name}{after}"))
}

/// Symlinks followed before the path counts as a loop; the kernel's own limit.
const MOST_LINKS: usize = 40;

/// The file behind symlinks, whether it is there or not: a link into somebody's collection of
/// dotfiles must stay one.
fn resolve(path: &Path) -> PathBuf {
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        let Ok(target) = fs::read_link(&path) else {
            break;
        };
        path = path.parent().unwrap_or(Path::new("")).join(target);
    }
    path
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::time::Duration;

    use super::*;
    use crate::settings::{Delay, PixelFormat, PlaceholderSpec, Transform};

    struct Home {
        dir: tempfile::TempDir,
        path: PathBuf,
    }

    impl Home {
        fn new(text: &str) -> Self {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("lenscap.toml");
            fs::write(&path, text).unwrap();
            Self { dir, path }
        }

        fn edit(&self, change: impl FnOnce(&mut Settings)) -> Edited {
            edit(&self.path, &Settings::default(), change).unwrap()
        }

        fn text(&self) -> String {
            fs::read_to_string(&self.path).unwrap()
        }

        fn names(&self) -> Vec<String> {
            let entries = fs::read_dir(self.dir.path()).unwrap();
            let mut names: Vec<_> = entries
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect();
            names.sort();
            names
        }
    }

    fn mirror(settings: &mut Settings) {
        settings.camera.transform = Transform::Mirror;
    }

    #[test]
    fn a_change_makes_the_file_and_its_directory_and_names_only_itself() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lenscap").join("lenscap.toml");
        edit(&path, &Settings::default(), mirror).unwrap();
        assert_eq!(
            fs::read_to_string(&path).unwrap(),
            "[camera]\ntransform = \"mirror\"\n"
        );
    }

    #[test]
    fn everything_else_stays_as_it_stands() {
        let home = Home::new(
            "zoo = 2026-11-20\n[delays]\ncooldown_ms = \"100\"\n\
             [camera]\nwidth = 640\nlens = \"wide\"\nheight = 480\n[extra.deep]\na = [1, 2]\n",
        );
        home.edit(|settings| settings.camera.height = 360);
        assert_eq!(
            home.text(),
            "zoo = 2026-11-20\n\n[delays]\ncooldown_ms = \"100\"\n\n\
             [camera]\nwidth = 640\nlens = \"wide\"\nheight = 360\n\n[extra.deep]\na = [\n    1,\n    2,\n]\n"
        );
        assert_eq!(home.names(), ["lenscap.toml"]);
    }

    #[test]
    fn every_setting_is_read_back_as_it_was_written() {
        let mut wanted = Settings::default();
        wanted.camera.source = "pipeline:videotestsrc".parse().unwrap();
        wanted.camera.width = 640;
        wanted.camera.height = 480;
        wanted.camera.framerate = 15;
        wanted.camera.buffer_count = 4;
        wanted.camera.transform = Transform::Flip;
        wanted.delays.activation = Delay::Fixed(Duration::from_millis(250));
        wanted.delays.cooldown = Duration::from_secs(1);
        wanted.output.specs = vec![
            "v4l2loopback:/dev/video9".parse().unwrap(),
            "pipewire".parse().unwrap(),
        ];
        wanted.output.format = Some(PixelFormat::Nv12);
        wanted.output.placeholder = PlaceholderSpec::Image("/a b.png".into());
        wanted.desktop.tray = false;
        wanted.desktop.notifications = false;
        wanted.desktop.autostart = true;
        wanted.desktop.cover_when_locked = true;
        let home = Home::new("");
        home.edit(|settings| *settings = wanted.clone());
        let (read, warnings) = file::parse(&home.text()).unwrap();
        assert_eq!(read, wanted);
        assert_eq!(warnings, Vec::<String>::new());
        assert!(home.text().contains("\nactivation_ms = 250\n"));
        home.edit(|settings| *settings = Settings::default());
        assert_eq!(file::parse(&home.text()).unwrap().0, Settings::default());
    }

    #[test]
    fn what_changes_nothing_writes_nothing() {
        let home = Home::new("# mine\n[desktop]\ntray = true\n");
        home.edit(|settings| settings.desktop.tray = true);
        assert_eq!(home.text(), "# mine\n[desktop]\ntray = true\n");
    }

    #[test]
    fn a_change_is_laid_over_what_another_has_just_written() {
        let home = Home::new("[desktop]\ntray = false\n");
        let edited = home.edit(mirror);
        assert!(!edited.settings.desktop.tray);
        assert!(home.text().starts_with("[desktop]\ntray = false\n"));
    }

    #[test]
    fn a_broken_file_is_set_aside_and_the_last_good_settings_live_on() {
        for broken in ["[camera\n", "[camera]\nwidth = 1001\n", "camera = 1\n"] {
            let home = Home::new(broken);
            let mut last_good = Settings::default();
            last_good.camera.width = 640;
            let edited = edit(&home.path, &last_good, mirror).unwrap();
            let aside = home.dir.path().join("lenscap.toml.broken");
            assert_eq!(fs::read_to_string(&aside).unwrap(), broken);
            assert_eq!(edited.set_aside, Some(aside));
            assert_eq!(
                home.text(),
                "[camera]\nwidth = 640\ntransform = \"mirror\"\n"
            );
        }
        let home = Home::new("");
        fs::write(&home.path, b"# \xe9\n").unwrap();
        assert!(home.edit(mirror).set_aside.is_some());
    }

    #[test]
    fn links_stay_links_and_permissions_stay() {
        let home = Home::new("[desktop]\ntray = false\n");
        fs::set_permissions(&home.path, fs::Permissions::from_mode(0o600)).unwrap();
        let inner = home.dir.path().join("inner");
        let outer = home.dir.path().join("outer");
        symlink("lenscap.toml", &inner).unwrap();
        symlink(&inner, &outer).unwrap();
        edit(&outer, &Settings::default(), mirror).unwrap();
        assert!(fs::symlink_metadata(&outer).unwrap().is_symlink());
        assert!(fs::symlink_metadata(&inner).unwrap().is_symlink());
        assert!(home.text().contains("mirror"));
        let mode = fs::metadata(&home.path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_link_to_what_is_not_there_yet_is_followed() {
        let home = Home::new("");
        let link = home.dir.path().join("link.toml");
        symlink("sub/there.toml", &link).unwrap();
        edit(&link, &Settings::default(), mirror).unwrap();
        assert!(home.dir.path().join("sub/there.toml").exists());
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    }

    #[test]
    fn what_cannot_be_read_or_written_is_told_and_left_alone() {
        let home = Home::new("");
        let error = edit(home.dir.path(), &Settings::default(), mirror).unwrap_err();
        assert!(matches!(error, EditError::Read { .. }), "{error}");
        let path = Path::new("/proc/self/lenscap.toml");
        let error = edit(path, &Settings::default(), mirror).unwrap_err();
        let text = error.to_string();
        assert!(
            text.starts_with("cannot save /proc/self/lenscap.toml: "),
            "{text}"
        );
        assert!(!text.contains('\n'), "{text}");
    }
}
