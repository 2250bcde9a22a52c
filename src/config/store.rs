//! Writing the config file: what changed, and nothing else.
//!
//! The file belongs to the user. A change of one setting leaves every other byte as it is, comments
//! and unknown keys too, and a file that can't be understood isn't written at all. The new text
//! takes the old one's place by renaming, so that no process ever reads half of it.

use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use toml_edit::{Document, Item, Table, Value};

use super::{describe, file, read};
use crate::i18n::gettext_f;
use crate::settings::Settings;
use crate::settings::key::Key;

/// Why the file is as it was.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// It can't be read or understood, so that nothing is known about what would be lost. Holds one
    /// line about the file.
    #[error("{}", gettext_f("correct the config file first: {problem}", &[("problem", .0)]))]
    Unusable(String),
    /// The new file can't be written, or not be put in place.
    #[error("{}", gettext_f("cannot save {file}: {reason}", &[("file", &path.to_string_lossy()), ("reason", &source.to_string())]))]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system reports.
        source: io::Error,
    },
}

/// Changes settings in the config file, as it is now and not as it was when it was last read.
pub fn edit(path: &Path, change: impl FnOnce(&mut Settings)) -> Result<(), EditError> {
    let unusable = |problem: String| EditError::Unusable(describe(path, &problem));
    let old = read::read(path).map_err(unusable)?.unwrap_or_default();
    let (before, _) = file::parse(&old).map_err(unusable)?;
    let mut after = before.clone();
    change(&mut after);
    let mut new = old.clone();
    for (key, file_type) in Key::in_file() {
        let text = key.get(&after);
        if text != key.get(&before) {
            let value = file::value(&text, file_type);
            new = with(&new, key, value).map_err(|error| unusable(error.to_string()))?;
        }
    }
    if new == old {
        return Ok(());
    }
    let has_secret = |settings: &Settings| settings.camera.source.has_secret();
    let has_new_secret = has_secret(&after) && !has_secret(&before);
    replace(&resolve(path), &new, has_new_secret).map_err(|source| EditError::Write {
        path: path.to_owned(),
        source,
    })
}

/// The file's text with another value for a key.
fn with(text: &str, key: &Key, value: Value) -> Result<String, toml_edit::TomlError> {
    let document = Document::parse(text)?;
    let old = document
        .get(key.section)
        .and_then(|section| section.get(key.name));
    if let Some(span) = old.and_then(Item::span) {
        let mut text = text.to_owned();
        text.replace_range(span, &value.to_string());
        return Ok(text);
    }
    let mut document = document.into_mut();
    let section = document
        .entry(key.section)
        .or_insert(Item::Table(Table::new()));
    if let Some(table) = section.as_table_like_mut() {
        table.insert(key.name, value.into());
    }
    Ok(document.to_string())
}

/// Permissions of a file that only its owner reads, and of any other new one before the umask.
const PRIVATE: u32 = 0o600;
const PLAIN: u32 = 0o666;

/// Puts the new text in place of the old one in one step, with the old one's permissions. With its
/// first password, the file becomes its owner's alone.
fn replace(path: &Path, text: &str, has_new_secret: bool) -> io::Result<()> {
    path.parent().map_or(Ok(()), fs::create_dir_all)?;
    let old = fs::metadata(path).ok().map(|file| file.permissions());
    let permissions = match old {
        Some(old) if has_new_secret => Some(Permissions::from_mode(old.mode() & PRIVATE)),
        None if has_new_secret => Some(Permissions::from_mode(PRIVATE)),
        old => old,
    };
    // Of this process: another one may be writing, too.
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let new = path.with_file_name(format!(".{name}.{}", std::process::id()));
    let written = write(&new, text, permissions).and_then(|()| fs::rename(&new, path));
    written.inspect_err(|_| drop(fs::remove_file(&new)))
}

