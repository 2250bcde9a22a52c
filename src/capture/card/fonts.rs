//! Finds the system's fonts for the cards' text.
//!
//! Without fontconfig, as a further library to load: its aliases and user settings are meant for
//! documents, not for a card that should look the same everywhere.

mod candidate;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use self::candidate::load;
use super::lettering::Font;

/// Font families, desktops' own first, then common fallbacks.
const FAMILIES: [&str; 7] = [
    "Adwaita Sans",
    "Cantarell",
    "Inter",
    "Noto Sans",
    "Ubuntu",
    "DejaVu Sans",
    "Liberation Sans",
];
/// Weights of the two lines of text, in CSS numbers.
const BOLD: u16 = 700;
const REGULAR: u16 = 400;
/// Depth of subdirectories to search; also ends a loop of links.
const MAX_DEPTH: u32 = 6;

/// The fonts of the two lines of text.
pub struct Fonts {
    pub title: Font,
    pub line: Font,
}

impl Fonts {
    /// The first of the families with all of these letters, else any font that has them.
    pub fn find(letters: &str) -> Option<Self> {
        Self::find_in(&directories(), letters)
    }

    fn find_in(directories: &[PathBuf], letters: &str) -> Option<Self> {
        let mut files = Vec::new();
        for directory in directories {
            collect(directory, MAX_DEPTH, &mut files);
        }
        FAMILIES
            .iter()
            .find_map(|family| Self::of_family(&files, family, letters))
            .or_else(|| {
                let any = files.iter().find_map(|path| load_any(path, letters))?;
                Some(Self {
                    title: any.clone(),
                    line: any,
                })
            })
    }

    fn of_family(files: &[PathBuf], family: &str, letters: &str) -> Option<Self> {
        let files: Vec<_> = files
            .iter()
            .filter(|path| name_matches(path, family))
            .collect();
        let of_weight = |weight| {
            let fonts = files.iter().flat_map(|path| load(path));
            let fonts = fonts.filter(|font| font.is_plain(family) && font.has(letters));
            let nearest = fonts.min_by_key(|font| font.distance(weight))?;
            Some(nearest.into_font(weight))
        };
        Some(Self {
            title: of_weight(BOLD)?,
            line: of_weight(REGULAR)?,
        })
    }
}

/// The font directories, the user's own first.
pub fn directories() -> Vec<PathBuf> {
    let variable = |name: &str| env::var_os(name).filter(|value| !value.is_empty());
    let below_home = || variable("HOME").map(|home| Path::new(&home).join(".local/share"));
    let own = variable("XDG_DATA_HOME").map(PathBuf::from);
    let system = variable("XDG_DATA_DIRS").unwrap_or_default();
    let mut all: Vec<_> = own.or_else(below_home).into_iter().collect();
    all.extend(env::split_paths(&system));
    // Always, in addition to XDG_DATA_DIRS.
    all.extend(["/usr/local/share", "/usr/share"].map(PathBuf::from));
    all.retain(|path| path.is_absolute());
    all.iter().map(|path| path.join("fonts")).collect()
}

/// Adds the font files below a directory, sorted.
fn collect(directory: &Path, depth: u32, files: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut paths: Vec<_> = entries.map(|entry| entry.path()).collect();
    paths.sort_unstable();
    for path in paths {
        if is_font(&path) {
            files.push(path);
        } else if depth > 0 && path.is_dir() {
            collect(&path, depth - 1, files);
        }
    }
}

fn is_font(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    extension.is_some_and(|extension| {
        let known = ["ttf", "otf", "ttc", "otc"];
        known.iter().any(|one| extension.eq_ignore_ascii_case(one))
    })
}

/// Whether a file's name matches the family. Only matching files are opened, since there can be
/// thousands. A separator may follow the family's name (`-Bold`, `[wght]`).
fn name_matches(path: &Path, family: &str) -> bool {
    let stem = path.file_stem().and_then(|stem| stem.to_str());
    let name = stem.and_then(|stem| stem.split(['-', '[', '_', '.']).next());
    let family: String = family.split(' ').collect();
    name.is_some_and(|name| name.strip_suffix("Variable").unwrap_or(name) == family)
}

/// An upright font in the file with all of these letters.
fn load_any(path: &Path, letters: &str) -> Option<Font> {
    load(path)
        .into_iter()
        .find(|font| font.is_upright() && font.has(letters))
        .map(|font| font.into_font(REGULAR))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_matched_by_their_names() {
        let fonts = [
            ("Inter[opsz,wght].ttf", "Inter", true),
            ("InterVariable.ttf", "Inter", true),
            ("NotoSans-Regular.ttf", "Noto Sans", true),
            ("Inter.var.ttf", "Inter", true),
            ("Ubuntu-B.ttf", "Ubuntu", true),
            ("DejaVuSans.ttf", "DejaVu Sans", true),
            ("DejaVuSansMono.ttf", "DejaVu Sans", false),
            ("NotoSansCJK-Regular.ttc", "Noto Sans", false),
        ];
        for (file, family, expected) in fonts {
            assert_eq!(name_matches(Path::new(file), family), expected, "{file}");
        }
        assert!(is_font(Path::new("a.TTF")) && !is_font(Path::new("a.pfb")));
    }

    #[test]
    fn invalid_fonts_are_ignored() {
        let directory = tempfile::tempdir().unwrap();
        let font = directory.path().join("Inter.ttf");
        fs::write(font, "no font").unwrap();
        std::os::unix::fs::symlink(directory.path(), directory.path().join("loop")).unwrap();
        let places = [directory.path().to_owned(), PathBuf::from("/absent")];
        assert!(Fonts::find_in(&places, "a").is_none());
    }

    #[test]
    fn a_font_without_a_letter_is_not_used() {
        // A noncharacter, which no font has.
        assert!(Fonts::find("\u{10ffff}").is_none());
    }

    #[test]
    fn a_font_of_another_family_is_the_fallback() {
        let mut files = Vec::new();
        for directory in directories() {
            collect(&directory, MAX_DEPTH, &mut files);
        }
        let file = files.iter().find(|path| load_any(path, "a").is_some());
        let file = file.expect("the system has fonts");
        let directory = tempfile::tempdir().unwrap();
        fs::copy(file, directory.path().join("nameless.otf")).unwrap();
        let fonts = Fonts::find_in(&[directory.path().to_owned()], "a").unwrap();
        assert!(fonts.title.width("aa") > fonts.line.width("a"));
    }
}
