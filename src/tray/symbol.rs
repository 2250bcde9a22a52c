//! The tray's symbols: names in the icon theme, and pixels for where no theme has them.

use ksni::Icon;

use super::theme::Theme;
use crate::dbus;

/// Pixels a side; `build.rs` says why these.
const SIZES: [u16; 5] = [16, 22, 24, 32, 48];

/// All pixels of a symbol.
const PIXELS: usize = {
    let mut sum = 0;
    let mut index = 0;
    while index < SIZES.len() {
        sum += (SIZES[index] as usize).pow(2);
        index += 1;
    }
    sum
};

/// What the icon tells apart at a glance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Symbol {
    /// The camera is off: the cap is on the lens.
    Idle,
    /// The camera is on: a light in the lens.
    Live,
    /// The camera is covered, whoever looks.
    Paused,
    /// Something is wrong.
    Failed,
}

impl Symbol {
    /// Every symbol.
    pub const ALL: [Self; 4] = [Self::Idle, Self::Live, Self::Paused, Self::Failed];

    /// Its name in the icon theme.
    pub fn icon_name(self) -> String {
        format!("{}-{}-symbolic", dbus::NAME, self.word())
    }

    /// Whether hosts find every symbol by its name. Some show a question mark for a name that they
    /// can't find, and never look at the pixels.
    pub fn are_installed() -> bool {
        let theme = Theme::new();
        Self::ALL
            .iter()
            .all(|symbol| theme.has(&symbol.icon_name()))
    }

    fn word(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Live => "live",
            Self::Paused => "paused",
            Self::Failed => "failed",
        }
    }

    /// Its pixels in all sizes.
    pub fn pixmaps(self) -> Vec<Icon> {
        let mut rest = self.pixels().as_slice();
        let sizes = SIZES.into_iter();
        let icons = sizes.map(|size| {
            let (data, others) = rest.split_at(4 * usize::from(size).pow(2));
            rest = others;
            Icon {
                width: size.into(),
                height: size.into(),
                data: data.to_vec(),
            }
        });
        icons.collect()
    }

    /// The pixels that `build.rs` rendered; the type holds both to the same sizes.
    fn pixels(self) -> &'static [u8; 4 * PIXELS] {
        match self {
            Self::Idle => include_bytes!(concat!(env!("OUT_DIR"), "/idle.argb")),
            Self::Live => include_bytes!(concat!(env!("OUT_DIR"), "/live.argb")),
            Self::Paused => include_bytes!(concat!(env!("OUT_DIR"), "/paused.argb")),
            Self::Failed => include_bytes!(concat!(env!("OUT_DIR"), "/failed.argb")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The pixels of a symbol's smallest size, each as alpha and colour.
    fn smallest(symbol: Symbol) -> Vec<(u8, [u8; 3])> {
        let icon = symbol.pixmaps().remove(0);
        let pixels = icon.data.chunks_exact(4);
        pixels
            .map(|argb| (argb[0], [argb[1], argb[2], argb[3]]))
            .collect()
    }

    /// How many of its 256 pixels are solidly of a colour that `is` picks.
    fn count(symbol: Symbol, is: impl Fn([u8; 3]) -> bool) -> usize {
        let solid = smallest(symbol)
            .into_iter()
            .filter(|(alpha, _)| *alpha > 200);
        solid.filter(|(_, color)| is(*color)).count()
    }

    #[test]
    fn symbols_differ_in_shape_at_the_smallest_size() {
        for (index, one) in Symbol::ALL.into_iter().enumerate() {
            for other in Symbol::ALL.into_iter().skip(index + 1) {
                let pairs = smallest(one).into_iter().zip(smallest(other));
                let differ = pairs
                    .filter(|((a, _), (b, _))| a.abs_diff(*b) > 128)
                    .count();
                assert!(
                    differ > 20,
                    "{one:?} and {other:?} differ in {differ} pixels"
                );
            }
        }
    }

    #[test]
    fn only_live_is_green_and_only_failed_is_red() {
        let green = |[r, g, b]: [u8; 3]| g / 2 > r && g > b;
        let red = |[r, g, b]: [u8; 3]| r / 3 > g && r / 3 > b;
        for symbol in Symbol::ALL {
            let (greens, reds) = (count(symbol, green), count(symbol, red));
            assert_eq!(greens > 30, symbol == Symbol::Live, "{symbol:?}: {greens}");
            assert_eq!(greens == 0, symbol != Symbol::Live, "{symbol:?}: {greens}");
            assert_eq!(reds > 100, symbol == Symbol::Failed, "{symbol:?}: {reds}");
            assert_eq!(reds == 0, symbol != Symbol::Failed, "{symbol:?}: {reds}");
        }
    }

    #[test]
    fn what_is_neither_green_nor_red_is_between_light_and_dark() {
        let grey =
            |[r, g, b]: [u8; 3]| (100..156).contains(&r) && r.abs_diff(g) < 4 && r.abs_diff(b) < 4;
        for symbol in [Symbol::Idle, Symbol::Live, Symbol::Paused] {
            assert!(count(symbol, grey) > 30, "{symbol:?}");
        }
    }
}
