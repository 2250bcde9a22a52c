//! Finding the fonts of the words, wherever the system keeps them.
//!
//! No fontconfig: it would be one more library to load, and what it knows beyond the files (aliases,
//! the user's own choice) is for documents, not for a card that looks the same to everybody.

mod candidate;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use self::candidate::load;
use super::lettering::Font;

/// Families of the words, the desktop's own first, then what systems fall back to.
const FAMILIES: [&str; 7] = [
    "Adwaita Sans",
    "Cantarell",
    "Inter",
    "Noto Sans",
    "Ubuntu",
    "DejaVu Sans",
    "Liberation Sans",
];
/// Weights of the two lines of text, as CSS counts them.
const BOLD: u16 = 700;
const REGULAR: u16 = 400;
/// Folders within folders up to which fonts are looked for; a loop of links ends here.
const DEPTH: u32 = 6;

/// The fonts of the two lines of text.
pub struct Fonts {
    /// The large line's.
    pub title: Font,
    /// The small line's.
    pub line: Font,
}

impl Fonts {
    /// The system's best fonts with all of these letters; `None` if it has none.
    pub fn find(letters: &str) -> Option<Self> {
        Self::find_in(&directories(), letters)
    }

    fn find_in(directories: &[PathBuf], letters: &str) -> Option<Self> {
        let mut files = Vec::new();
        for directory in directories {
            collect(directory, DEPTH, &mut files);
        }
        FAMILIES
            .iter()
            .find_map(|family| Self::of_family(&files, family, letters))
            .or_else(|| {
                // Any one is better than none.
                let any = files.iter().find_map(|path| any_of(path, letters))?;
                Some(Self {
                    title: any.clone(),
                    line: any,
                })
            })
    }

    fn of_family(files: &[PathBuf], family: &str, letters: &str) -> Option<Self> {
        let files: Vec<_> = files.iter().filter(|path| may_be(path, family)).collect();
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

/// Where fonts are, the user's own first.
fn directories() -> Vec<PathBuf> {
    let variable = |name: &str| env::var_os(name).filter(|value| !value.is_empty());
    let below_home = || variable("HOME").map(|home| Path::new(&home).join(".local/share"));
    let own = variable("XDG_DATA_HOME").map(PathBuf::from);
    let system = variable("XDG_DATA_DIRS").unwrap_or_default();
    let mut all: Vec<_> = own.or_else(below_home).into_iter().collect();
    all.extend(env::split_paths(&system));
    // Whatever a variable says, these have fonts.
    all.extend(["/usr/local/share", "/usr/share"].map(PathBuf::from));
    all.retain(|path| path.is_absolute());
    all.iter().map(|path| path.join("fonts")).collect()
}

/// Adds the font files below a directory, in an order that stays the same.
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

/// Whether the file's name lets expect the family: there can be thousands, and each has to be read to
/// be sure. What follows the family is apart from it (`-Bold`, `[wght]`).
fn may_be(path: &Path, family: &str) -> bool {
    let stem = path.file_stem().and_then(|stem| stem.to_str());
    let name = stem.and_then(|stem| stem.split(['-', '[', '_', '.']).next());
    let family: String = family.split(' ').collect();
    name.is_some_and(|name| name.strip_suffix("Variable").unwrap_or(name) == family)
}

/// An upright font of the file that has all letters.
fn any_of(path: &Path, letters: &str) -> Option<Font> {
    load(path)
        .into_iter()
        .find(|font| font.is_upright() && font.has(letters))
        .map(|font| font.into_font(REGULAR))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_told_by_their_names() {
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
            assert_eq!(may_be(Path::new(file), family), expected, "{file}");
        }
        assert!(is_font(Path::new("a.TTF")) && !is_font(Path::new("a.pfb")));
    }

    #[test]
    fn without_fonts_there_are_no_words() {
        let directory = tempfile::tempdir().unwrap();
        let font = directory.path().join("Inter.ttf");
        fs::write(font, "no font").unwrap();
        std::os::unix::fs::symlink(directory.path(), directory.path().join("loop")).unwrap();
        let places = [directory.path().to_owned(), PathBuf::from("/absent")];
        assert!(Fonts::find_in(&places, "a").is_none());
    }

    #[test]
    fn a_font_has_every_letter_or_is_none() {
        // Not a letter, and never will be.
        assert!(Fonts::find("\u{10ffff}").is_none());
    }

    /// Whatever the file is called: as a system has it that knows none of the families.
    #[test]
    fn any_font_is_better_than_none() {
        let mut files = Vec::new();
        for directory in directories() {
            collect(&directory, DEPTH, &mut files);
        }
        let file = files.iter().find(|path| any_of(path, "a").is_some());
        let file = file.expect("the system has fonts");
        let directory = tempfile::tempdir().unwrap();
        fs::copy(file, directory.path().join("nameless.otf")).unwrap();
        let fonts = Fonts::find_in(&[directory.path().to_owned()], "a").unwrap();
        assert!(fonts.title.width("aa") > fonts.line.width("a"));
    }
}
