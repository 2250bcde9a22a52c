//! The tray's symbols: names in the icon theme, and pixels for hosts without our icons.

use ksni::Icon;

use super::theme::Theme;
use crate::dbus;

/// Side lengths in pixels; explained in `build.rs`.
const SIZES: [u16; 6] = [16, 22, 24, 32, 48, 96];

/// The pixels of a symbol, in all sizes together.
const PIXELS: usize = {
    let mut sum = 0;
    let mut index = 0;
    while index < SIZES.len() {
        sum += (SIZES[index] as usize).pow(2);
        index += 1;
    }
    sum
};

/// What the icon shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Symbol {
    /// The camera is off: a cap on the lens.
    Idle,
    /// The camera is on: a light in the lens.
    Live,
    /// The camera is covered.
    Paused,
    /// The camera can't be used.
    Failed,
}

impl Symbol {
    /// Every symbol.
    pub const ALL: [Self; 4] = [Self::Idle, Self::Live, Self::Paused, Self::Failed];

    /// Its name in the icon theme.
    pub fn icon_name(self) -> String {
        format!("{}-{}-symbolic", dbus::NAME, self.state_name())
    }

    /// Whether hosts can find every symbol by its name. Some show a question mark for a name that they
    /// can't find, and ignore the pixels.
    pub fn are_installed() -> bool {
        let theme = Theme::new();
        Self::ALL
            .iter()
            .all(|symbol| theme.has(&symbol.icon_name()))
    }

    fn state_name(self) -> &'static str {
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

    /// The pixels that `build.rs` rendered. The array's length checks that both have the same sizes.
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
mod tests;
