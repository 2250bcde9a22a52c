//! The placeholder, drawn whenever the output or its setting changes.

use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;

use super::latest::Latest;
use super::{Applet, children};
use crate::placeholder::Pictures;
use crate::settings::{Geometry, LONGEST_TEXT, Message, PlaceholderSpec, n_, one_line};

/// Drawings of the placeholder.
#[derive(Default)]
pub struct Drawings {
    /// One that was ordered earlier is ignored.
    numbers: Latest,
    problem: RefCell<Option<Message>>,
}

impl Drawings {
    /// Why the cards stand in for the user's image.
    pub fn problem(&self) -> Option<Message> {
        self.problem.borrow().clone()
    }
}

impl Applet {
    /// Has the placeholder drawn for the output as it is. Until it is there, black is shown.
    pub(super) fn draw_cards(self: &Rc<Self>) {
        let Some((geometry, _)) = self.flow.outputs.borrow().shape() else {
            return;
        };
        let placeholder = self.config.settings().output.placeholder.clone();
        let drawing = self.drawings.numbers.begin();
        let applet = Rc::downgrade(self);
        glib::spawn_future_local(async move {
            let (pictures, problem) = draw(geometry, &placeholder).await;
            let Some(applet) = applet.upgrade() else {
                return;
            };
            if !applet.drawings.numbers.is_newest(drawing) {
                return; // the settings are others by now
            }
            match pictures {
                Ok(pictures) => applet.flow.set_pictures(geometry, pictures),
                Err(error) => tracing::warn!("the placeholder stays as it is: {error:#}"),
            }
            if let Some(problem) = &problem {
                tracing::warn!("{problem}");
            }
            if applet.drawings.problem.replace(problem.clone()) != problem {
                applet.publish();
            }
        });
    }
}

/// The pictures; those of the cards, and why, if there are none of the user's image.
async fn draw(
    geometry: Geometry,
    placeholder: &PlaceholderSpec,
) -> (anyhow::Result<Pictures>, Option<Message>) {
    let drawn = children::draw(geometry, placeholder).await;
    match (drawn, placeholder) {
        (Err(error), PlaceholderSpec::Image(path)) => {
            let cards = children::draw(geometry, &PlaceholderSpec::Card).await;
            (cards, Some(no_image(path, &error)))
        }
        (drawn, _) => (drawn, None),
    }
}

fn no_image(path: &Path, error: &anyhow::Error) -> Message {
    let text = n_("the placeholder image {file} can't be shown: {error}");
    let error = one_line(&format!("{error:#}"), LONGEST_TEXT);
    Message::new(text)
        .with("file", path.display())
        .with("error", error)
}
