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
/// What a symbol lies on: its own shape without holes and a sixteenth of the icon wider. Dark below
/// light, it shows on a panel of any colour.
const BACKGROUND: &str = "path, circle { color: #1d1d20 !important; fill: #1d1d20 !important; \
    fill-rule: nonzero !important; stroke: #1d1d20; stroke-width: 2; stroke-linejoin: round }";
/// The symbol itself.
const FOREGROUND: &str = ".ColorScheme-Text { color: #ffffff !important }";
/// What the tray tells apart.
const NAMES: [&str; 4] = ["idle", "live", "paused", "failed"];
/// Pixels a side: the panels' usual heights, and twice those for dense screens, or a little more than
/// that: each size costs memory with every message, and hosts scale down well. `src/tray/symbol.rs` has
/// the same ones.
const SIZES: [u16; 6] = [16, 22, 24, 32, 48, 96];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={SYMBOLS}");
    let out = env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?;
    for name in NAMES {
        let svg = fs::read_to_string(format!("{SYMBOLS}/{ID}-{name}-symbolic.svg"))?;
        let layers = [styled(&svg, BACKGROUND)?, styled(&svg, FOREGROUND)?];
        let mut pixels = Vec::new();
        for size in SIZES {
            pixels.extend(render(&layers, size)?);
        }
        fs::write(Path::new(&out).join(name).with_extension("argb"), pixels)?;
    }
    Ok(())
}

/// A symbol in other colours than its own.
fn styled(svg: &str, style: &str) -> Result<Tree, Box<dyn Error>> {
    let options = Options {
        style_sheet: Some(style.to_owned()),
        ..Options::default()
    };
    Ok(Tree::from_str(svg, &options)?)
}

/// Layers as the tray's protocol wants them: alpha, red, green, blue, not multiplied.
fn render(layers: &[Tree], size: u16) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut pixmap = Pixmap::new(size.into(), size.into()).ok_or("an empty size")?;
    for layer in layers {
        let (width, height) = (layer.size().width(), layer.size().height());
        let scale = Transform::from_scale(f32::from(size) / width, f32::from(size) / height);
        resvg::render(layer, scale, &mut pixmap.as_mut());
    }
    let pixels = pixmap.pixels().iter().map(PremultipliedColorU8::demultiply);
    let bytes = pixels.flat_map(|color| [color.alpha(), color.red(), color.green(), color.blue()]);
    Ok(bytes.collect())
}
