//! Draws the placeholder pictures, in a child process: fonts and GStreamer take megabytes that the
//! applet needs only for this.
//!
//! The other people in a meeting see these pictures, so they contain no path, no name and no error
//! message.

mod converter;
mod drawing;
mod fonts;
mod layout;
mod lettering;
pub mod photo;
mod text;

use std::io::{BufWriter, Write};
use std::process::ExitCode;

use anyhow::{Context, Result};

use self::converter::FrameConverter;
use self::drawing::Drawing;
use self::fonts::Fonts;
use self::layout::Layout;
use self::text::Wording;
use super::sandbox::{self, Reach, Rules};
use super::stdout;
use crate::placeholder::write_picture;
use crate::relay::Card;
use crate::settings::{Geometry, PlaceholderSpec};

/// The exit code of a child that can't load the image.
pub const UNUSABLE_IMAGE: u8 = 3;

/// `lenscap capture --cards`: writes a picture for each card to standard output, in the format that
/// [`Pictures`](crate::placeholder::Pictures) reads. Writes nothing for `black`, and nothing but the
/// reason if an image can't be loaded.
pub fn run(geometry: Geometry, placeholder: &PlaceholderSpec) -> ExitCode {
    super::lower_priority();
    write_pictures(geometry, placeholder).unwrap_or_else(|error| {
        tracing::warn!("cannot draw the placeholder: {error:#}");
        ExitCode::FAILURE
    })
}

fn write_pictures(geometry: Geometry, placeholder: &PlaceholderSpec) -> Result<ExitCode> {
    let mut out = BufWriter::new(stdout::take()?);
    sandbox::enter(&rules(placeholder));
    gstreamer::init()?;
    let mut code = ExitCode::SUCCESS;
    match placeholder {
        PlaceholderSpec::Black => {}
        PlaceholderSpec::Card => write_cards(&mut out, geometry)?,
        PlaceholderSpec::Image(path) => match photo::load(path, geometry.width, geometry.height) {
            Ok(picture) => write_image(&mut out, geometry, picture)?,
            Err(error) => {
                write!(out, "{error:#}")?;
                code = ExitCode::from(UNUSABLE_IMAGE);
            }
        },
    }
    out.flush().context("cannot write the pictures")?;
    Ok(code)
}

/// The user's image and fonts may be in the home directory.
fn rules(placeholder: &PlaceholderSpec) -> Rules {
    let mut rules = Rules::from_environment(Reach::Devices);
    rules.readable.extend(fonts::directories());
    if let PlaceholderSpec::Image(path) = placeholder {
        rules.readable.push(path.clone());
    }
    rules
}

/// The first wording for whose letters there are fonts, with those fonts; else the last one. English
/// text is better than boxes.
fn choose_wording<T>(
    wordings: [Wording; 2],
    find: impl Fn(&str) -> Option<T>,
) -> (Option<T>, Wording) {
    let [first, last] = wordings;
    match find(&text::letters(first)) {
        Some(fonts) => (Some(fonts), first),
        None => (find(&text::letters(last)), last),
    }
}

fn write_cards(out: &mut impl Write, geometry: Geometry) -> Result<()> {
    let (fonts, wording) = choose_wording([text::translated, text::english], Fonts::find);
    if fonts.is_none() {
        tracing::warn!("the placeholder has no text: install a font, such as DejaVu Sans");
    }
    let layout = Layout::new(geometry, fonts.as_ref(), wording);
    let drawing = Drawing {
        geometry,
        layout,
        fonts,
        wording,
    };
    let converter = FrameConverter::new(geometry)?;
    for card in Card::all() {
        let picture = drawing.draw(card).context("the picture is too large")?;
        let frame = converter.convert(picture)?;
        write_picture(out, geometry, &[card], &frame)?;
    }
    Ok(())
}

/// The user's image is shown for every card, without text.
fn write_image(out: &mut impl Write, geometry: Geometry, picture: Vec<u8>) -> Result<()> {
    let frame = FrameConverter::new(geometry)?.convert(picture)?;
    let cards: Vec<_> = Card::all().collect();
    write_picture(out, geometry, &cards, &frame).map_err(Into::into)
}

#[cfg(test)]
mod tests {
    use self::text::CardText;
    use super::*;

    /// Text in letters that few fonts have.
    fn japanese(_: Card) -> CardText {
        CardText {
            title: "カメラはオフです".to_owned(),
            line: "お待ちください".to_owned(),
        }
    }

    #[test]
    fn english_replaces_text_without_fonts() {
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
        let wordings: [Wording; 2] = [japanese, text::english];
        let english = "Camera is off".to_owned();
        assert_eq!(
            title(choose_wording(wordings, latin)),
            (true, english.clone())
        );
        assert_eq!(title(choose_wording(wordings, any)).1, "カメラはオフです");
        assert_eq!(title(choose_wording(wordings, none)), (false, english));
    }
}
