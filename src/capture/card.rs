//! Draws the placeholder pictures, in a child of its own: fonts and GStreamer take megabytes
//! that the applet never needs again.
//!
//! The other people in a meeting see these pictures, so they hold plain words only: no path, no
//! name, no error text.

mod drawing;
mod fonts;
mod layout;
mod lettering;
pub mod photo;
mod printer;
mod words;

use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};

use self::drawing::Drawing;
use self::fonts::Fonts;
use self::layout::Layout;
use self::printer::Printer;
use super::stdout;
use crate::placeholder::write_picture;
use crate::relay::Card;
use crate::settings::{Geometry, PlaceholderSpec};

/// `lenscap capture --cards`: writes a picture for each card to standard output, in the format that
/// [`Pictures`](crate::placeholder::Pictures) reads. Writes nothing for `black`.
///
/// An image that can't be shown costs a warning, and the drawn cards are written instead.
pub fn run(geometry: Geometry, placeholder: &PlaceholderSpec) -> ExitCode {
    match print(geometry, placeholder) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("lenscap: cannot draw the placeholder: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn print(geometry: Geometry, placeholder: &PlaceholderSpec) -> Result<()> {
    let mut out = BufWriter::new(stdout::take()?);
    gstreamer::init()?;
    match placeholder {
        PlaceholderSpec::Black => {}
        PlaceholderSpec::Card => print_cards(&mut out, geometry)?,
        PlaceholderSpec::Image(path) => print_image(&mut out, geometry, path).or_else(|error| {
            eprintln!("lenscap: cannot show {}: {error:#}", path.display());
            print_cards(&mut out, geometry)
        })?,
    }
    out.flush().context("cannot write the pictures")
}

fn print_cards(out: &mut impl Write, geometry: Geometry) -> Result<()> {
    let fonts = Fonts::find(&words::letters());
    if fonts.is_none() {
        eprintln!("lenscap: the placeholder has no words: install a font, such as DejaVu Sans");
    }
    let layout = Layout::new(geometry, fonts.as_ref());
    let drawing = Drawing {
        geometry,
        layout,
        fonts,
    };
    let printer = Printer::new(geometry)?;
    for card in Card::all() {
        let picture = drawing.draw(card).context("the picture is too large")?;
        let frame = printer.print(picture)?;
        write_picture(out, geometry, &[card], &frame)?;
    }
    Ok(())
}

/// The user's picture is the same on every card: it is theirs to say nothing.
fn print_image(out: &mut impl Write, geometry: Geometry, path: &Path) -> Result<()> {
    let picture = photo::load(path, geometry.width, geometry.height)?;
    let frame = Printer::new(geometry)?.print(picture)?;
    let cards: Vec<_> = Card::all().collect();
    write_picture(out, geometry, &cards, &frame).map_err(Into::into)
}
