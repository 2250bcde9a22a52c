//! Symbols as lines and areas around (0, 0), each within the unit square (−1 to 1), y downwards.

use std::f32::consts::{FRAC_1_SQRT_2, TAU};

use tiny_skia::{PathBuilder, Rect};

/// Default line width.
const PEN: f32 = 0.18;
/// Line segments of an arc: at the largest lens less than a fifth of a pixel off.
const PIECES: u16 = 128;

/// A drawing in one colour.
pub struct Symbol {
    /// Stroked.
    pub lines: PathBuilder,
    /// Width of the strokes.
    pub width: f32,
    /// Filled.
    pub areas: PathBuilder,
}

impl Symbol {
    fn new() -> Self {
        Self {
            lines: PathBuilder::new(),
            width: PEN,
            areas: PathBuilder::new(),
        }
    }

    fn line(mut self, points: &[(f32, f32)]) -> Self {
        for (index, (x, y)) in points.iter().enumerate() {
            match index {
                0 => self.lines.move_to(*x, *y),
                _ => self.lines.line_to(*x, *y),
            }
        }
        self
    }

    fn outline(mut self, corner: (f32, f32), size: (f32, f32)) -> Self {
        push_box(&mut self.lines, corner, size);
        self
    }

    fn area(mut self, corner: (f32, f32), size: (f32, f32)) -> Self {
        push_box(&mut self.areas, corner, size);
        self
    }

    fn arc(mut self, radius: f32, center: (f32, f32), from: f32, turn: f32) -> Self {
        push_arc(&mut self.lines, radius, center, from, turn);
        self
    }

    fn dot(mut self, radius: f32, center: (f32, f32)) -> Self {
        self.areas.push_circle(center.0, center.1, radius);
        self
    }
}

pub fn circle(radius: f32, center: (f32, f32)) -> PathBuilder {
    let mut path = PathBuilder::new();
    path.push_circle(center.0, center.1, radius);
    path
}

/// An arc around (0, 0): start and length in turns, clockwise from the right.
pub fn arc(radius: f32, from: f32, turn: f32) -> PathBuilder {
    let mut path = PathBuilder::new();
    push_arc(&mut path, radius, (0.0, 0.0), from, turn);
    path
}

fn push_arc(path: &mut PathBuilder, radius: f32, center: (f32, f32), from: f32, turn: f32) {
    for piece in 0..=PIECES {
        let angle = TAU * (from + turn * f32::from(piece) / f32::from(PIECES));
        let (x, y) = (
            center.0 + radius * angle.cos(),
            center.1 + radius * angle.sin(),
        );
        match piece {
            0 => path.move_to(x, y),
            _ => path.line_to(x, y),
        }
    }
}

fn push_box(path: &mut PathBuilder, (x, y): (f32, f32), (width, height): (f32, f32)) {
    if let Some(rect) = Rect::from_xywh(x, y, width, height) {
        path.push_rect(rect);
    }
}

/// The two grips between which fingers pinch a lens cap.
pub fn grips() -> Symbol {
    Symbol {
        width: 0.36,
        ..Symbol::new()
            .line(&[(-0.85, -0.6), (-0.85, 0.6)])
            .line(&[(0.85, -0.6), (0.85, 0.6)])
    }
}

pub fn pause() -> Symbol {
    Symbol {
        width: 0.34,
        ..Symbol::new()
            .line(&[(-0.36, -0.6), (-0.36, 0.6)])
            .line(&[(0.36, -0.6), (0.36, 0.6)])
    }
}

/// A screen crossed out.
pub fn screen() -> Symbol {
    Symbol::new()
        .outline((-0.9, -0.7), (1.8, 1.1))
        .line(&[(-0.4, 0.8), (0.4, 0.8)])
        .line(&[(-0.3, -0.45), (0.3, 0.15)])
        .line(&[(0.3, -0.45), (-0.3, 0.15)])
}

/// A video camera crossed out.
pub fn camera() -> Symbol {
    Symbol::new()
        .outline((-0.9, -0.45), (1.15, 0.9))
        .line(&[(0.45, 0.0), (0.9, -0.4), (0.9, 0.4), (0.45, 0.0)])
        .line(&[(-0.8, 0.85), (0.8, -0.85)])
}

/// A padlock.
pub fn lock() -> Symbol {
    Symbol::new()
        .area((-0.65, -0.1), (1.3, 0.95))
        .outline((-0.65, -0.1), (1.3, 0.95))
        .line(&[(-0.42, -0.1), (-0.42, -0.4)])
        .arc(0.42, (0.0, -0.4), 0.5, 0.5)
        .line(&[(0.42, -0.4), (0.42, -0.1)])
}

/// Two windows, one behind the other.
pub fn windows() -> Symbol {
    Symbol::new()
        .outline((-0.85, -0.25), (1.15, 0.95))
        .line(&[(-0.35, -0.75), (0.85, -0.75), (0.85, 0.25), (0.65, 0.25)])
        .line(&[(-0.35, -0.75), (-0.35, -0.6)])
}

/// The corners of a picture around a dot.
pub fn corners() -> Symbol {
    let corner = |symbol: Symbol, x: f32, y: f32| {
        symbol.line(&[
            (0.35 * x, 0.7 * y),
            (0.85 * x, 0.7 * y),
            (0.85 * x, 0.25 * y),
        ])
    };
    let signs = [(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)];
    let corners = Symbol::new().dot(0.2, (0.0, 0.0));
    signs
        .into_iter()
        .fold(corners, |symbol, (x, y)| corner(symbol, x, y))
}

pub fn clock() -> Symbol {
    Symbol::new()
        .arc(0.85, (0.0, 0.0), 0.0, 1.0)
        .line(&[(0.0, -0.5), (0.0, 0.05), (0.35, 0.3)])
}

/// A circular arrow.
pub fn again() -> Symbol {
    let tip = 0.75 * FRAC_1_SQRT_2;
    Symbol::new().arc(0.75, (0.0, 0.0), -0.125, -0.8).line(&[
        (tip - 0.42, -tip + 0.04),
        (tip + 0.02, -tip),
        (tip + 0.02, -tip - 0.44),
    ])
}

/// An exclamation mark.
pub fn exclamation() -> Symbol {
    Symbol {
        width: 0.3,
        ..Symbol::new()
            .line(&[(0.0, -0.75), (0.0, 0.2)])
            .dot(0.19, (0.0, 0.72))
    }
}
