//! A font in a file, before it is chosen.

use std::path::Path;
use std::rc::Rc;

use rustybuzz::Face;
use rustybuzz::ttf_parser::{Tag, Width, fonts_in_collection, name_id};

use crate::capture::card::lettering::Font;
use crate::small_file;

/// Suffix of the family name of variable fonts.
const VARIABLE: &str = " Variable";

/// The largest font files, of whole families of Chinese characters, have a hundred megabytes.
const MOST_BYTES: u64 = 256 << 20;

/// One font of a file, which may have several.
pub struct Candidate {
    data: Rc<Vec<u8>>,
    index: u32,
}

/// The fonts in a file; none if it can't be read or parsed.
pub fn load(path: &Path) -> Vec<Candidate> {
    let Ok(data) = small_file::read(path, MOST_BYTES) else {
        return Vec::new();
    };
    let data = Rc::new(data);
    let count = fonts_in_collection(&data).unwrap_or(1);
    let candidates = (0..count).map(|index| Candidate {
        data: Rc::clone(&data),
        index,
    });
    candidates.collect()
}

impl Candidate {
    fn face(&self) -> Option<Face<'_>> {
        Face::from_slice(&self.data, self.index)
    }

    /// Whether it belongs to this family, is upright and of normal width.
    pub fn is_plain(&self, family: &str) -> bool {
        let Some(face) = self.face() else {
            return false;
        };
        let is_name = |id| id == name_id::TYPOGRAPHIC_FAMILY || id == name_id::FAMILY;
        let mut names = face
            .names()
            .into_iter()
            .filter(|name| is_name(name.name_id));
        let is_family = |name: String| name.strip_suffix(VARIABLE).unwrap_or(&name) == family;
        names.any(|name| name.to_string().is_some_and(is_family))
            && !face.is_italic()
            && face.width() == Width::Normal
    }

    /// Whether it is neither italic nor oblique.
    pub fn is_upright(&self) -> bool {
        self.face().is_some_and(|face| !face.is_italic())
    }

    /// Whether it has glyphs for all of these letters.
    pub fn has(&self, letters: &str) -> bool {
        let shown = |letter: &char| !letter.is_whitespace();
        self.face().is_some_and(|face| {
            let mut letters = letters.chars().filter(shown);
            letters.all(|letter| face.glyph_index(letter).is_some())
        })
    }

    /// The difference between its weight and the wanted one.
    pub fn distance(&self, weight: u16) -> u16 {
        if self.variable_weight(weight).is_some() {
            return 0;
        }
        let own = self.face().map(|face| face.weight().to_number());
        own.map_or(u16::MAX, |own| own.abs_diff(weight))
    }

    /// The weight to set, if the font is variable.
    fn variable_weight(&self, weight: u16) -> Option<f32> {
        let weight = f32::from(weight);
        let mut all = self.face()?.variation_axes().into_iter();
        let axis = all.find(|axis| axis.tag == Tag::from_bytes(b"wght"))?;
        Some(weight.clamp(axis.min_value, axis.max_value))
    }

    /// The font in this weight, if it is variable, else in its own.
    pub fn into_font(self, weight: u16) -> Font {
        let weight = self.variable_weight(weight);
        Font::new(self.data, self.index, weight)
    }
}
