//! Positions and sizes on a card.
//!
//! All lengths derive from the shorter side, so that everything is within the central square: video
//! calls crop wide pictures to squares. All cards of a geometry have the same layout, so that nothing
//! moves when one replaces another.

use super::fonts::Fonts;
use super::lettering::Font;
use super::text::{CardText, Wording};
use crate::relay::Card;
use crate::settings::Geometry;

/// The glyph's radius, relative to the shorter side.
const GLYPH: f32 = 0.15;
/// The glyph's radius without text.
const GLYPH_ALONE: f32 = 0.25;
/// Font sizes of the two lines of text, relative to the shorter side.
const TITLE: f32 = 0.072;
const LINE: f32 = 0.042;
/// Gaps between glyph, title and second line, relative to the shorter side.
const GAP_ABOVE_TITLE: f32 = 0.06;
const GAP_ABOVE_LINE: f32 = 0.022;
/// Height of a line in font sizes, as of common fonts.
const LINE_HEIGHT: f32 = 1.2;
/// Maximum width of a line of text, relative to the shorter side.
const TEXT_WIDTH: f32 = 0.9;

/// Positions on a card, in pixels from the upper left.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Layout {
    /// Centre of the glyph.
    pub center: (f32, f32),
    /// The glyph's radius.
    pub radius: f32,
    pub title: TextPlace,
    pub line: TextPlace,
}

/// Position of a line of text, which is centred horizontally.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TextPlace {
    pub baseline: f32,
    pub size: f32,
}

impl TextPlace {
    /// A line that begins at `top`, vertically centred by its capitals, because fonts differ widely in
    /// their nominal heights.
    fn below(top: f32, size: f32, font: &Font) -> Self {
        Self {
            baseline: top + f32::midpoint(LINE_HEIGHT, font.capitals()) * size,
            size,
        }
    }
}

impl Layout {
    /// The layout with text in these fonts, or of a glyph alone.
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
        let titles = widest(&fonts.title, wording, |text| text.title);
        let lines = widest(&fonts.line, wording, |text| text.line);
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

/// Width of the widest text, in font sizes.
fn widest(font: &Font, wording: Wording, text: impl Fn(CardText) -> String) -> f32 {
    let widths = Card::all().map(|card| font.width(&text(wording(card))));
    widths.fold(f32::EPSILON, f32::max)
}

/// Sizes are at most 8192, which is exact.
#[expect(clippy::cast_precision_loss)]
fn pixels(size: u32) -> f32 {
    size as f32
}
