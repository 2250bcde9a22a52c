//! Where things are on a card.
//!
//! All lengths derive from the shorter side, so that everything lies within the middle square: video
//! calls crop wide pictures to squares. Every card of a geometry has the same layout, so that nothing
//! jumps when one follows the other.

use super::fonts::Fonts;
use super::lettering::Font;
use super::words::{Wording, Words};
use crate::relay::Card;
use crate::settings::Geometry;

/// The glyph's radius, in shorter sides.
const GLYPH: f32 = 0.15;
/// The glyph's radius where it stands alone.
const GLYPH_ALONE: f32 = 0.25;
/// Sizes of the two lines of text, in shorter sides.
const TITLE: f32 = 0.072;
const LINE: f32 = 0.042;
/// From the glyph to the title, and from the title to the second line, in shorter sides.
const GAP_ABOVE_TITLE: f32 = 0.06;
const GAP_ABOVE_LINE: f32 = 0.022;
/// Height of a line of text in font sizes: what common fonts ask for between lines.
const LINE_HEIGHT: f32 = 1.2;
/// How much of the width a line of text may take.
const TEXT_WIDTH: f32 = 0.9;

/// Where things are on a card, in pixels from the upper left.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Layout {
    /// The middle of the glyph.
    pub center: (f32, f32),
    /// The glyph's radius.
    pub radius: f32,
    /// The large line of text.
    pub title: TextPlace,
    /// The small line of text.
    pub line: TextPlace,
}

/// Where a line of text is; it is centred from left to right.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TextPlace {
    /// What the letters stand on.
    pub baseline: f32,
    /// The font size.
    pub size: f32,
}

impl TextPlace {
    /// Text in a line that begins at `top`, with its capitals halfway down: what fonts say of their
    /// own height differs more than they look.
    fn below(top: f32, size: f32, font: &Font) -> Self {
        Self {
            baseline: top + f32::midpoint(LINE_HEIGHT, font.capitals()) * size,
            size,
        }
    }
}

impl Layout {
    /// The layout of cards with words in these fonts, or of ones with a glyph alone.
    pub fn new(geometry: Geometry, fonts: Option<&Fonts>, wording: Wording) -> Self {
        let (width, height) = (pixels(geometry.width), pixels(geometry.height));
        let side = width.min(height);
        let Some(fonts) = fonts else {
            return Self {
                center: (width / 2.0, height / 2.0),
                radius: side * GLYPH_ALONE,
                title: TextPlace::default(),
                line: TextPlace::default(),
            };
        };
        let titles = widest(&fonts.title, wording, |words| words.title);
        let lines = widest(&fonts.line, wording, |words| words.line);
        let title = side * TITLE.min(TEXT_WIDTH / titles);
        let line = side * LINE.min(TEXT_WIDTH / lines);
        let radius = side * GLYPH;
        let title_below = 2.0 * radius + side * GAP_ABOVE_TITLE;
        let line_below = title_below + title * LINE_HEIGHT + side * GAP_ABOVE_LINE;
        let top = (height - line_below - line * LINE_HEIGHT) / 2.0;
        Self {
            center: (width / 2.0, top + radius),
            radius,
            title: TextPlace::below(top + title_below, title, &fonts.title),
            line: TextPlace::below(top + line_below, line, &fonts.line),
        }
    }
}

/// Width of the widest of these texts in font sizes.
fn widest(font: &Font, wording: Wording, text: impl Fn(Words) -> String) -> f32 {
    let widths = Card::all().map(|card| font.width(&text(wording(card))));
    widths.fold(f32::EPSILON, f32::max)
}

/// A number of pixels as a length. Sizes are at most 8192, which is exact.
#[expect(clippy::cast_precision_loss)]
fn pixels(size: u32) -> f32 {
    size as f32
}
