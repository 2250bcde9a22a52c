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
use self::words::Wording;
use super::stdout;
use crate::placeholder::write_picture;
use crate::relay::Card;
use crate::settings::{Geometry, PlaceholderSpec};

/// `lenscap capture --cards`: writes a picture for each card to standard output, in the format that
/// [`Pictures`](crate::placeholder::Pictures) reads. Writes nothing for `black`.
///
/// An image that can't be shown costs a warning, and the drawn cards are written instead.
pub fn run(geometry: Geometry, placeholder: &PlaceholderSpec) -> ExitCode {
    super::step_back();
    match print(geometry, placeholder) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::warn!("cannot draw the placeholder: {error:#}");
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
            tracing::warn!("cannot show {}: {error:#}", path.display());
            print_cards(&mut out, geometry)
        })?,
    }
    out.flush().context("cannot write the pictures")
}

/// The first of some wordings for whose letters there are fonts, and those fonts; the last wording
/// without fonts if there are none at all. English words are better than boxes.
fn lettering<T>(wordings: [Wording; 2], find: impl Fn(&str) -> Option<T>) -> (Option<T>, Wording) {
    let [first, last] = wordings;
    match find(&words::letters(first)) {
        Some(fonts) => (Some(fonts), first),
        None => (find(&words::letters(last)), last),
    }
}

fn print_cards(out: &mut impl Write, geometry: Geometry) -> Result<()> {
    let (fonts, wording) = lettering([words::translated, words::english], Fonts::find);
    if fonts.is_none() {
        tracing::warn!("the placeholder has no words: install a font, such as DejaVu Sans");
    }
    let layout = Layout::new(geometry, fonts.as_ref(), wording);
    let drawing = Drawing {
        geometry,
        layout,
        fonts,
        wording,
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

#[cfg(test)]
mod tests {
    use self::words::Words;
    use super::*;

    /// Words in letters that few fonts have.
    fn japanese(_: Card) -> Words {
        Words {
            title: "カメラはオフです".to_owned(),
            line: "お待ちください".to_owned(),
        }
    }

    #[test]
    fn words_without_letters_give_way_to_english_ones() {
        let latin = |letters: &str| {
            letters
                .chars()
                .all(|letter| letter < '\u{3000}')
                .then_some(())
        };
        let any = |_: &str| Some(());
        let none = |_: &str| None::<()>;
        let title =
            |(fonts, wording): (Option<()>, Wording)| (fonts.is_some(), wording(Card::Off).title);
        let wordings: [Wording; 2] = [japanese, words::english];
        let english = "Camera is off".to_owned();
        assert_eq!(title(lettering(wordings, latin)), (true, english.clone()));
        assert_eq!(title(lettering(wordings, any)).1, "カメラはオフです");
        assert_eq!(title(lettering(wordings, none)), (false, english));
    }
}
