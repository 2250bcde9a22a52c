//! Draws a card: a lens, with or without its cap, a symbol for the state, and the text below.

mod symbol;

use tiny_skia::{
    Color, FillRule, GradientStop, LineCap, LineJoin, Paint, PathBuilder, Pixmap, Point,
    RadialGradient, Shader, SpreadMode, Stroke, Transform,
};

use self::symbol::Symbol;
use super::fonts::Fonts;
use super::layout::{Layout, TextPlace};
use super::lettering::Font;
use super::text::Wording;
use crate::relay::{Card, FaultKind};
use crate::settings::Geometry;

/// Colours as red, green and blue: slightly blue greys, an accent and a warning.
const BACKGROUND: [u8; 3] = [0x22, 0x22, 0x26];
const BARREL: [u8; 3] = [0x36, 0x36, 0x3c];
const CAP: [u8; 3] = [0x4a, 0x4a, 0x52];
const CAP_EDGE: [u8; 3] = [0x60, 0x60, 0x6a];
const GROOVE: [u8; 3] = [0x3e, 0x3e, 0x46];
const RECESS: [u8; 3] = [0x2c, 0x2c, 0x32];
const PALE: [u8; 3] = [0xde, 0xdd, 0xda];
const INSIDE: [u8; 3] = [0x16, 0x16, 0x1a];
const GLASS: [u8; 3] = [0x3d, 0x5a, 0x86];
const GLINT: [u8; 3] = [0xc3, 0xd3, 0xe8];
const ACCENT: [u8; 3] = [0x62, 0xa0, 0xea];
const WARNING: [u8; 3] = [0xf5, 0xc2, 0x11];
const TITLE: [u8; 3] = [0xff, 0xff, 0xff];
const LINE: [u8; 3] = [0xb4, 0xb4, 0xba];

/// A symbol's size relative to the lens.
const SYMBOL: f32 = 0.42;

/// What all cards of a geometry share.
pub struct Drawing {
    pub geometry: Geometry,
    pub layout: Layout,
    /// Without fonts, cards have no text.
    pub fonts: Option<Fonts>,
    pub wording: Wording,
}

impl Drawing {
    /// Draws a card as `RGBx` pixels; `None` if the picture is too large for memory.
    pub fn draw(&self, card: Card) -> Option<Vec<u8>> {
        let layout = &self.layout;
        let mut canvas = Canvas {
            pixmap: Pixmap::new(self.geometry.width, self.geometry.height)?,
            place: Transform::from_scale(layout.radius, layout.radius)
                .post_translate(layout.center.0, layout.center.1),
        };
        canvas.pixmap.fill(color(BACKGROUND));
        canvas.picture(card);
        if let Some(fonts) = &self.fonts {
            let text = (self.wording)(card);
            let middle = layout.center.0;
            canvas.text(&fonts.title, &text.title, middle, layout.title, TITLE);
            canvas.text(&fonts.line, &text.line, middle, layout.line, LINE);
        }
        // Everything is opaque, so premultiplied and straight colours are the same.
        Some(canvas.pixmap.take())
    }
}

fn symbol_of(kind: FaultKind) -> Symbol {
    match kind {
        FaultKind::NoOutput => symbol::screen(),
        FaultKind::NoCamera => symbol::camera(),
        FaultKind::NoPermission => symbol::lock(),
        FaultKind::Busy => symbol::windows(),
        FaultKind::Unsupported => symbol::corners(),
        FaultKind::NoPicture => symbol::clock(),
        FaultKind::Stopped => symbol::again(),
        FaultKind::Other => symbol::exclamation(),
    }
}

fn color([red, green, blue]: [u8; 3]) -> Color {
    Color::from_rgba8(red, green, blue, 255)
}

/// A picture with coordinates in which the lens is the unit circle.
struct Canvas {
    pixmap: Pixmap,
    place: Transform,
}

