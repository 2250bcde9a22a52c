//! Contrast (WCAG 2) of the pixels on panels of various colours.

use super::*;

/// Light, dark and coloured panels: white, GNOME's light one, black, Nord's, waybar's tray, greys,
/// accents.
const PANELS: [[u8; 3]; 12] = [
    [0xff, 0xff, 0xff],
    [0xf6, 0xf5, 0xf4],
    [0x00, 0x00, 0x00],
    [0x2e, 0x34, 0x40],
    [0x29, 0x80, 0xb9],
    [0x80, 0x80, 0x80],
    [0x5e, 0x5c, 0x64],
    [0xc0, 0xbf, 0xbc],
    [0xe0, 0x1b, 0x24],
    [0x26, 0xa2, 0x69],
    [0xf5, 0xc2, 0x11],
    [0x35, 0x84, 0xe4],
];

/// The minimum contrast of graphical objects in WCAG 2.
const CONTRAST: f64 = 3.0;

/// Side length, and alpha, red, green and blue (0 to 255) of every pixel.
struct Picture {
    side: usize,
    pixels: Vec<[f64; 4]>,
}

impl Picture {
    /// All pictures of a symbol: those sent, and the largest scaled down, as by hosts that use no
    /// other.
    fn all(symbol: Symbol) -> Vec<Self> {
        let sent = symbol.pixmaps().into_iter().map(|icon| Self {
            side: usize::try_from(icon.width).unwrap(),
            pixels: icon
                .data
                .chunks_exact(4)
                .map(|argb| std::array::from_fn(|index| f64::from(argb[index])))
                .collect(),
        });
        let mut all: Vec<_> = sent.collect();
        let largest = all.last().unwrap();
        let smaller = [2, 3, 4, 6].map(|factor| largest.smaller(factor));
        all.extend(smaller);
        all
    }

    /// The picture scaled down by a factor.
    fn smaller(&self, factor: usize) -> Self {
        let side = self.side / factor;
        let mean = |index: usize| {
            let (left, top) = (index % side * factor, index / side * factor);
            let square = (0..factor * factor)
                .map(|at| self.pixels[(top + at / factor) * self.side + left + at % factor]);
            // Colours are weighted by alpha.
            let mut sum = [0.0; 4];
            for [alpha, color @ ..] in square {
                sum[0] += alpha;
                for (sum, color) in sum[1..].iter_mut().zip(color) {
                    *sum += alpha * color;
                }
            }
            let [alpha, color @ ..] = sum;
            let [red, green, blue] = color.map(|color| color / alpha.max(1.0));
            let count = f64::from(u32::try_from(factor * factor).unwrap());
            [alpha / count, red, green, blue]
        };
        Self {
            side,
            pixels: (0..side * side).map(mean).collect(),
        }
    }

    /// The luminance of each pixel on a panel.
    fn on(&self, panel: [u8; 3]) -> Vec<f64> {
        let pixels = self.pixels.iter();
        let pixels = pixels.map(|[alpha, color @ ..]| {
            let mix = |index: usize| {
                (alpha * color[index] + (255.0 - alpha) * f64::from(panel[index])) / 255.0
            };
            luminance([mix(0), mix(1), mix(2)])
        });
        pixels.collect()
    }

    /// The opaque pixels next to transparent ones.
    fn edge(&self) -> Vec<usize> {
        let side = self.side;
        let is_solid = |index: usize| self.pixels[index][0] >= 128.0;
        let is_edge = |index: &usize| {
            let (x, y) = (index % side, index / side);
            let is_inside = x > 0 && y > 0 && x + 1 < side && y + 1 < side;
            let beside = || [index - 1, index + 1, index - side, index + side];
            is_solid(*index) && !(is_inside && beside().into_iter().all(is_solid))
        };
        (0..side * side).filter(is_edge).collect()
    }

    /// The pixels around one, within two of the 16 pixels of the smallest symbol.
    fn around(&self, index: usize) -> impl Iterator<Item = usize> {
        let (side, reach) = (self.side, self.side / 8);
        let (x, y) = (index % side, index / side);
        let range = move |at: usize| at.saturating_sub(reach)..(at + reach + 1).min(side);
        range(y).flat_map(move |y| range(x).map(move |x| y * side + x))
    }
}

/// Relative luminance by WCAG 2.
fn luminance(color: [f64; 3]) -> f64 {
    let linear = color.map(|part| match part / 255.0 {
        dark if dark <= 0.04045 => dark / 12.92,
        light => ((light + 0.055) / 1.055).powf(2.4),
    });
    0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
}

fn is_distinguishable(one: f64, other: f64) -> bool {
    (one.max(other) + 0.05) / (one.min(other) + 0.05) >= CONTRAST
}

#[test]
fn every_edge_is_visible_on_every_panel() {
    for symbol in Symbol::ALL {
        for picture in Picture::all(symbol) {
            let edge = picture.edge();
            assert!(edge.len() > picture.side, "{symbol:?} has no edge");
            for panel in PANELS {
                let shown = picture.on(panel);
                let base = luminance(panel.map(f64::from));
                let is_lost = |index: &&usize| {
                    let mut around = picture.around(**index);
                    !around.any(|other| is_distinguishable(shown[other], base))
                };
                let lost = edge.iter().filter(is_lost).count();
                let side = picture.side;
                assert_eq!(lost, 0, "{symbol:?} at {side} on {panel:x?}");
            }
        }
    }
}

/// By luminance only, for colour-blind users, and because no two colours differ on every panel.
#[test]
fn no_two_states_look_alike_on_any_panel() {
    for (index, one) in Symbol::ALL.into_iter().enumerate() {
        for other in Symbol::ALL.into_iter().skip(index + 1) {
            for (first, second) in Picture::all(one).into_iter().zip(Picture::all(other)) {
                for panel in PANELS {
                    let pairs = first.on(panel).into_iter().zip(second.on(panel));
                    let differ = pairs.filter(|(one, other)| is_distinguishable(*one, *other));
                    let (differ, area) = (differ.count(), first.pixels.len());
                    assert!(
                        differ * 10 > area,
                        "{one:?} and {other:?} differ in {differ} of {area} pixels on {panel:x?}"
                    );
                }
            }
        }
    }
}

/// The number of opaque pixels of the smallest picture whose colour `is` accepts.
fn count(symbol: Symbol, is: impl Fn([f64; 3]) -> bool) -> usize {
    let smallest = Picture::all(symbol).remove(0);
    let solid = smallest.pixels.into_iter().filter(|pixel| pixel[0] > 200.0);
    solid.filter(|[_, color @ ..]| is(*color)).count()
}

#[test]
fn only_live_is_green_and_only_failed_is_red() {
    let green = |[r, g, b]: [f64; 3]| g / 2.0 > r && g > b;
    let red = |[r, g, b]: [f64; 3]| r / 3.0 > g && r / 3.0 > b;
    for symbol in Symbol::ALL {
        let (greens, reds) = (count(symbol, green), count(symbol, red));
        assert_eq!(greens > 30, symbol == Symbol::Live, "{symbol:?}: {greens}");
        assert_eq!(greens == 0, symbol != Symbol::Live, "{symbol:?}: {greens}");
        assert_eq!(reds > 60, symbol == Symbol::Failed, "{symbol:?}: {reds}");
        assert_eq!(reds == 0, symbol != Symbol::Failed, "{symbol:?}: {reds}");
    }
}