/// Writes a new file, to the disk. With permissions given, no other user can open it before it has them.
fn write(path: &Path, text: &str, permissions: Option<Permissions>) -> io::Result<()> {
    // What a killed process has left.
    drop(fs::remove_file(path));
    let mode = permissions.as_ref().map_or(PLAIN, |_| PRIVATE);
    let mut options = File::options();
    let mut file = options.write(true).create_new(true).mode(mode).open(path)?;
    if let Some(permissions) = permissions {
        file.set_permissions(permissions)?;
    }
    file.write_all(text.as_bytes())?;
    // Else a machine that is switched off now could have an empty file under the final name.
    file.sync_all()
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
    use std::os::unix::fs::symlink;
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

        fn edit(&self, change: impl FnOnce(&mut Settings)) {
            edit(&self.path, change).unwrap();
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
        edit(&path, mirror).unwrap();
        assert_eq!(
            fs::read_to_string(&path).unwrap(),
            "[camera]\ntransform = \"mirror\"\n"
        );
    }

    /// A file as people write them: comments, blanks, tabs, quotes and an order of their own.
    const ODD: &str = "# mine\n\n\tzoo=2026-11-20   # a date\n\n[delays]\ncooldown_ms = \"100\"# ms\n\n\
                       [ camera ] # the good one\n  width   =  640\t# narrow\n\n# of the table\n\
                       'height' = 4_80 # low\nlens = \"wide\"\n# [output]\n\n\
                       [extra.deep]\na = [1,\n  2, # two\n]\n[desktop]\r\ntray=true # last";

    #[test]
    fn only_the_changed_value_changes() {
        let home = Home::new(ODD);
        home.edit(|settings| settings.camera.height = 360);
        assert_eq!(home.text(), ODD.replace("4_80", "360"));
        assert_eq!(home.names(), ["lenscap.toml"]);
        home.edit(|settings| settings.desktop.tray = false);
        let both = ODD
            .replace("4_80", "360")
            .replace("tray=true", "tray=false");
        assert_eq!(home.text(), both);
    }

    #[test]
    fn a_new_key_goes_into_its_section() {
        let home = Home::new(ODD.trim_end_matches(" # last"));
        home.edit(mirror);
        let before = "lens = \"wide\"\n";
        let wanted = ODD.replace(before, &format!("{before}transform = \"mirror\"\n"));
        assert_eq!(
            home.text(),
            wanted.replace("\r\n", "\n").replace(" # last", "\n")
        );
        let home = Home::new("# mine\n[extra]\na = 1\n# the end\n");
        home.edit(|settings| settings.desktop.tray = false);
        let wanted = "# mine\n[extra]\na = 1\n\n[desktop]\ntray = false\n# the end\n";
        assert_eq!(home.text(), wanted);
        let home = Home::new("desktop = { autostart = true } # short\n");
        home.edit(|settings| settings.desktop.tray = false);
        let wanted = "desktop = { autostart = true , tray = false } # short\n";
        assert_eq!(home.text(), wanted);
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
        wanted.desktop.restart_after_update = false;
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
        home.edit(mirror);
        assert!(home.text().starts_with("[desktop]\ntray = false\n"));
    }

    #[test]
    fn a_broken_file_is_left_alone() {
        for broken in ["[camera\n", "[camera]\nwidth = 1001\n", "camera = 1\n"] {
            let home = Home::new(broken);
            let error = edit(&home.path, mirror).unwrap_err().to_string();
            let wanted = format!("correct the config file first: {}: ", home.path.display());
            assert!(error.starts_with(&wanted), "{error}");
            assert!(!error.contains('\n'), "{error}");
            assert_eq!(home.text(), broken);
            assert_eq!(home.names(), ["lenscap.toml"]);
        }
    }

    #[test]
    fn links_stay_links_and_permissions_stay() {
        let home = Home::new("[desktop]\ntray = false\n");
        fs::set_permissions(&home.path, fs::Permissions::from_mode(0o600)).unwrap();
        let inner = home.dir.path().join("inner");
        let outer = home.dir.path().join("outer");
        symlink("lenscap.toml", &inner).unwrap();
        symlink(&inner, &outer).unwrap();
        edit(&outer, mirror).unwrap();
        assert!(fs::symlink_metadata(&outer).unwrap().is_symlink());
        assert!(fs::symlink_metadata(&inner).unwrap().is_symlink());
        assert!(home.text().contains("mirror"));
        let mode = fs::metadata(&home.path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn the_first_password_makes_the_file_private() {
        let name =
            |settings: &mut Settings, url: &str| settings.camera.source = url.parse().unwrap();
        let home = Home::new("");
        let mode = || fs::metadata(&home.path).unwrap().permissions().mode() & 0o777;
        let allow = |mode| fs::set_permissions(&home.path, Permissions::from_mode(mode)).unwrap();
        allow(0o644);
        home.edit(|settings| name(settings, "rtsp://camera/a"));
        assert_eq!(mode(), 0o644);
        home.edit(|settings| name(settings, "rtsp://me:secret@camera/a"));
        assert_eq!(mode(), 0o600);
        // The user may allow others to read it again.
        allow(0o640);
        home.edit(|settings| name(settings, "rtsp://me:other@camera/a"));
        assert_eq!(mode(), 0o640);
        fs::remove_file(&home.path).unwrap();
        home.edit(|settings| name(settings, "rtsp://me:secret@camera/a"));
        assert_eq!(mode(), 0o600);
    }

    /// The new file has its permissions before it has its text.
    #[test]
    fn a_file_left_by_a_killed_process_is_not_used() {
        let home = Home::new("");
        let left = format!(".lenscap.toml.{}", std::process::id());
        let left = home.dir.path().join(left);
        fs::write(&left, "").unwrap();
        let reader = File::open(&left).unwrap();
        home.edit(mirror);
        assert_eq!(reader.metadata().unwrap().len(), 0);
        assert_eq!(home.names(), ["lenscap.toml"]);
    }

    #[test]
    fn a_link_to_what_is_not_there_yet_is_followed() {
        let home = Home::new("");
        let link = home.dir.path().join("link.toml");
        symlink("sub/there.toml", &link).unwrap();
        edit(&link, mirror).unwrap();
        assert!(home.dir.path().join("sub/there.toml").exists());
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    }

    #[test]
    fn what_cannot_be_read_or_written_is_told_and_left_alone() {
        let home = Home::new("");
        let error = edit(home.dir.path(), mirror).unwrap_err();
        assert!(matches!(error, EditError::Unusable(_)), "{error}");
        let path = Path::new("/proc/self/lenscap.toml");
        let error = edit(path, mirror).unwrap_err();
        let text = error.to_string();
        assert!(
            text.starts_with("cannot save /proc/self/lenscap.toml: "),
            "{text}"
        );
        assert!(!text.contains('\n'), "{text}");
    }
}
