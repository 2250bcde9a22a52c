//! Renders the tray's symbols: a host that doesn't find them in an icon theme, because Lenscap isn't
//! installed or because it never looks there, is sent the pixels.

use std::error::Error;
use std::path::Path;
use std::{env, fs};

use resvg::tiny_skia::{Pixmap, PremultipliedColorU8, Transform};
use resvg::usvg::{Options, Tree};

/// Where the symbols are: of the directories for recoloured icons, the one that hicolor lists.
const SYMBOLS: &str = "data/icons/hicolor/symbolic/apps";
/// The application, which every icon's name begins with.
const ID: &str = "io.github.lenscap.Lenscap";
/// What the tray tells apart.
const NAMES: [&str; 4] = ["idle", "live", "paused", "failed"];
/// Pixels a side: the panels' usual heights, and twice those for dense screens. `src/tray/icon.rs`
/// has the same ones.
const SIZES: [u16; 5] = [16, 22, 24, 32, 48];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={SYMBOLS}");
    let out = env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?;
    for name in NAMES {
        let svg = fs::read_to_string(format!("{SYMBOLS}/{ID}-{name}-symbolic.svg"))?;
        let symbol = Tree::from_str(&svg, &Options::default())?;
        let mut pixels = Vec::new();
        for size in SIZES {
            pixels.extend(render(&symbol, size)?);
        }
        fs::write(Path::new(&out).join(name).with_extension("argb"), pixels)?;
    }
    Ok(())
}

/// A symbol as the tray's protocol wants it: alpha, red, green, blue, not multiplied.
fn render(symbol: &Tree, size: u16) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut pixmap = Pixmap::new(size.into(), size.into()).ok_or("an empty size")?;
    let (width, height) = (symbol.size().width(), symbol.size().height());
    let scale = Transform::from_scale(f32::from(size) / width, f32::from(size) / height);
    resvg::render(symbol, scale, &mut pixmap.as_mut());
    let pixels = pixmap.pixels().iter().map(PremultipliedColorU8::demultiply);
    let bytes = pixels.flat_map(|color| [color.alpha(), color.red(), color.green(), color.blue()]);
    Ok(bytes.collect())
}