impl Canvas {
    fn picture(&mut self, card: Card) {
        self.disc(1.0, BARREL);
        match card {
            Card::Off => self.cap(&symbol::grips(), RECESS),
            Card::Paused => self.cap(&symbol::pause(), PALE),
            Card::Failed(kind) => self.cap(&symbol_of(kind), WARNING),
            Card::Starting => self.lens(),
        }
    }

    /// A lens with its cap on, with a symbol on the cap.
    fn cap(&mut self, symbol: &Symbol, tint: [u8; 3]) {
        self.disc(0.88, CAP);
        self.ring(0.87, 0.02, CAP_EDGE);
        self.ring(0.72, 0.03, GROOVE);
        self.symbol(symbol, tint);
    }

    /// A lens without its cap.
    fn lens(&mut self) {
        self.disc(0.88, INSIDE);
        self.ring(0.70, 0.03, BARREL);
        self.glass();
        self.dot(0.09, (-0.2, -0.22), GLINT);
        self.dot(0.045, (0.19, 0.21), GLASS);
        let arc = symbol::arc(0.94, -0.25, 0.45);
        self.stroke(&arc, 0.08, ACCENT);
    }

    fn glass(&mut self) {
        let stops = vec![
            GradientStop::new(0.0, color(GLASS)),
            GradientStop::new(1.0, color(INSIDE)),
        ];
        let (light, middle) = (Point::from_xy(-0.12, -0.14), Point::from_xy(0.0, 0.0));
        let glass = RadialGradient::new(
            light,
            0.0,
            middle,
            0.54,
            stops,
            SpreadMode::Pad,
            Transform::identity(),
        );
        if let Some(glass) = glass {
            self.fill(&symbol::circle(0.54, (0.0, 0.0)), glass);
        }
    }

    fn disc(&mut self, radius: f32, tint: [u8; 3]) {
        self.dot(radius, (0.0, 0.0), tint);
    }

    fn dot(&mut self, radius: f32, center: (f32, f32), tint: [u8; 3]) {
        let dot = symbol::circle(radius, center);
        self.fill(&dot, Shader::SolidColor(color(tint)));
    }

    fn ring(&mut self, radius: f32, width: f32, tint: [u8; 3]) {
        self.stroke(&symbol::circle(radius, (0.0, 0.0)), width, tint);
    }

    fn symbol(&mut self, symbol: &Symbol, tint: [u8; 3]) {
        let whole = self.place;
        self.place = whole.pre_scale(SYMBOL, SYMBOL);
        self.stroke(&symbol.lines, symbol.width, tint);
        self.fill(&symbol.areas, Shader::SolidColor(color(tint)));
        self.place = whole;
    }

    /// A line of text, centred at `middle`.
    fn text(&mut self, font: &Font, text: &str, middle: f32, place: TextPlace, tint: [u8; 3]) {
        let Some(outline) = font.outline(text) else {
            return; // nothing to draw
        };
        let left = middle - font.width(text) * place.size / 2.0;
        let place = Transform::from_scale(place.size, place.size)
            .post_translate(left, place.baseline.round());
        let paint = Paint {
            shader: Shader::SolidColor(color(tint)),
            ..Paint::default()
        };
        self.pixmap
            .fill_path(&outline, &paint, FillRule::Winding, place, None);
    }

    fn fill(&mut self, path: &PathBuilder, shader: Shader<'_>) {
        let Some(path) = path.clone().finish() else {
            return; // nothing to draw
        };
        let paint = Paint {
            shader,
            ..Paint::default()
        };
        self.pixmap
            .fill_path(&path, &paint, FillRule::Winding, self.place, None);
    }

    fn stroke(&mut self, path: &PathBuilder, width: f32, tint: [u8; 3]) {
        let Some(path) = path.clone().finish() else {
            return; // nothing to draw
        };
        let paint = Paint {
            shader: Shader::SolidColor(color(tint)),
            ..Paint::default()
        };
        let stroke = Stroke {
            width,
            line_cap: LineCap::Round,
            line_join: LineJoin::Round,
            ..Stroke::default()
        };
        self.pixmap
            .stroke_path(&path, &paint, &stroke, self.place, None);
    }
}
