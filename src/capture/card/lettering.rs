//! Shapes text and returns its outlines.

use std::rc::Rc;

use rustybuzz::ttf_parser::{GlyphId, OutlineBuilder, Tag};
use rustybuzz::{Face, UnicodeBuffer, Variation, shape};
use tiny_skia::{Path, PathBuilder};

/// Height of capitals in font sizes, if the font doesn't specify it.
const CAPITALS: f32 = 0.7;

/// A font in one weight. All lengths are in font sizes.
#[derive(Clone)]
pub struct Font {
    data: Rc<Vec<u8>>,
    index: u32,
    /// The weight to set, if the font is variable.
    weight: Option<f32>,
}

impl Font {
    pub fn new(data: Rc<Vec<u8>>, index: u32, weight: Option<f32>) -> Self {
        Self {
            data,
            index,
            weight,
        }
    }

    fn face(&self) -> Option<Face<'_>> {
        let mut face = Face::from_slice(&self.data, self.index)?;
        let weight = self.weight.map(|value| Variation {
            tag: Tag::from_bytes(b"wght"),
            value,
        });
        face.set_variations(weight.as_slice());
        Some(face)
    }

    pub fn capitals(&self) -> f32 {
        let height = self.face().and_then(|face| {
            let height = face.capital_height().filter(|height| *height > 0)?;
            Some(f32::from(height) * unit(&face))
        });
        height.unwrap_or(CAPITALS)
    }

    pub fn width(&self, text: &str) -> f32 {
        self.write(text).0
    }

    /// The outlines of a line of text from (0, 0) to the right, with its baseline at y = 0 and y
    /// downwards. `None` if nothing is visible.
    pub fn outline(&self, text: &str) -> Option<Path> {
        self.write(text).1
    }

    /// The width of a line of text, and its outlines.
    fn write(&self, text: &str) -> (f32, Option<Path>) {
        let Some(face) = self.face() else {
            return (0.0, None); // can't fail: the font was loaded before
        };
        let mut buffer = UnicodeBuffer::new();
        buffer.push_str(text);
        let glyphs = shape(&face, &[], buffer);
        let unit = unit(&face);
        let mut pen = Pen {
            path: PathBuilder::new(),
            at: (0.0, 0.0),
            unit,
        };
        let mut right = 0.0;
        for (info, place) in glyphs.glyph_infos().iter().zip(glyphs.glyph_positions()) {
            pen.at = (
                right + length(place.x_offset) * unit,
                -length(place.y_offset) * unit,
            );
            let glyph = GlyphId(u16::try_from(info.glyph_id).unwrap_or(0));
            // A space has no outline.
            let _ = face.outline_glyph(glyph, &mut pen);
            right += length(place.x_advance) * unit;
        }
        (right, pen.path.finish())
    }
}

/// A font unit in font sizes.
fn unit(face: &Face<'_>) -> f32 {
    1.0 / length(face.units_per_em().max(1))
}

/// Fonts have some thousands of units per em, so this is exact.
#[expect(clippy::cast_precision_loss)]
fn length(units: i32) -> f32 {
    units as f32
}

/// Draws glyphs into one path.
struct Pen {
    path: PathBuilder,
    /// The origin of the current glyph.
    at: (f32, f32),
    unit: f32,
}

impl Pen {
    /// A glyph's point (y upwards) in the path (y downwards).
    fn point(&self, x: f32, y: f32) -> (f32, f32) {
        (self.at.0 + x * self.unit, self.at.1 - y * self.unit)
    }
}

impl OutlineBuilder for Pen {
    fn move_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.point(x, y);
        self.path.move_to(x, y);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.point(x, y);
        self.path.line_to(x, y);
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        let ((x1, y1), (x, y)) = (self.point(x1, y1), self.point(x, y));
        self.path.quad_to(x1, y1, x, y);
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        let (x1, y1) = self.point(x1, y1);
        let ((x2, y2), (x, y)) = (self.point(x2, y2), self.point(x, y));
        self.path.cubic_to(x1, y1, x2, y2, x, y);
    }

    fn close(&mut self) {
        self.path.close();
    }
}

#[cfg(test)]
mod tests {
    use crate::capture::card::fonts::Fonts;

    #[test]
    fn letters_are_on_the_baseline_side_by_side() {
        let font = Fonts::find("AHVo ").expect("the system has fonts").title;
        let bounds = font.outline("HoH").unwrap().bounds();
        assert!((bounds.top() + font.capitals()).abs() < 0.05, "{bounds:?}");
        assert!(bounds.bottom().abs() < 0.05, "{bounds:?}");
        assert!(bounds.left() >= 0.0 && bounds.right() <= font.width("HoH"));
        assert!(font.width("H H") > font.width("HH"));
        assert!(font.width("AV") <= font.width("A") + font.width("V")); // not every font kerns
        assert!(font.outline(" ").is_none());
    }
}
